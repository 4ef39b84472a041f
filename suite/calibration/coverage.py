"""Counts how often intervals cover a known truth, and how often verdicts at a bound are wrong."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import isnan
from pathlib import Path
from typing import Final
from unittest.mock import patch

from fixtures.statistics.resampling import Resampling, resampling
from fixtures.tasks import TASKS
from reports.files.folder import why_unwritable
from reports.files.json_csv import write_whole
from suite.support.curves.at_bound import ROWS, part_of
from suite.support.curves.claim_cases import evidence
from suite.support.curves.paper_model import Model
from suite.support.curves.population import Population

SAMPLES: Final = 2_000
"""With so many samples, one standard error is 0.005 for a rate of 0.95 and 0.0035 for one of 0.025."""

SIZES: Final = (64, 128, 500)
"""Questions in a sample, or of each task if the claim is about all tasks together."""

RESAMPLES: Final = 500
"""A quarter of a verdict's resamples, to save time. A dozen lie in each tail; the rates move by tenths of a percent."""

COUNTED: Final = Path(__file__).with_name("coverage.json")


@dataclass(frozen=True)
class Count:
    """The outcomes of *samples*, each of *questions*, with the paper's effects and with effects on the bound."""

    claim: str
    part: str
    questions: int
    samples: int
    read: int
    """Samples of the paper's effects that have an interval."""
    covered: int
    """Samples of the paper's effects whose interval holds the truth."""
    held: int
    """Samples of the paper's effects, of which the claim is true, in which it holds."""
    wrongly_held: int
    """Samples on the bound in which the claim holds though it is false."""
    wrongly_failed: int
    """Samples on the bound in which the claim fails though it is true."""


@lru_cache(maxsize=len(TASKS))
def fewer(images: tuple[str, ...], seed: int) -> Resampling:
    """A claim's own resampling with fewer resamples."""
    return resampling(images, seed, RESAMPLES)


def count(place: int, questions: int, samples: int) -> Count:
    """The count over so many *samples* of the row at *place*."""
    with patch("fixtures.statistics.resampling.resampling", lambda images, seed: fewer(tuple(images), seed)):
        return _count(place, questions, samples)


def _count(place: int, questions: int, samples: int) -> Count:
    row = ROWS[place]
    true, false = row.at_bound()
    truth = row.number(Model())
    read = covered = held = wrongly_held = wrongly_failed = 0
    for sample in range(samples):
        population = Population(questions=questions, sample=sample)
        paper = evidence(population.of(Model()), row.claim, row.task)
        part = part_of(paper, row.part)
        read += not isnan(part.value)
        covered += part.low <= truth <= part.high
        held += paper.verdict == "holds"
        last = evidence(population.of(true), row.claim, row.task)
        beyond = last if false is true else evidence(population.of(false), row.claim, row.task)
        wrongly_failed += last.verdict == "fails"
        wrongly_held += beyond.verdict == "holds"
    return Count(row.claim, row.part, questions, samples, read, covered, held, wrongly_held, wrongly_failed)


def counted() -> list[Count]:
    """The counts that `main` wrote."""
    return [Count(**each) for each in json.loads(COUNTED.read_text(encoding="utf-8"))]


def table(counts: Iterable[Count]) -> str:
    """The counts in Markdown, a row for each number: rates in percent at 64, 128 and 500 questions, or a dash."""
    rows: dict[tuple[str, str], dict[int, Count]] = {}
    for each in counts:
        rows.setdefault((each.claim, each.part), {})[each.questions] = each
    lines = ["| claim | covered, % | wrongly held, % | wrongly failed, % |", "|---|---|---|---|"]
    for (claim, part), sizes in rows.items():
        tried = [sizes.get(size) for size in SIZES]
        name = f"{claim}{f' `{part}`' if part else ''}".replace("|", r"\|")
        rates = (
            [_percent(each.covered, each.read) if each else "-" for each in tried],
            [_percent(each.wrongly_held, each.samples) if each else "-" for each in tried],
            [_percent(each.wrongly_failed, each.samples) if each else "-" for each in tried],
        )
        lines.append(f"| {name} | {' | '.join(' '.join(each) for each in rates)} |")
    return "\n".join(lines)


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.1f}" if of else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m suite.calibration.coverage", description=__doc__)
    parser.add_argument("--claim", default="", metavar="TEXT", help="only rows of the table whose name has it")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="samples for each row (default: %(default)s)")
    parser.add_argument(
        "--questions", type=int, nargs="+", default=SIZES, help="questions for each task (default: 64 128 500)"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, help=f"default: {COUNTED.name} next to this module for the whole table, no file for a part"
    )
    chosen = parser.parse_args(arguments)
    if min(chosen.samples, chosen.workers, *chosen.questions) < 1:
        parser.error("--samples, --questions and --workers are 1 or more")
    names = [f"{row.claim} {row.part}".strip() for row in ROWS]
    places = [place for place, name in enumerate(names) if chosen.claim in name]
    if not places:
        parser.error(f"no row has --claim {chosen.claim}: known are {', '.join(names)}")
    is_whole = (len(places), chosen.samples, tuple(chosen.questions)) == (len(ROWS), SAMPLES, SIZES)
    out: Path | None = chosen.out or (COUNTED if is_whole else None)
    if out and (why := why_unwritable(out.parent)):
        parser.error(f"--out {out} cannot be written ({why}): give another file")
    done, order = list[Count](), list[Count]()
    with ProcessPoolExecutor(chosen.workers) as pool:
        jobs = [pool.submit(count, place, size, chosen.samples) for size in chosen.questions for place in places]
        for job in as_completed(jobs):
            done.append(job.result())
            print(done[-1], flush=True)
            order = sorted(done, key=lambda each: (names.index(f"{each.claim} {each.part}".strip()), each.questions))
            if out:
                write_whole(out, json.dumps([asdict(each) for each in order], indent=1) + "\n")
    print(table(order))


if __name__ == "__main__":
    main()
