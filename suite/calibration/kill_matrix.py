"""Asks every claim of each fault of the planted model on each task, to see where it fails.

`kill_matrix.csv` holds the verdicts. The tests ask each fault on one task, in rotation, and compare.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final
from zlib import crc32

from fixtures.flow import OTHER, QUESTION
from fixtures.measure import measure
from fixtures.measurement import Measurement
from fixtures.model_flow import POOLED, Request
from fixtures.models import load
from fixtures.models.base import Subject
from fixtures.models.planted.faults import FAULTS
from fixtures.question import Question
from fixtures.tasks import TASKS, questions
from reports.claim import REGISTER
from reports.files.folder import why_unwritable
from suite.support.curves.claim_cases import claims, verdict_on

PLANTED, SMALL = "planted", "planted:small"

ASKED: Final = 26
"""Questions that are measured on each task: the fewest with which every claim except the accuracy is decided."""

OF_ACCURACY: Final = 128
"""Questions that are asked where the claim on accuracy is to be decided; so many it needs."""

JUDGED_ON_ACCURACY: Final = ("", "mistaken", "blind", "random")
"""The planted model itself and the faults that change its answers; only they are asked `OF_ACCURACY` questions."""

BETWEEN_TASKS: Final = ("scattered", "equal-second-stage")
"""Faults that show only on all six tasks together."""

OF_WINDOWS: Final = ("in-waves",)
"""Faults that are tried in windows of other widths; it takes seven more sweeps, and other faults move far more."""

WINDOWS: Final = "robustness.every-window-tells-the-same"
WITHOUT_VERDICT: Final = ("fine.", "parts.", "routes.image-to-suffix")
"""How the ids of claims begin that are recorded only."""

TIED_TO_A_CHECKPOINT: Final = "routes.question-to-last-choose-attr"
"""A claim about one model of the paper only."""

TABLE: Final = Path(__file__).with_name("kill_matrix.csv")
PLACES: Final = (*TASKS, POOLED)

Verdicts = Mapping[tuple[str, str], str]
"""Verdicts by claim and task."""


def named(fault: str) -> str:
    """The name of the planted model with a *fault*; that of the planted model itself if it is empty."""
    return f"{PLANTED}:{fault}" if fault else PLANTED


@cache
def subject(model: str) -> Subject:
    return load(model)


@dataclass(frozen=True)
class Measured:
    """The source of measurements of the planted models, each made once and in this process."""

    asked: int = ASKED

    def __call__(self, request: Request, /) -> Measurement:
        if request.model == SMALL and request.is_main:
            return measured_sibling(request.task)
        main = measured(request.model, request.task, self.asked)
        if request.is_main or (request.width in (None, main.width) and request.edge in main.edges):
            return main if not request.final_sub_word else measured_again(_of_pass(request), self.asked)
        return measured_again(_of_pass(request), self.asked)


def _of_pass(request: Request) -> Request:
    """The first of the requests that one pass answers, so that the pass is made once for all of its edges."""
    return replace(request, edge=request.edges[0])


def _questions(task: str, asked: int) -> Sequence[Question]:
    return questions(task, n=asked)


@cache
def measured(model: str, task: str, asked: int) -> Measurement:
    """The main measurement: of as many questions as were *asked*, the first `ASKED` right ones."""
    return measure(subject(model), _questions(task, asked), at_most=ASKED)


@cache
def measured_sibling(task: str) -> Measurement:
    """The measurement of the smaller sibling, which no fault changes, on the one edge that a claim compares."""
    return measure(subject(SMALL), _questions(task, ASKED), (OTHER >> QUESTION,), lens=False)


@cache
def measured_again(request: Request, asked: int) -> Measurement:
    """The measurement of a *request* that the main one does not hold, with the same answers."""
    main = measured(request.model, request.task, asked)
    return measure(
        subject(request.model), _questions(request.task, asked), request.edges, request.width,
        lens=False, at_most=ASKED, final_sub_word=request.final_sub_word, earlier=main,
    )  # fmt: skip


def claims_on(place: str, fault: str) -> Iterator[str]:
    """The claims that are asked of a model with a *fault* on a task or, on `POOLED`, on all of them."""
    claims()
    for entry in REGISTER.values():
        is_judged = not entry.id.startswith(WITHOUT_VERDICT) and entry.id != TIED_TO_A_CHECKPOINT
        is_there = place in (entry.tasks or TASKS) and place not in entry.recorded
        if is_judged and is_there and (entry.id != WINDOWS or fault in ("", *OF_WINDOWS)):
            yield entry.id


def verdicts(fault: str, place: str) -> dict[tuple[str, str], str]:
    """The verdict of each claim on the planted model with a *fault*, on a task or on all together."""
    source = Measured(OF_ACCURACY if fault in JUDGED_ON_ACCURACY else ASKED)
    return {(claim, place): verdict_on(source, named(fault), claim, place) for claim in claims_on(place, fault)}


def place_of(fault: str, table: Path = TABLE) -> str:
    """The task on which the tests ask a *fault*; it changes whenever the table does."""
    if fault in BETWEEN_TASKS:
        return POOLED
    turn = crc32(table.read_bytes()) + crc32(fault.encode())
    return TASKS[turn % len(TASKS)]


def written(table: Path = TABLE) -> dict[str, dict[tuple[str, str], str]]:
    """The verdicts of the *table* by fault; the planted model itself is the fault without a name."""
    read: dict[str, dict[tuple[str, str], str]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cells = {(row["claim"], place): row[place] for place in PLACES if row[place]}
            read.setdefault(row["fault"].removeprefix(PLANTED).removeprefix(":"), {}).update(cells)
    return read


def claims_that(verdict: str, cells: Verdicts) -> set[str]:
    """The claims with this *verdict* on any task."""
    return {claim for (claim, _), each in cells.items() if each == verdict}


def write(rows: Mapping[str, Verdicts], table: Path = TABLE) -> None:
    """Write the verdicts of some faults into the *table*, next to those of the faults that it holds already."""
    rows = {**(written(table) if table.is_file() else {}), **rows}
    with table.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["fault", "claim", *PLACES])
        for fault in ("", *FAULTS):
            cells = rows.get(fault, {})
            for claim in dict.fromkeys(claim for claim, _ in cells):
                out.writerow([named(fault), claim, *(cells.get((claim, place), "") for place in PLACES)])


def documented() -> str:
    """The faults with the claims that catch them, in Markdown."""
    rows = [f"| `{name}` | {fault.sentence} | {', '.join(sorted(fault.caught_by))} |" for name, fault in FAULTS.items()]
    return "\n".join(["| planted:... | what is different | caught by |", "|---|---|---|", *rows])


def of_fault(fault: str) -> tuple[str, Verdicts]:
    """All verdicts on a *fault*, on each task and on all together."""
    cells = {key: value for place in PLACES for key, value in verdicts(fault, place).items()}
    measured.cache_clear()
    measured_again.cache_clear()
    return fault, cells


def _one_thread() -> None:
    """Keep a process to one core, because the others have theirs."""
    import torch

    torch.set_num_threads(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the table, or the rows of some faults."""
    parser = argparse.ArgumentParser(prog="python -m suite.calibration.kill_matrix", description=__doc__)
    parser.add_argument("--fault", action="append", metavar="NAME", help="only this fault (repeatable)")
    parser.add_argument("--table", action="store_true", help="print the faults and what catches them; ask nothing")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.fault or ()) - set(FAULTS):
        parser.error(f"unknown --fault {', '.join(sorted(unknown))}: known are {', '.join(FAULTS)}")
    if chosen.table:
        print(documented())
        return
    if why := why_unwritable(TABLE.parent):
        parser.error(f"{TABLE} cannot be written ({why})")
    with ProcessPoolExecutor(chosen.workers, initializer=_one_thread) as pool:
        for fault, cells in pool.map(of_fault, chosen.fault or ("", *FAULTS)):
            write({fault: cells})
            print(named(fault), *sorted(claims_that("fails", cells)), flush=True)


if __name__ == "__main__":
    main()
