"""Where the repository lies, and where others' reference files lie if they are there."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "suite"
SHARED = ROOT.parent / "shared"
"""Others' data, next to the repository and no part of it; tests that read it skip where it is absent."""

AUTHORS = SHARED / "gqa"
"""The authors' six question files."""

REFERENCE = SHARED / "reference"
"""Figures that others published for real models."""

HEAVY = frozenset({"torch", "transformers", "datasets", "scipy", "matplotlib", "pandas", "pyarrow"})
"""Libraries that take long to import; collection and help do without them."""
