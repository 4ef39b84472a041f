"""A run is one frozen record for each claim, model and task, and reads back from JSON as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias, get_args

from reports.ledger.curves import Reading
from reports.ledger.strict_json import Json, JsonRecord, LedgerError, Name, as_json

Key: TypeAlias = tuple[str, str, str]
"""Claim, model, task."""

Verdict = Literal["holds", "fails", "inconclusive", "unsupported", "error", "not calibrated", "recorded", "not run"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

SAYS_NOTHING: frozenset[Verdict] = frozenset(("inconclusive", "unsupported", "not calibrated", "recorded", "not run"))
"""Verdicts that contradict no expectation."""

NOT_REACHED = "the run ended before this test"

EVERY_TASK = "all"
"""The task of a claim that weighs the tasks equally; it stands behind the others."""

TASKS_OF_THE_PAPER = 6
"""In its table 1; a run may select fewer, and a claim may be about fewer."""


@dataclass(frozen=True)
class Claim:
    """A row of the register: one sentence of the paper and how it is measured.

    *tasks*, *models*: those it is asked of, None for all. *recorded*: tasks on which it has no verdict.
    """

    id: str
    section: str
    figure: str | None
    sentence: str
    bound_from: str | None
    tasks: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    recorded: tuple[str, ...] = ()
    statistic: str = ""
    bound: str = ""
    needs: tuple[str, ...] = ()

    def where(self) -> str:
        """Where in the paper the sentence stands."""
        section = f"§{self.section}" if self.section[:1].isdigit() else self.section
        return f"{section}, figure {self.figure}" if self.figure else section


MEASURED = (
    "verdict", "expected", "expected_because", "effect", "low", "high", "bound", "parts", "n", "unit", "layers",
    "reason", "notes", "twin", "p", "questions_needed", "draws", "pairing", "readings",
)  # fmt: skip
"""The fields of a record that its test's evidence fills."""


@dataclass(frozen=True, kw_only=True)
class Record(JsonRecord):
    """What one claim came to on one model and task.

    *effect*, *low* and *high* (95 %, two-sided) and *twin* are in *unit*; *n* counts questions; *parts* are
    the statistics of a composite claim, each a mapping like this record's own measured fields; *expected* is
    the verdict that the expectations give where the claim is known to depart from the paper, else None, and
    *expected_because* their reason;
    *tasks* are those that a record of all tasks together was read from; *draws* are some resamples of the effect,
    in the same order wherever *pairing* is the same; *readings* say where on which curves it was read.
    """

    noun: ClassVar[str] = "a record"

    claim: Name
    section: str
    figure: str | None
    sentence: str
    model: Name
    task: Name
    verdict: Verdict
    statistic: str = ""
    expected: str | None = None
    expected_because: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    bound: str = ""
    parts: tuple[Mapping[str, Json], ...] = ()
    bound_from: str | None = None
    n: int | None = None
    unit: str = ""
    layers: tuple[int, ...] = ()
    seconds: float | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
    twin: float | None = None
    p: float | None = None
    p_holm: float | None = None
    questions_needed: int | None = None
    tasks: tuple[str, ...] = ()
    draws: tuple[float | None, ...] = ()
    pairing: str = ""
    readings: tuple[Reading, ...] = ()

    @property
    def over(self) -> str:
        """Which tasks a record of all tasks is over, where they are fewer than the paper's; else empty."""
        few = 0 < len(self.tasks) < TASKS_OF_THE_PAPER
        return f"over {len(self.tasks)} of the paper's {TASKS_OF_THE_PAPER} tasks: {', '.join(self.tasks)}" * few

    @property
    def key(self) -> Key:
        return self.claim, self.model, self.task

    @property
    def is_expected(self) -> bool:
        """It departs from the paper as the expectations say."""
        return self.verdict == self.expected != "holds"

    @property
    def is_unexpected(self) -> bool:
        """It contradicts a departure that the expectations record."""
        return bool(self.expected) and self.verdict != self.expected and self.verdict not in SAYS_NOTHING

    @property
    def departs(self) -> bool:
        """It speaks against the paper or against the expectations."""
        return self.verdict == "fails" or self.is_unexpected

    def judged(self, evidence: Mapping[str, object], seconds: float) -> Record:
        """This record with what *evidence* says of it; `LedgerError` where that is not of a record's form."""
        found = {name: evidence[name] for name in MEASURED if name in evidence}
        identity = {name: value for name, value in as_json(self).items() if name not in MEASURED}
        return Record.from_json({**identity, **found, "seconds": seconds})

    def failed(self, reason: str, seconds: float) -> Record:
        """This record as an error: its test broke before there was a verdict."""
        return replace(self, verdict="error", reason=reason, seconds=seconds)


@dataclass(frozen=True)
class Heard:
    """What the reports of one test said, apart from its claim."""

    evidence: Mapping[str, object] | None = None
    failure: str = ""
    skipped: str = ""
    called: bool = False
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    read: frozenset[str] = frozenset()
    """The tasks whose measurements it read."""


def conclude(planned: Record, heard: Heard) -> Record:
    """*planned* with the verdict of its test, or with why there is none, and with the tasks that it is over."""
    found = _judged(planned, heard)
    if planned.task != EVERY_TASK:
        return found
    found = replace(found, tasks=tuple(sorted(heard.read - {EVERY_TASK}, key=task_order)))
    return replace(found, notes=(found.over, *found.notes)) if found.over else found


def _judged(planned: Record, heard: Heard) -> Record:
    # Evidence of a test that was interrupted is not all of it.
    if heard.evidence is None or not (heard.called or heard.failure or heard.skipped):
        return _unjudged(planned, heard)
    try:
        found = planned.judged(heard.evidence, heard.seconds)
    except LedgerError as error:
        return planned.failed(str(error), heard.seconds)
    # A test that broke after its claim held is no support; one that failed *because* the claim held is.
    if heard.failure and found.verdict in ("holds", "recorded") and not found.is_unexpected:
        return planned.failed(heard.failure, heard.seconds)
    return replace(found, notes=(*found.notes, *heard.notes))


def _unjudged(planned: Record, heard: Heard) -> Record:
    if heard.failure:
        return planned.failed(heard.failure, heard.seconds)
    if heard.skipped:
        return replace(planned, reason=heard.skipped, seconds=heard.seconds)
    if heard.called:
        return planned.failed("the test gave no evidence: let it assert a bound on an effect", heard.seconds)
    return planned


def task_order(task: str) -> tuple[bool, str]:
    """The key that sorts tasks as the paper's table 1 does, which is by name, with the pooled one last."""
    return task == EVERY_TASK, task


def unique(values: Iterable[str]) -> list[str]:
    """*values* without repetitions, in order."""
    return list(dict.fromkeys(values))
