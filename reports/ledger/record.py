"""A record is the verdict on one claim, model and task, with its numbers; a run has one for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias, get_args

from reports.ledger.curves import ReadingRecord
from reports.ledger.strict_json import Json, JsonRecord, LedgerError, Name, as_json

Key: TypeAlias = tuple[str, str, str]
"""Claim, model, task."""

Verdict = Literal["holds", "fails", "inconclusive", "unsupported", "error", "not calibrated", "recorded", "not run"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

SAYS_NOTHING: frozenset[Verdict] = frozenset(("inconclusive", "unsupported", "not calibrated", "recorded", "not run"))
"""Verdicts that contradict no expectation."""

NOT_REACHED = "the run ended before this test"

EVERY_TASK = "all"
"""The task of a claim that weighs the tasks equally; it comes after the others."""

ABSENT = "a drop is absent: what was cut is not needed there, which does not say that it is unused"
"""What a claim that holds by the absence of a drop shows, and no more: models read around a cut."""

TASKS_OF_THE_PAPER = 6
"""The number of tasks in the paper's table 1; a run may select fewer, and a claim may be about fewer."""


@dataclass(frozen=True)
class Claim:
    """A row of the register: one sentence of the paper and how it is measured.

    *tasks* and *models* are those that the claim is asked of; None means all. *recorded* are tasks without a verdict.
    *absence* is whether the claim holds because a drop is absent.
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
    absence: bool = False

    def where(self) -> str:
        """The place of the sentence in the paper."""
        section = f"§{self.section}" if self.section[:1].isdigit() else self.section
        return f"{section}, figure {self.figure}" if self.figure else section


EVIDENCE_FIELDS = (
    "verdict", "expected", "expected_because", "effect", "low", "high", "bound", "parts", "n", "unit", "layers",
    "reason", "notes", "twin", "p", "questions_needed", "draws", "pairing", "readings",
)  # fmt: skip
"""The fields of a record that its test's evidence fills."""


@dataclass(frozen=True, kw_only=True)
class Record(JsonRecord):
    """The result of one claim on one model and task.

    *effect*, *low* and *high* (95 %, two-sided) and *twin* are in *unit*; *n* counts questions. *parts* are the
    statistics of a composite claim, each a mapping like this record's own measured fields.

    *expected* is the verdict that the expectations give where the claim is known to depart from the paper, else
    None. *expected_because* is their reason. *tasks* are the tasks that a record of all tasks together was read
    from. *draws* are some resamples of the effect, in the same order wherever *pairing* is the same. *readings* say
    on which curves, and where, the effect was read. *absence* is the register's.
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
    readings: tuple[ReadingRecord, ...] = ()
    absence: bool = False

    @property
    def caveat(self) -> str:
        """What may not be concluded from a claim that holds because a drop is absent; else empty."""
        return f"holds because {ABSENT}" if self.absence and self.verdict == "holds" else ""

    @property
    def over(self) -> str:
        """The tasks that a record of all tasks covers, where they are fewer than the paper's; else empty."""
        if not 0 < len(self.tasks) < TASKS_OF_THE_PAPER:
            return ""
        return f"over {len(self.tasks)} of the paper's {TASKS_OF_THE_PAPER} tasks: {', '.join(self.tasks)}"

    @property
    def key(self) -> Key:
        return self.claim, self.model, self.task

    @property
    def is_expected(self) -> bool:
        """Whether it departs from the paper as the expectations say."""
        return self.verdict == self.expected != "holds"

    @property
    def is_unexpected(self) -> bool:
        """Whether it contradicts a departure that the expectations record."""
        return bool(self.expected) and self.verdict != self.expected and self.verdict not in SAYS_NOTHING

    @property
    def departs(self) -> bool:
        """Whether it contradicts the paper or the expectations."""
        return self.verdict == "fails" or self.is_unexpected

    def judged(self, evidence: Mapping[str, object], seconds: float) -> Record:
        """This record with the fields of *evidence*; `LedgerError` names a field of another type."""
        measured = {name: evidence[name] for name in EVIDENCE_FIELDS if name in evidence}
        identity = {name: value for name, value in as_json(self).items() if name not in EVIDENCE_FIELDS}
        return Record.from_json({**identity, **measured, "seconds": seconds})

    def failed(self, reason: str, seconds: float) -> Record:
        """This record as an error: its test broke before a verdict was reached."""
        return replace(self, verdict="error", reason=reason, seconds=seconds)


@dataclass(frozen=True)
class ClaimReports:
    """The reports of one claim's test, joined; *evidence* is what the bench handed on."""

    evidence: Mapping[str, object] | None = None
    failure: str = ""
    skipped: str = ""
    called: bool = False
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    read: frozenset[str] = frozenset()
    """The tasks whose measurements the test read."""


def conclude(planned: Record, reports: ClaimReports) -> Record:
    """*planned* with the verdict of its test, or the reason why there is none, and with the tasks that it covers."""
    record = _judged(planned, reports)
    if planned.task != EVERY_TASK:
        return record
    record = replace(record, tasks=tuple(sorted(reports.read - {EVERY_TASK}, key=task_order)))
    return replace(record, notes=(record.over, *record.notes)) if record.over else record


def _judged(planned: Record, reports: ClaimReports) -> Record:
    # Evidence of a test that was interrupted is not all of it.
    if reports.evidence is None or not (reports.called or reports.failure or reports.skipped):
        return _unjudged(planned, reports)
    try:
        record = planned.judged(reports.evidence, reports.seconds)
    except LedgerError as error:
        return planned.failed(str(error), reports.seconds)
    # A test that broke after its claim held is no support; one that failed *because* the claim held is.
    if reports.failure and record.verdict in ("holds", "recorded") and not record.is_unexpected:
        return planned.failed(reports.failure, reports.seconds)
    return replace(record, notes=(*record.notes, *reports.notes))


def _unjudged(planned: Record, reports: ClaimReports) -> Record:
    if reports.failure:
        return planned.failed(reports.failure, reports.seconds)
    if reports.skipped:
        return replace(planned, reason=reports.skipped, seconds=reports.seconds)
    if reports.called:
        return planned.failed("the test gave no evidence: let it assert a bound on an effect", reports.seconds)
    return planned


def task_order(task: str) -> tuple[bool, str]:
    """The key that sorts tasks as the paper's table 1 does, which is by name, with the pooled one last."""
    return task == EVERY_TASK, task


def unique(values: Iterable[str]) -> list[str]:
    """*values* without repetitions, in order."""
    return list(dict.fromkeys(values))
