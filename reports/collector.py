"""What the bench says of its measurements, in whichever process and however often, is heard once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from reports.ledger.curves import Curve, Example, exhibited
from reports.ledger.ledger import Environment, Ledger, Measured, Model, Unfinished
from reports.ledger.record import Heard, Key, Record, Verdict, conclude, task_order, unique
from reports.ledger.strict_json import LedgerError
from reports.text.holm import adjusted

READ: tuple[Verdict, ...] = ("holds", "fails", "inconclusive", "recorded")
"""Verdicts that rest on what the instruments read."""

INSTRUMENT = "instrument"
"""The property of a test that checks an instrument."""


class Hearing:
    """Collects measurements, curves and examples; *messages* are sentences about what could not be read."""

    def __init__(self) -> None:
        self.measured: dict[tuple[str, str], tuple[Measured, Model]] = {}
        self.curves: dict[Key, Curve] = {}
        self.examples: dict[Key, Example] = {}
        self.messages: list[str] = []
        self.broken = set[str]()
        """Checks of the instruments that failed."""

    def unfinished(self, said: Iterable[object]) -> tuple[Unfinished, ...]:
        """What a run that was cut short had not wholly measured, of what nothing else was heard."""
        try:
            found = tuple(map(Unfinished.from_json, said))
        except LedgerError as error:
            self.messages.append(f"how far measuring came is missing from the ledger: {error}")
            return ()
        return tuple(each for each in found if (each.model, each.task) not in self.measured)

    def measurement(self, said: object) -> Measured | None:
        """Hear a measurement; None where it is of no form that is read here."""
        try:
            measured = Measured.from_json(said)
            model = Model.from_json({**cast("dict[str, object]", said), "name": measured.model})
        except LedgerError as error:
            self.messages.append(f"a measurement is missing from the ledger: {error}")
            return None
        self.measured[measured.model, measured.task] = measured, model
        return measured

    def exhibit(self, said: object) -> None:
        """Hear what is to be drawn; several processes may tell of the same measurement, and tell the same."""
        try:
            curves, examples = exhibited(said)
        except LedgerError as error:
            self.messages.append(f"curves are missing from the ledger: {error}")
            return
        self.curves |= {(curve.model, curve.task, curve.name): curve for curve in curves}
        self.examples |= {(example.model, example.task, example.id): example for example in examples}

    def ledger(self, environment: Environment, planned: Mapping[Key, Record], heard: Mapping[Key, Heard]) -> Ledger:
        """Everything that was heard, each claim that was *planned* concluded from what was *heard* of it."""
        shown = [model for model, *_ in (*self.measured, *self.curves, *self.examples)]
        names = unique([model for _, model, _ in planned] + shown)

        def order(key: tuple[str, ...]) -> tuple[int, tuple[bool, str]]:
            return names.index(key[0]), task_order(key[1])

        concluded = [self._calibrated(row, conclude(row, heard.get(key, Heard()))) for key, row in planned.items()]
        keys = sorted(self.measured, key=order)
        found = {model.name: model for _, model in (self.measured[key] for key in reversed(keys))}
        return Ledger(
            environment=environment,
            models=tuple(found.get(name, Model(name=name)) for name in names),
            measurements=tuple(self.measured[key][0] for key in keys),
            records=adjusted(concluded),
            curves=tuple(self.curves[key] for key in sorted(self.curves, key=order)),
            examples=tuple(self.examples[key] for key in sorted(self.examples, key=order)),
        )

    def _calibrated(self, planned: Record, found: Record) -> Record:
        """*found* or, where a check of the instruments failed, *planned* without what they read."""
        if not self.broken or found.verdict not in READ:
            return found
        more = f" and {len(self.broken) - 1} more" if len(self.broken) > 1 else ""
        reason = f"a check of the instruments failed: {min(self.broken)}{more}"
        return replace(planned, verdict="not calibrated", reason=reason, seconds=found.seconds)
