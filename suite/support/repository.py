"""The paths of the repository and of others' reference files, which may be absent."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "suite"
SHARED = ROOT.parent / "shared"
"""The folder of others' data, next to the repository. Tests that read it skip where it is absent."""

AUTHORS = SHARED / "gqa"
"""The folder of the authors' six question files."""

needs_authors_files = pytest.mark.skipif(not AUTHORS.is_dir(), reason="the authors' question files are not here")
"""Marks a test that reads the authors' question files; it skips where they are absent."""

REFERENCE = SHARED / "reference"
"""The folder of figures that others published for real models."""

HEAVY = frozenset({"torch", "transformers", "datasets", "scipy", "matplotlib", "pandas", "pyarrow"})
"""Libraries that take long to import; collection and help do without them."""
