"""Computes from a pilot run's effects and intervals how sure a verdict is with more or fewer questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isfinite
from statistics import NormalDist
from typing import Literal, TypeAlias

from reports.ledger.bound import RecordedBound
from reports.ledger.ledger import Ledger
from reports.ledger.record import EVERY_TASK, Record
from reports.ledger.strict_json import Json, Reader, as_json

Outcome: TypeAlias = Literal["holds", "fails"]

LIKELY = 0.8
"""The customary power of a planned experiment (Cohen, 1988, Statistical Power Analysis, 2nd edition)."""

MOST_GROWTH = 1e6
"""The largest multiple of the pilot's questions; a statistic that takes more is on its bound."""

HALF_WIDTH = NormalDist().inv_cdf(0.975)
"""The half-width of a 95 % interval, in standard errors."""


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """One statistic of a ledger that was held to a bound: *effect*, *low*, *high* in *unit*, from *n* questions.

    *each* is how many of those one task has. *label* is the part of a composite claim; it is empty for the whole claim.
    """

    claim: str
    model: str
    task: str
    label: str
    verdict: str
    effect: float | None
    low: float | None
    high: float | None
    bound: str
    unit: str
    n: int
    each: float
    questions_needed: int | None
    reason: str

    @property
    def is_read(self) -> bool:
        """Whether there is a number with an interval."""
        return None not in (self.effect, self.low, self.high) and self.n > 0 and self.each > 0

    def settles(self, truth: float) -> Outcome:
        """The verdict that enough questions give if the true effect is *truth*."""
        return "holds" if RecordedBound.parse(self.bound).allows(truth) else "fails"

    def chance(self, truth: float, growth: float) -> float:
        """The chance of that verdict if the true effect is *truth* and there are *growth* times the questions.

        `ValueError` without an interval; `LedgerError` for a bound that cannot be read.
        """
        if self.effect is None or self.low is None or self.high is None:
            raise ValueError(f"{self.claim} on {self.task} has no interval: ask `is_read` first")
        bound, shrunk = RecordedBound.parse(self.bound), growth**-0.5
        down, up = max(0.0, self.effect - self.low) * shrunk, max(0.0, self.high - self.effect) * shrunk
        if self.settles(truth) == "fails":
            return max(_clear(bound.low - truth, up), _clear(truth - bound.high, down))
        return max(0.0, _clear(truth - bound.low, down) + _clear(bound.high - truth, up) - 1)

    def likely_at(self) -> int | None:
        """The number of questions, counted as *n* is, that make a verdict likely; None if no number can be named."""
        if not self.is_read or self.effect is None:
            return None
        low, high = 1.0, MOST_GROWTH
        if self.chance(self.effect, high) < LIKELY:
            return None
        while high / low > 1 + 1e-6:
            middle = (low * high) ** 0.5
            low, high = (low, middle) if self.chance(self.effect, middle) >= LIKELY else (middle, high)
        return ceil(self.n * high)


def _clear(gap: float, half_width: float) -> float:
    """The chance that an interval excludes an end of the bound from which the truth is a *gap* away.

    It is one half if the gap is a half-width, and 2.5 % without a gap: the error of an interval on one side.
    """
    if not half_width or not isfinite(gap):
        return float(gap >= 0)
    return NormalDist().cdf(HALF_WIDTH * (gap / half_width - 1))


def pilots(record: Record, ledger: Ledger) -> tuple[Pilot, ...]:
    """The statistics of *record* that were held to a bound, a composite's by part; none for other verdicts."""
    if record.verdict not in ("holds", "fails", "inconclusive"):
        return ()
    statistics = record.parts or (as_json(record),)
    return tuple(_pilot(statistic, record, ledger) for statistic in statistics if statistic.get("bound"))


def _pilot(measured: Mapping[str, Json], record: Record, ledger: Ledger) -> Pilot:
    reader = Reader.of({"claim": record.claim, **measured}, "a statistic")
    n = reader.count("n") or 0
    return Pilot(
        claim=record.claim,
        model=record.model,
        task=record.task,
        label=reader.text("label"),
        verdict=reader.text("verdict"),
        effect=reader.number("effect"),
        low=reader.number("low"),
        high=reader.number("high"),
        bound=reader.text("bound"),
        unit=reader.text("unit"),
        n=n,
        each=_of_one_task(n, record, ledger),
        questions_needed=reader.count("questions_needed"),
        reason=reader.text("reason"),
    )


def _of_one_task(n: int, record: Record, ledger: Ledger) -> float:
    """The questions per task among *n*, which may count several tasks or two models together."""
    over = record.tasks if record.task == EVERY_TASK else (record.task,)
    measurements = [row for row in ledger.measurements if row.model == record.model and row.task in over]
    counts = [row.kept for row in measurements if row.kept]
    if not counts or (record.task != EVERY_TASK and all(n <= (row.asked or n) for row in measurements)):
        return 0.0 if record.task == EVERY_TASK else n
    return sum(counts) / len(counts)
