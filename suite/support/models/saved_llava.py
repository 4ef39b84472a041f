"""A tiny LLaVA is saved once, and every test that damages its files gets a folder of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from suite.support.models import tiny_llava


@cache
def saved_files() -> dict[str, bytes]:
    """The files that `save_pretrained` writes for model and processor, by name."""
    with TemporaryDirectory() as folder:
        tiny_llava.model().save_pretrained(folder)
        tiny_llava.processor().save_pretrained(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def saved(folder: Path) -> Path:
    """Write the saved model's files into *folder*, which must not exist yet, and return it."""
    folder.mkdir()
    for name, content in saved_files().items():
        (folder / name).write_bytes(content)
    return folder
