"""A store in an empty folder, and what it says."""

from pathlib import Path

import pytest

from fixtures.bench.store import Store


@pytest.fixture
def sentences() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, sentences: list[str]) -> Store:
    return Store(tmp_path, say=sentences.append)
