"""A tiny LLaVA's folder, and the sentence with which a model is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from fixtures.models import load
from fixtures.models.errors import ModelUnavailable
from suite.support.models import tiny_llava


@cache
def files() -> dict[str, bytes]:
    """By name, of a whole folder."""
    with TemporaryDirectory() as folder:
        tiny_llava.model().save_pretrained(folder)
        tiny_llava.processor().save_pretrained(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def saved(folder: Path) -> Path:
    folder.mkdir()
    for name, content in files().items():
        (folder / name).write_bytes(content)
    return folder


def refusal(name: str | Path, **asked: Any) -> str:
    """The sentence with which *name* is refused while options are parsed, or else when it is loaded."""
    with pytest.raises(ModelUnavailable) as refused:
        load(str(name), **asked)
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence
