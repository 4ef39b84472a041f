"""How many questions each claim takes, from the spread that a pilot run measured: `python -m reports.power`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tabulate import tabulate

from reports.ledger.ledger import Ledger
from reports.ledger.strict_json import LedgerError, as_json
from reports.pilot import LIKELY, Outcome, Pilot, pilots
from reports.text import numbers
from reports.text.numbers import count_of

SIZES = (64, 128, 256, 500, 1000)
"""Questions per task; the bench asks 128 by default, and the paper's files hold up to 1000."""

SPREAD_CARRIES = 0.5
"""The least share of a published effect that the pilot must find.

An effect's spread grows with it, so the spread of a much smaller effect promises too much.
"""

MEASURED = "measured"
"""The source named for an effect of the ledger itself."""

LEDGER = Path("reports/out/ledger.json")
"""The file that a run writes by default."""

LABEL_WIDTH = 54
"""The width of the first column, in characters: the longest id of a claim fits, and a part's label is wrapped."""

METHOD = """\
n are the questions that were read; "needed" is the ledger's own figure, at which a verdict is an even chance.
Half-widths shrink as n**-0.5 from the measured ones, below and above the effect apart, and estimates scatter as widely
and normally: rough for whole layers and for shares near 100 %, and blind to whether there is anything to locate.
A claim of several parts is no surer than its least sure one; one that fails, fails at least as surely as its surest.
(paper): if the effect is the paper's own, for the one part that the paper sizes; the spread is still this run's."""


@dataclass(frozen=True)
class Published:
    """The sizes that the paper gives for a claim's effect, in its unit.

    Without *tasks* they hold on every task; *part* is the label of the part that they are about.
    """

    claim: str
    sizes: tuple[float, ...]
    source: str
    tasks: tuple[str, ...] = ()
    part: str = ""

    def is_of(self, pilot: Pilot) -> bool:
        is_its_task = not self.tasks or pilot.task in self.tasks
        return pilot.claim == self.claim and is_its_task and self.part in ("", pilot.label)


FOUR_TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel", "QueryAttr")
EARLY, SECOND, CHOOSE_ATTR, LOWERCASE_PEAKS = 60.0, 21.0, 30.0, (20.0, 70.0)

FEWEST: Mapping[str, int] = {"setup.accuracy": 128}
"""Questions below which a claim is never decided, however large the effect (`fixtures.model_flow.FEWEST_ASKED`)."""

PUBLISHED = (
    Published("stages.early-drop", (EARLY,), "section 5: about, on average over the tasks"),
    Published("stages.second-drop", (SECOND,), "section 5: about; its prominence may be less", FOUR_TASKS),
    Published("stages.second-is-smaller", (EARLY - SECOND,), "section 5: the first less the second", FOUR_TASKS),
    Published("routes.question-to-last-is-significant", (CHOOSE_ATTR,), "section 5: up to about", ("ChooseAttr",)),
    Published("routes.question-to-last-choose-attr", (CHOOSE_ATTR,), "section 5: up to about", ("ChooseAttr",)),
    Published(
        "answer.lowercase-rises-in-the-middle",
        LOWERCASE_PEAKS,
        "section 7: the lowest and the highest task's",
        part="peak of P(lowercase)",
    ),
)
"""The paper's effects (arXiv 2411.18620), those of the 13B model of its figures."""


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """An inconclusive claim: the *parts* that left it so (itself, if it has none), and what would settle it."""

    claim: str
    model: str
    task: str
    questions_needed: int | None
    likely_at: int | None
    parts: tuple[Pilot, ...]


@dataclass(frozen=True, kw_only=True)
class Power:
    """The chance of *outcome* for each number of questions a task, if the effect is truly *truth*.

    *chances* is empty where no chance can be given. *source* says whose effect *truth* is. A claim of several parts
    has one `Power` for each part. The part that *decides* stands for the whole claim. The whole holds at most as
    surely as its least sure part, and fails at least as surely as its surest.
    """

    pilot: Pilot
    truth: float
    source: str
    outcome: Outcome
    decides: bool
    chances: Mapping[int, float]


def undecided(ledger: Ledger) -> tuple[Undecided, ...]:
    """The inconclusive claims, in the ledger's order."""
    claims: list[Undecided] = []
    for record in ledger.records:
        if record.verdict == "inconclusive":
            parts = tuple(part for part in pilots(record, ledger) if part.verdict == "inconclusive")
            likely = [count for part in parts if (count := part.likely_at()) is not None]
            claims.append(
                Undecided(
                    claim=record.claim,
                    model=record.model,
                    task=record.task,
                    questions_needed=record.questions_needed,
                    likely_at=max(likely) if likely and len(likely) == len(parts) else None,
                    parts=parts,
                )
            )
    return tuple(claims)


def powers(ledger: Ledger) -> tuple[Power, ...]:
    """The power of each statistic that was held to a bound, at its measured effect and then at the paper's."""
    estimates: list[Power] = []
    for record in ledger.records:
        parts = pilots(record, ledger)
        estimates += (*_measured(parts), *_published(parts))
    return tuple(estimates)


def _measured(parts: Sequence[Pilot]) -> Iterator[Power]:
    estimates = [_power(part, part.effect, MEASURED) for part in parts if part.is_read and part.effect is not None]
    failures = [power for power in estimates if power.outcome == "fails"]
    # A part without a number may yet fail: nothing is known of the whole, unless another part fails.
    candidates = failures or (estimates if len(estimates) == len(parts) else [])
    deciding = (max if failures else min)(candidates, key=lambda power: sum(power.chances.values()), default=None)
    return (replace(power, decides=power is deciding) for power in estimates)


