"""The ledgers of shards and machines become one, if all of them measured the same models the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from reports.ledger.ledger import Environment, Ledger, MeasurementRecord, ModelRecord
from reports.ledger.record import Key, Record, task_order, unique
from reports.text.holm import adjusted

T = TypeVar("T")

MUST_AGREE = ("fingerprint", "layers", "width", "dtype", "engine")
"""The fields of a model on which its numbers depend; devices and versions may differ between shards."""

DRAW_FIELDS = {
    "source": "source", "questions": "questions", "seed": "seed", "prompt": "prompt", "at_most": "--measured",
}  # fmt: skip
"""The fields of a measurement on which its questions depend, with their names in a message."""

SAME = 1e-6
"""The largest relative difference between two machines' effects that counts as rounding."""


class BadMerge(ValueError):
    """Ledgers cannot be merged; the message is one sentence."""


def merge(ledgers: Sequence[Ledger], names: Sequence[str]) -> Ledger:
    """One ledger of all; a row that was run somewhere takes the place of one that was not.

    *names* are where the ledgers come from. `BadMerge` where a model or its questions differ between them, or
    where a claim was judged twice and differently.
    """
    if not ledgers:
        raise BadMerge("there is nothing to merge: give folders with a ledger.json")
    pairs = list(zip(ledgers, names, strict=True))
    models = _agreeing(
        ((model, name) for run, name in pairs for model in run.models), lambda model: (model.name,), _agree
    )
    measurements = _agreeing(
        ((row, name) for run, name in pairs for row in run.measurements),
        lambda row: (row.model, row.task),
        _same_draw,
    )
    records = _rows(ledgers, names)  # whose numbers differ where what was measured does
    order = unique([*(record.model for record in records.values()), *(name for (name, *_) in models)])
    curves = {(curve.model, curve.task, curve.name): curve for run in ledgers for curve in run.curves}
    cut_short = {(row.model, row.task): row for run in ledgers for row in run.unfinished}
    examples = {(example.model, example.task, example.id): example for run in ledgers for example in run.examples}

    def place(key: tuple[str, ...]) -> tuple[int, tuple[bool, str]]:
        return order.index(key[0]) if key[0] in order else len(order), task_order(key[1])

    return Ledger(
        environment=_environment([run.environment for run in ledgers]),
        models=tuple(models[(name,)] for name in order if (name,) in models),
        measurements=tuple(measurements[key] for key in sorted(measurements, key=place)),
        records=adjusted([records[key] for key in _in_order(ledgers, records)]),  # for all of them, not a shard's
        curves=tuple(curves[key] for key in sorted(curves, key=place)),
        examples=tuple(examples[key] for key in sorted(examples, key=place)),
        unfinished=tuple(cut_short[key] for key in sorted(cut_short, key=place) if key not in measurements),
    )


def _rows(ledgers: Sequence[Ledger], names: Sequence[str]) -> dict[Key, Record]:
    rows: dict[Key, tuple[Record, str]] = {}
    for run, name in zip(ledgers, names, strict=True):
        for record in run.records:
            earlier, where = rows.get(record.key, (record, name))
            if "not run" not in (earlier.verdict, record.verdict) and not _same(earlier, record):
                claim, model, task = record.key
                raise BadMerge(
                    f"{claim} on {model}, {task} is {earlier.verdict} in {where} and {record.verdict} in {name}, with "
                    "other numbers: merge shards of one run, and compare runs with `python -m reports compare`"
                )
            rows[record.key] = (record, name) if earlier.verdict == "not run" else (earlier, where)
    return {key: record for key, (record, _) in rows.items()}


def _same(one: Record, other: Record) -> bool:
    if one.verdict != other.verdict or (one.effect is None) != (other.effect is None):
        return False
    return one.effect is None or abs(one.effect - (other.effect or 0.0)) <= SAME * max(1.0, abs(one.effect))


def _in_order(ledgers: Sequence[Ledger], rows: dict[Key, Record]) -> list[Key]:
    """Claims as the fullest ledgers have them, so that a shard's own order comes last."""
    fullest = sorted(ledgers, key=lambda run: -len(run.records))
    claims = unique(record.claim for run in fullest for record in run.records)
    models = unique(record.model for run in fullest for record in run.records)
    return sorted(rows, key=lambda key: (claims.index(key[0]), models.index(key[1]), task_order(key[2])))


def _agreeing(
    records: Iterable[tuple[T, str]],
    key: Callable[[T], tuple[str, ...]],
    differs: Callable[[T, T], str],
) -> dict[tuple[str, ...], T]:
    """The *records*, each with the name of its ledger, one for each *key*; `BadMerge` where two of a key differ."""
    first: dict[tuple[str, ...], tuple[T, str]] = {}
    for record, name in records:
        earlier, where = first.setdefault(key(record), (record, name))
        if difference := differs(earlier, record):
            raise BadMerge(f"{difference} in {where} and in {name}: merge only what was measured the same way")
        if not _is_measured(earlier):
            first[key(record)] = record, name
    return {name: record for name, (record, _) in first.items()}


def _is_measured(record: object) -> bool:
    return not isinstance(record, ModelRecord) or record.layers is not None


def _agree(one: ModelRecord, other: ModelRecord) -> str:
    if not (_is_measured(one) and _is_measured(other)):
        return ""
    return next(
        (
            f"{one.name} has {name} {getattr(one, name)!s:.20} and {getattr(other, name)!s:.20}"
            for name in MUST_AGREE
            if getattr(one, name) != getattr(other, name)
        ),
        "",
    )


def _same_draw(one: MeasurementRecord, other: MeasurementRecord) -> str:
    return next(
        (
            f"{one.model}, {one.task} has {label} {getattr(one, name)!s:.60} and {getattr(other, name)!s:.60}"
            for name, label in DRAW_FIELDS.items()
            if getattr(one, name) != getattr(other, name)
        ),
        "",
    )


def _environment(environments: Sequence[Environment]) -> Environment:
    """The environment of the first run to start, with every command and the sum of all seconds."""
    first = min(environments, key=lambda environment: environment.started)
    seconds = [environment.seconds for environment in environments if environment.seconds is not None]
    commands = unique(environment.command for environment in environments)
    return replace(first, command="; ".join(commands), seconds=round(sum(seconds), 3) if seconds else None)
