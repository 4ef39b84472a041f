"""`python -m reports` compares two ledgers, merges several, or writes the report of one ledger again."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reports.compare import BadComparison, compare, conditions, parse_limits, read_ledger, report_lines
from reports.files.folder import FIGURES, ReportOptions, write_report
from reports.files.json_csv import write_whole
from reports.ledger.ledger import Ledger
from reports.ledger.strict_json import LedgerError
from reports.merge import BadMerge, merge

BEYOND, FINE, MISUSED = 1, 0, 2
"""Exit codes: an effect or a verdict is beyond the limit; nothing is; an argument cannot be read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what *arguments* ask, and give the exit code."""
    parser = argparse.ArgumentParser("python -m reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    comparing = commands.add_parser("compare", help="say what changed from one run to another, claim by claim")
    comparing.add_argument("before", type=Path, metavar="A", help="the earlier run: its folder or its ledger.json")
    comparing.add_argument("now", type=Path, metavar="B", help="the later run: its folder or its ledger.json")
    comparing.add_argument(
        "--compare-fail",
        default="",
        metavar="LIST",
        help="limits such as drop:5,verdict; exit with 1 where a change is beyond one",
    )
    comparing.add_argument(
        "--figures",
        type=Path,
        metavar="DIR",
        help="draw the curves of both runs over each other, and write the figures to this folder",
    )
    joining = commands.add_parser("merge", help="write one report from the ledgers of several shards or machines")
    joining.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="a run's folder, or its ledger.json")
    joining.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write the report to")
    joining.add_argument("--no-figures", action="store_true", help="write no figures, and no page that shows them")
    options = parser.parse_args(arguments)
    try:
        if options.command == "merge":
            return _merge(options.runs, options.out, not options.no_figures)
        return _compare(options.before, options.now, options.compare_fail, options.figures)
    except (LedgerError, BadMerge, BadComparison) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"nothing was written ({error}): give another folder", file=sys.stderr)
    return MISUSED


def _merge(paths: Sequence[Path], out: Path, figures: bool) -> int:
    merged = merge([read_ledger(path) for path in paths], [str(path) for path in paths])
    print("\n".join(write_report(merged, out, ReportOptions(figures=figures), os.environ)))
    return FINE


def _compare(one: Path, other: Path, limits: str, folder: Path | None) -> int:
    bounds = parse_limits(limits)
    before, now = read_ledger(one), read_ledger(other)
    changes = compare(before, now)
    print("\n".join([*conditions(before, now), *report_lines(changes, bounds)]))
    if folder:
        _overlay(before, now, folder)
    return BEYOND if any(change.beyond(bounds) for change in changes) else FINE


def _overlay(before: Ledger, now: Ledger, folder: Path) -> None:
    """The figures of each model of both runs, the one over the other."""
    from reports.files.figures import file_name, plates

    folder.mkdir(parents=True, exist_ok=True)
    names = [model.name for model in before.models]
    others = [model.name for model in now.models]
    alone = len(names) == len(others) == 1
    for old, new in zip(names, others, strict=True) if alone else ((name, name) for name in names if name in others):
        series = [
            (f"{old}, before", [curve for curve in before.curves if curve.model == old]),
            (f"{new}, now", [curve for curve in now.curves if curve.model == new]),
        ]
        for figure in plates(file_name(new), series):
            for kind, content in figure.files.items():
                write_whole(folder / f"{figure.name}.{kind}", content)
    print(f"{FIGURES} written in {folder}")


if __name__ == "__main__":
    sys.exit(main())