def _published(parts: Sequence[Pilot]) -> Iterator[Power]:
    for part in parts:
        sizes = [(size, row.source) for row in PUBLISHED if row.is_of(part) for size in row.sizes]
        for size, source in sizes if part.is_read else ():
            power = replace(_power(part, size, source), decides=True)
            yield power if (part.effect or 0.0) >= SPREAD_CARRIES * size else replace(power, chances={})


def _power(pilot: Pilot, truth: float, source: str) -> Power:
    least = FEWEST.get(pilot.claim, 0)
    chances = {size: pilot.chance(truth, size / pilot.each) if size >= least else 0.0 for size in SIZES}
    return Power(pilot=pilot, truth=truth, source=source, outcome=pilot.settles(truth), decides=False, chances=chances)


def power_text(ledger: Ledger) -> str:
    """Both tables of each model, and how to read them."""
    tested = [record for record in ledger.records if pilots(record, ledger)]
    if not tested:
        return "no claim of this ledger was held to a bound: there is nothing to plan"
    texts = [text for model in dict.fromkeys(record.model for record in tested) for text in _of_model(model, ledger)]
    return "\n\n".join([*texts, METHOD])


def _of_model(model: str, ledger: Ledger) -> Iterator[str]:
    tested = sum(record.model == model and bool(pilots(record, ledger)) for record in ledger.records)
    unsettled = [claim for claim in undecided(ledger) if claim.model == model]
    yield f"{model}: {len(unsettled)} of {count_of(tested, 'claim')} {'is' if tested == 1 else 'are'} undecided"
    if unsettled:
        heads = ["claim", "task", "n", "effect", "bound", "needed", f"{LIKELY:.0%} sure at"]
        yield _table([row for claim in unsettled for row in _undecided_rows(claim)], heads)
    deciding = [power for power in powers(ledger) if power.pilot.model == model and power.decides]
    silent = tested - sum(power.source == MEASURED for power in deciding)
    far = sum(not power.chances for power in deciding)
    left_out = [
        f"claims without a number to go by: {silent}",
        f"the paper's effects over twice the run's, whose spread is no guide to them: {far}",
    ]
    remarks = [text for text, count in zip(left_out, (silent, far), strict=True) if count]
    yield f"{model}: how sure the verdict is, in percent, by n a task" + "".join(f"\n({text})" for text in remarks)
    rows = [_power_row(power) for power in deciding if power.chances]
    yield _table(rows, ["claim", "task", "if it is", "bound", "verdict", *map(str, SIZES)])


def _undecided_rows(claim: Undecided) -> Iterator[list[str]]:
    whole = [claim.claim, claim.task]
    if len(claim.parts) == 1 and not claim.parts[0].label:
        yield [*whole, *_facts(claim.parts[0])]
        return
    yield [*whole, "", "", "", _about(claim.questions_needed), _about(claim.likely_at)]
    for part in claim.parts:
        yield [f"  {part.label}", "", *_facts(part)]


def _facts(part: Pilot) -> list[str]:
    """The part's numbers, and how many questions would settle it, or why none can be named."""
    # "nothing to locate: ..." says the rest in the ledger.
    unsettled = part.reason.partition(":")[0] if not part.is_read else "on its bound"
    needed = _about(part.questions_needed) or unsettled
    return [str(part.n), numbers.effect(as_json(part)), numbers.bound(as_json(part)), needed, _about(part.likely_at())]


def _power_row(power: Power) -> list[str]:
    pilot, is_measured = power.pilot, power.source == MEASURED
    truth = numbers.effect({"effect": power.truth, "bound": pilot.bound, "unit": pilot.unit})
    sure = [f"{100 * chance:.0f}" for chance in power.chances.values()]
    supposed = truth if is_measured else f"{truth} (paper)"
    return [pilot.claim, pilot.task, supposed, numbers.bound(as_json(pilot)), power.outcome, *sure]


def _about(count: int | None) -> str:
    """About *count* questions, rounded; empty without a count."""
    return "" if count is None else numbers.about(count)


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    aligned = ["right" if head.isdecimal() or head == "n" else "left" for head in heads]
    widths = [LABEL_WIDTH, *[None] * (len(heads) - 1)]
    table = tabulate(
        rows, heads, "simple", disable_numparse=True, preserve_whitespace=True, colalign=aligned, maxcolwidths=widths
    )
    return "\n".join(line.rstrip() for line in table.splitlines())


def read(path: Path) -> Ledger:
    """The ledger in a file; `LedgerError` for a file without one, or without records."""
    try:
        ledger = Ledger.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LedgerError(
            f"{path} cannot be read ({error.strerror}): run the claims, or name their ledger.json with --ledger"
        ) from error
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, LedgerError) else "it is no JSON: name a run's ledger.json"
        raise LedgerError(f"{path}: {what}") from error
    if not ledger.records:
        raise LedgerError(f"{path} has no records: run some claims, and name their ledger.json")
    return ledger


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reports.power", description=__doc__)
    parser.add_argument(
        "--ledger", type=Path, default=LEDGER, metavar="FILE", help=f"the ledger of the pilot run; default: {LEDGER}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write both tables to this file, as JSON")
    options = parser.parse_args(arguments)
    try:
        ledger = read(options.ledger)
        text = power_text(ledger)
        if options.json:
            tables = as_json({"method": METHOD, "undecided": undecided(ledger), "power": powers(ledger)})
            options.json.write_text(json.dumps(tables, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        print(text, flush=True)
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader closed the pipe: it has read enough
    except OSError as error:
        print(f"{options.json} cannot be written ({error.strerror}): name another file", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
