"""Reads each claim on published curves: `python -m suite.published FILE...` prints two tables in Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase

from suite.published.reading import table_of_claims, table_of_curves
from suite.published.source import UnreadableSource, read_source

DATA = Path(__file__).parent / "data"
"""The published curves that come with the suite."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what each claim would say of each file, or exit with 2 if a file cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m suite.published",
        description=__doc__,
        epilog="suite/README.md has the format of a file. Without FILE, those in suite/published/data are read.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="JSON files of published curves")
    paths = parser.parse_args(arguments).files or sorted(DATA.glob("*.json"))
    if len(paths) > len(ascii_lowercase):
        parser.error(f"{len(paths)} files are too many for one table: give {len(ascii_lowercase)} or fewer")
    try:
        sources = {letter: read_source(path) for letter, path in zip(ascii_lowercase, paths, strict=False)}
    except UnreadableSource as error:
        parser.error(str(error))
    for letter, source in sources.items():
        print(f"- **{letter}** {source.source}")
    print(f"\n{table_of_curves(sources)}\n\n{table_of_claims(sources)}")


if __name__ == "__main__":
    main()
