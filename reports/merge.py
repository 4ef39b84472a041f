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

DRAWN_ALIKE = {
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
    named = list(zip(ledgers, names, strict=True))
    models = _agreeing(((each, name) for run, name in named for each in run.models), lambda each: (each.name,), _agree)
    measured = _agreeing(
        ((each, name) for run, name in named for each in run.measurements),
        lambda each: (each.model, each.task),
        _drawn_alike,
    )
    records = _rows(ledgers, names)  # whose numbers differ where what was measured does
    order = unique([*(record.model for record in records.values()), *(name for (name, *_) in models)])
    curves = {(each.model, each.task, each.name): each for run in ledgers for each in run.curves}
    cut_short = {(each.model, each.task): each for run in ledgers for each in run.unfinished}
    examples = {(each.model, each.task, each.id): each for run in ledgers for each in run.examples}

    def place(key: tuple[str, ...]) -> tuple[int, tuple[bool, str]]:
        return order.index(key[0]) if key[0] in order else len(order), task_order(key[1])

    return Ledger(
        environment=_environment([run.environment for run in ledgers]),
        models=tuple(models[(name,)] for name in order if (name,) in models),
        measurements=tuple(measured[key] for key in sorted(measured, key=place)),
        records=adjusted([records[key] for key in _in_order(ledgers, records)]),  # for all of them, not a shard's
        curves=tuple(curves[key] for key in sorted(curves, key=place)),
        examples=tuple(examples[key] for key in sorted(examples, key=place)),
        unfinished=tuple(cut_short[key] for key in sorted(cut_short, key=place) if key not in measured),
    )


def _rows(ledgers: Sequence[Ledger], names: Sequence[str]) -> dict[Key, Record]:
    rows: dict[Key, tuple[Record, str]] = {}
    for run, name in zip(ledgers, names, strict=True):
        for record in run.records:
            known, where = rows.get(record.key, (record, name))
            if "not run" not in (known.verdict, record.verdict) and not _same(known, record):
                claim, model, task = record.key
                raise BadMerge(
                    f"{claim} on {model}, {task} is {known.verdict} in {where} and {record.verdict} in {name}, with "
                    "other numbers: merge shards of one run, and compare runs with `python -m reports compare`"
                )
            rows[record.key] = (record, name) if known.verdict == "not run" else (known, where)
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
    found: Iterable[tuple[T, str]],
    key: Callable[[T], tuple[str, ...]],
    differs: Callable[[T, T], str],
) -> dict[tuple[str, ...], T]:
    kept: dict[tuple[str, ...], tuple[T, str]] = {}
    for each, name in found:
        known, where = kept.setdefault(key(each), (each, name))
        if difference := differs(known, each):
            raise BadMerge(f"{difference} in {where} and in {name}: merge only what was measured the same way")
        if not _is_measured(known):
            kept[key(each)] = each, name
    return {name: each for name, (each, _) in kept.items()}


def _is_measured(each: object) -> bool:
    return not isinstance(each, ModelRecord) or each.layers is not None


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


def _drawn_alike(one: MeasurementRecord, other: MeasurementRecord) -> str:
    return next(
        (
            f"{one.model}, {one.task} has {told} {getattr(one, name)!s:.60} and {getattr(other, name)!s:.60}"
            for name, told in DRAWN_ALIKE.items()
            if getattr(one, name) != getattr(other, name)
        ),
        "",
    )


def _environment(each: Sequence[Environment]) -> Environment:
    """The environment of the first run to start, with every command and the sum of all seconds."""
    first = min(each, key=lambda environment: environment.started)
    known = [environment.seconds for environment in each if environment.seconds is not None]
    commands = unique(environment.command for environment in each)
    return replace(first, command="; ".join(commands), seconds=round(sum(known), 3) if known else None)
