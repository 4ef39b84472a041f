"""A ledger is all that a run leaves: its environment, models, measurements, records, curves and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from reports.ledger.curves import Curve, Example
from reports.ledger.record import Record
from reports.ledger.strict_json import JsonRecord, LedgerError, Name, Reader

SCHEMA = 1
"""The version of ledger.json; it rises when a reader of the old form would misread the new one."""


@dataclass(frozen=True, kw_only=True)
class Measured(JsonRecord):
    """The questions of one task that a model was asked, and kept; *set_aside* counts the others by reason.

    The noise is by how many points knocking out nothing moves the answer's probability, at the median question
    and at most; None from an engine that does not try. *questions* of *source* were to be drawn by *seed*;
    *prompt* is the text that goes to the processor, with a mark where the question stands; *prompts_sha256* is of the
    token ids of all prompts. *left_out* counts by edge the kept questions that lack it, by reason. Of the questions
    answered correctly the first *at_most* were to be kept; None: all.
    """

    noun: ClassVar[str] = "a measurement"

    model: Name
    task: Name
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


@dataclass(frozen=True, kw_only=True)
class Unfinished(JsonRecord):
    """A task of which a run that was cut short *measured* some of the questions *asked*; None: it asked none yet."""

    noun: ClassVar[str] = "an unfinished measurement"

    model: Name
    task: Name
    measured: int = 0
    asked: int | None = None


@dataclass(frozen=True, kw_only=True)
class Model(JsonRecord):
    """A model as it was measured: the *fingerprint* is of its weights, *width* the window's, in layers.

    *revision* is the hub's commit that its files are of; empty for what did not come from there.
    """

    noun: ClassVar[str] = "a model"

    name: Name
    fingerprint: str = ""
    revision: str = ""
    layers: int | None = None
    width: int | None = None
    dtype: str = ""
    device: str = ""
    engine: str = ""
    versions: Mapping[str, str] = field(default_factory=lambda: {})


@dataclass(frozen=True, kw_only=True)
class Environment(JsonRecord):
    """Where a run ran; *started* is ISO 8601 in UTC."""

    noun: ClassVar[str] = "the environment"

    python: str
    platform: str
    packages: Mapping[str, str]
    command: str
    started: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Ledger(JsonRecord):
    """Everything a run leaves behind, in the order of the register, then of the models and of the tasks."""

    noun: ClassVar[str] = "the ledger"

    schema: int = SCHEMA
    environment: Environment
    models: tuple[Model, ...]
    measurements: tuple[Measured, ...]
    records: tuple[Record, ...]
    curves: tuple[Curve, ...] = ()
    examples: tuple[Example, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The ledger that `as_json` wrote; `LedgerError` for another schema version or form."""
        # Another version is said before any of its fields is read.
        version = Reader.of(data, cls.noun).data.get("schema")
        if version != SCHEMA:
            raise LedgerError(
                f"the ledger has schema version {version!r}, and {SCHEMA} is read here: "
                "run the claims again, or read it with the version that wrote it"
            )
        return super().from_json(data)
