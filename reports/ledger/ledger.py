"""A ledger is all that a run leaves: its environment, models, measurements, records, curves and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from reports.ledger.curves import CurveRecord, Example
from reports.ledger.record import Record
from reports.ledger.strict_json import JsonRecord, LedgerError, Name, Reader

SCHEMA = 1
"""The version of ledger.json; it rises when a reader of the old form would misread the new one."""


@dataclass(frozen=True, kw_only=True)
class MeasurementRecord(JsonRecord):
    """The questions of one task that a model was asked and that were kept; *set_aside* counts the others by reason.

    The noise says how many points a knockout of nothing moves the answer's probability, at the median question and at
    most. It is None from an engine that does not measure it. *questions* of *source* were to be drawn with *seed*.
    *prompt* is the text for the processor, with a mark in place of the question. *prompts_sha256* is the digest of the
    token ids of all prompts. *left_out* counts for each edge the kept questions that lack it, by reason. The first
    *at_most* correctly answered questions were to be kept; None means all. *rivals* are the answers that are each
    other's rivals under the lens, where questions have no false option.
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
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UnfinishedRecord(JsonRecord):
    """A task that a run did not finish: how many of the questions *asked* it *measured*; None before the first."""

    noun: ClassVar[str] = "an unfinished measurement"

    model: Name
    task: Name
    measured: int = 0
    asked: int | None = None


@dataclass(frozen=True, kw_only=True)
class ModelRecord(JsonRecord):
    """A model as it was measured: *fingerprint* is the digest of its weights, *width* the window in layers.

    *revision* is the hub's commit of its files; it is empty for a model from elsewhere.
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
    """All that a run leaves, in the order of the register, then of the models and of the tasks."""

    noun: ClassVar[str] = "the ledger"

    schema: int = SCHEMA
    environment: Environment
    models: tuple[ModelRecord, ...]
    measurements: tuple[MeasurementRecord, ...]
    records: tuple[Record, ...]
    curves: tuple[CurveRecord, ...] = ()
    examples: tuple[Example, ...] = ()
    unfinished: tuple[UnfinishedRecord, ...] = ()

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
