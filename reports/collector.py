"""Each measurement that tests report is collected once, whichever process reports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from reports.ledger.curves import CurveRecord, Example, read_exhibit
from reports.ledger.ledger import (
    Environment,
    Ledger,
    MeasurementRecord,
    ModelRecord,
    UnfinishedRecord,
)
from reports.ledger.record import (
    ClaimReports,
    Key,
    Record,
    Verdict,
    conclude,
    task_order,
    unique,
)
from reports.ledger.strict_json import LedgerError
from reports.text.holm import adjusted

READ: tuple[Verdict, ...] = ("holds", "fails", "inconclusive", "recorded")
"""The verdicts that rest on what the instruments read."""

INSTRUMENT = "instrument"
"""The name of the property that marks a test as a check of an instrument."""


class Collector:
    """Collects measurements, curves and examples; *messages* are sentences about what could not be read."""

    def __init__(self) -> None:
        self.measured: dict[tuple[str, str], tuple[MeasurementRecord, ModelRecord]] = {}
        self.curves: dict[Key, CurveRecord] = {}
        self.examples: dict[Key, Example] = {}
        self.messages: list[str] = []
        self.broken = set[str]()
        """The node ids of the checks of instruments that failed."""

    def unfinished(self, answers: Iterable[object]) -> tuple[UnfinishedRecord, ...]:
        """How far measuring came in a run that was cut short, for each model and task without a measurement."""
        try:
            records = tuple(map(UnfinishedRecord.from_json, answers))
        except LedgerError as error:
            self.messages.append(f"how far measuring came is missing from the ledger: {error}")
            return ()
        return tuple(record for record in records if (record.model, record.task) not in self.measured)

    def measurement(self, value: object) -> MeasurementRecord | None:
        """Collect the measurement in a test's property; None where it cannot be read."""
        try:
            measured = MeasurementRecord.from_json(value)
            model = ModelRecord.from_json({**cast("dict[str, object]", value), "name": measured.model})
        except LedgerError as error:
            self.messages.append(f"a measurement is missing from the ledger: {error}")
            return None
        self.measured[measured.model, measured.task] = measured, model
        return measured

    def exhibit(self, value: object) -> None:
        """Collect curves and examples; several processes may send those of the same measurement, which are equal."""
        try:
            curves, examples = read_exhibit(value)
        except LedgerError as error:
            self.messages.append(f"curves are missing from the ledger: {error}")
            return
        self.curves |= {(curve.model, curve.task, curve.name): curve for curve in curves}
        self.examples |= {(example.model, example.task, example.id): example for example in examples}

    def ledger(
        self, environment: Environment, planned: Mapping[Key, Record], reports: Mapping[Key, ClaimReports]
    ) -> Ledger:
        """The ledger of the run: every claim that was *planned*, with the verdict that its *reports* give it."""
        exhibited = [model for model, *_ in (*self.measured, *self.curves, *self.examples)]
        names = unique([model for _, model, _ in planned] + exhibited)

        def order(key: tuple[str, ...]) -> tuple[int, tuple[bool, str]]:
            return names.index(key[0]), task_order(key[1])

        records = [
            self._calibrated(row, conclude(row, reports.get(key, ClaimReports()))) for key, row in planned.items()
        ]
        keys = sorted(self.measured, key=order)
        models = {model.name: model for _, model in (self.measured[key] for key in reversed(keys))}
        return Ledger(
            environment=environment,
            models=tuple(models.get(name, ModelRecord(name=name)) for name in names),
            measurements=tuple(self.measured[key][0] for key in keys),
            records=adjusted(records),
            curves=tuple(self.curves[key] for key in sorted(self.curves, key=order)),
            examples=tuple(self.examples[key] for key in sorted(self.examples, key=order)),
        )

    def _calibrated(self, planned: Record, record: Record) -> Record:
        """*record*; or, where a check of the instruments failed, *planned* without what they read."""
        if not self.broken or record.verdict not in READ:
            return record
        more = f" and {len(self.broken) - 1} more" if len(self.broken) > 1 else ""
        reason = f"a check of the instruments failed: {min(self.broken)}{more}"
        return replace(planned, verdict="not calibrated", reason=reason, seconds=record.seconds)
