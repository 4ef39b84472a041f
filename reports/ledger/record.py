"""A run is one frozen record for each claim, model and task, and reads back from JSON as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

from reports.ledger.curves import Curve, Example, Reading
from reports.ledger.strict_json import Json, LedgerError, Reader, as_json

SCHEMA = 1
"""The version of ledger.json; it rises when a reader of the old form would misread the new one."""

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
class Record:
    """What one claim came to on one model and task.

    *effect*, *low* and *high* (95 %, two-sided) and *twin* are in *unit*; *n* counts questions; *parts* are
    the statistics of a composite claim, each a mapping like this record's own measured fields; *expected* is
    the verdict that the expectations give where the claim is known to depart from the paper, else None, and
    *expected_because* their reason;
    *tasks* are those that a record of all tasks together was read from; *draws* are some resamples of the effect,
    in the same order wherever *pairing* is the same; *readings* say where on which curves it was read.
    """

    claim: str
    section: str
    figure: str | None
    sentence: str
    model: str
    task: str
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

    @classmethod
    def from_json(cls, data: object) -> Record:
        """The record that `as_json` wrote; `LedgerError` names a field of another type."""
        read = Reader.of(data, "a record")
        verdict = read.text("verdict")
        if verdict not in VERDICTS:
            raise LedgerError(f"the verdict {verdict!r} of {read.what} is none of {', '.join(VERDICTS)}")
        return cls(
            claim=read.name("claim"),
            section=read.text("section"),
            figure=read.text_or_none("figure"),
            sentence=read.text("sentence"),
            model=read.name("model"),
            task=read.name("task"),
            verdict=verdict,
            statistic=read.text("statistic"),
            expected=read.text_or_none("expected"),
            expected_because=read.text("expected_because"),
            effect=read.number("effect"),
            low=read.number("low"),
            high=read.number("high"),
            bound=read.text("bound"),
            parts=read.mappings("parts"),
            bound_from=read.text_or_none("bound_from"),
            n=read.count("n"),
            unit=read.text("unit"),
            layers=read.counts("layers"),
            seconds=read.number("seconds"),
            reason=read.text("reason"),
            notes=read.texts("notes"),
            twin=read.number("twin"),
            p=read.number("p"),
            p_holm=read.number("p_holm"),
            questions_needed=read.count("questions_needed"),
            tasks=read.texts("tasks"),
            draws=read.numbers("draws"),
            pairing=read.text("pairing"),
            readings=tuple(Reading.from_json(entry) for entry in read.entries("readings")),
        )


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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The questions of one task that a model was asked, and kept; *set_aside* counts the others by reason.

    The noise is by how many points knocking out nothing moves the answer's probability, at the median question
    and at most; None from an engine that does not try. *questions* of *source* were to be drawn by *seed*;
    *prompt* is the text that goes to the processor, with a mark where the question stands; *prompts_sha256* is of the
    token ids of all prompts. *left_out* counts by edge the kept questions that lack it, by reason. Of the questions
    answered correctly the first *at_most* were to be kept; None: all.
    """

    model: str
    task: str
    asked: int | None = None
    kept: int | None = None
    set_aside: Mapping[str, int] = field(default_factory=lambda: {})
    noise_median: float | None = None
    noise_most: float | None = None
    seconds: float | None = None
    source: str = ""
    questions: int | None = None
    seed: int | None = None
    prompt_style: str = ""
    prompt: str = ""
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: {})
    prompts_sha256: str = ""
    at_most: int | None = None

    @classmethod
    def from_json(cls, data: object) -> Measured:
        read = Reader.of(data, "a measurement")
        return cls(
            model=read.name("model"),
            task=read.name("task"),
            asked=read.count("asked"),
            kept=read.count("kept"),
            set_aside=read.counted("set_aside"),
            noise_median=read.number("noise_median"),
            noise_most=read.number("noise_most"),
            seconds=read.number("seconds"),
            source=read.text("source"),
            questions=read.count("questions"),
            seed=read.count("seed"),
            prompt_style=read.text("prompt_style"),
            prompt=read.text("prompt"),
            prompts_sha256=read.text("prompts_sha256"),
            at_most=read.count("at_most"),
            left_out=read.counted_of_each("left_out"),
        )


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A task of which a run that was cut short *measured* some of the questions *asked*; None: it asked none yet."""

    model: str
    task: str
    measured: int = 0
    asked: int | None = None

    @classmethod
    def from_json(cls, data: object) -> Unfinished:
        read = Reader.of(data, "an unfinished measurement")
        return cls(
            model=read.name("model"),
            task=read.name("task"),
            measured=read.count("measured") or 0,
            asked=read.count("asked"),
        )


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as it was measured: the *fingerprint* is of its weights, *width* the window's, in layers.

    *revision* is the hub's commit that its files are of; empty for what did not come from there.
    """

    name: str
    fingerprint: str = ""
    revision: str = ""
    layers: int | None = None
    width: int | None = None
    dtype: str = ""
    device: str = ""
    engine: str = ""
    versions: Mapping[str, str] = field(default_factory=lambda: {})

    @classmethod
    def from_json(cls, data: object) -> Model:
        read = Reader.of(data, "a model")
        return cls(
            name=read.name("name"),
            fingerprint=read.text("fingerprint"),
            revision=read.text("revision"),
            layers=read.count("layers"),
            width=read.count("width"),
            dtype=read.text("dtype"),
            device=read.text("device"),
            engine=read.text("engine"),
            versions=read.named("versions"),
        )


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run ran; *started* is ISO 8601 in UTC."""

    python: str
    platform: str
    packages: Mapping[str, str]
    command: str
    started: str
    seconds: float | None

    @classmethod
    def from_json(cls, data: object) -> Environment:
        read = Reader.of(data, "the environment")
        return cls(
            python=read.text("python"),
            platform=read.text("platform"),
            packages=read.named("packages"),
            command=read.text("command"),
            started=read.text("started"),
            seconds=read.number("seconds"),
        )


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Everything a run leaves behind, in the order of the register, then of the models and of the tasks."""

    schema: int = SCHEMA
    environment: Environment
    models: tuple[Model, ...]
    measurements: tuple[Measured, ...]
    records: tuple[Record, ...]
    curves: tuple[Curve, ...] = ()
    examples: tuple[Example, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()

    @classmethod
    def from_json(cls, data: object) -> Ledger:
        """The ledger that `as_json` wrote; `LedgerError` for another schema version or form."""
        read = Reader.of(data, "the ledger")
        if read.data.get("schema") != SCHEMA:
            raise LedgerError(
                f"the ledger has schema version {read.data.get('schema')!r}, and {SCHEMA} is read here: "
                "run the claims again, or read it with the version that wrote it"
            )
        return cls(
            environment=Environment.from_json(read.data.get("environment")),
            models=tuple(Model.from_json(entry) for entry in read.entries("models")),
            measurements=tuple(Measured.from_json(entry) for entry in read.entries("measurements")),
            records=tuple(Record.from_json(entry) for entry in read.entries("records")),
            curves=tuple(Curve.from_json(entry) for entry in read.entries("curves")),
            examples=tuple(Example.from_json(entry) for entry in read.entries("examples")),
            unfinished=tuple(Unfinished.from_json(entry) for entry in read.entries("unfinished")),
        )


def task_order(task: str) -> tuple[bool, str]:
    """The key that sorts tasks as the paper's table 1 does, which is by name, with the pooled one last."""
    return task == EVERY_TASK, task
