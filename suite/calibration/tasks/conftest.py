"""A small world that tests of several sources read."""

from pathlib import Path

import pytest

from fixtures.tasks.renderer.bundle import build


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of GQA's release, with twelve questions a task."""
    folder = tmp_path_factory.mktemp("world")
    for name, content in build(seed=5, per_task=12).items():
        (folder / name).write_bytes(content)
    return folder
