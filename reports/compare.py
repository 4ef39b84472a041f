"""Two runs are compared claim by claim: which verdicts changed, and how far each effect moved, in pairs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.files.json_csv import LEDGER
from reports.ledger.ledger import Ledger, MeasurementRecord
from reports.ledger.record import Record, task_order, unique
from reports.ledger.strict_json import Json, LedgerError, as_json
from reports.text.numbers import count_of, signed

UNITS = {"drop": "points", "lens": "%", "layers": "layers"}
"""What `--compare-fail` may hold to a threshold, and the unit of the effects that it is about."""

VERDICT = "verdict"
"""The limit that allows no change of a verdict."""

OF_A_MODEL = ("name", "fingerprint", "layers", "width", "dtype", "device", "engine")
"""The fields of a model on which its effects may depend."""

TAIL = 0.025


class BadComparison(ValueError):
    """Ledgers or limits cannot be compared; the message is one sentence."""


@dataclass(frozen=True)
class Limits:
    """How far effects may move, by unit, and whether verdicts may."""

    by_unit: Mapping[str, float]
    verdicts: bool = False


@dataclass(frozen=True)
class Difference:
    """An effect, or one statistic of a composite claim, now minus before, with a 95 % interval."""

    label: str
    unit: str
    before: float
    now: float
    low: float
    high: float
    paired: bool

    @property
    def value(self) -> float:
        return self.now - self.before

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval is on one side of zero."""
        return self.low > 0 or self.high < 0

    def beyond(self, limits: Limits) -> bool:
        """Whether the effect surely moved, and further than *limits* allow."""
        return self.is_sure and abs(self.value) > limits.by_unit.get(self.unit, math.inf)


@dataclass(frozen=True)
class Change:
    """One claim on one task, before and now; None for a run that did not ask it."""

    before: Record | None
    now: Record | None
    differences: tuple[Difference, ...] = ()

    @property
    def record(self) -> Record:
        record = self.now or self.before
        assert record is not None, "a change is of at least one run"
        return record

    @property
    def turned(self) -> bool:
        """Whether both runs judged it, and differently."""
        return self.before is not None and self.now is not None and self.before.verdict != self.now.verdict

    @property
    def verdict(self) -> str:
        """The verdict, or where it changed the one before and the one now."""
        if self.before and self.now and self.turned:
            return f"{self.before.verdict} -> {self.now.verdict}"
        return self.record.verdict

    @property
    def moved(self) -> list[Difference]:
        """The statistics that surely moved."""
        return [difference for difference in self.differences if difference.is_sure]

    def beyond(self, limits: Limits) -> bool:
        return (limits.verdicts and self.turned) or any(difference.beyond(limits) for difference in self.differences)


def read_ledger(path: Path) -> Ledger:
    """The ledger in a file, or in a folder that a run left; `LedgerError` says why there is none."""
    file = path / LEDGER if path.is_dir() else path
    try:
        return Ledger.from_json(json.loads(file.read_text("utf-8")))
    except OSError as error:
        raise LedgerError(f"{file} cannot be read ({error.strerror or error}): give a run's ledger.json") from error
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, LedgerError) else f"no JSON, {error}"
        raise LedgerError(f"{file}: {reason}") from error


def compare_with_file(now: Ledger, path: Path, limits: str) -> tuple[list[str], bool]:
    """What a run that has just ended changed against the ledger in *path*, and whether that is beyond the *limits*."""
    before, bounds = read_ledger(path), parse_limits(limits)
    # Claims that the run did not select are not compared.
    selected = {record.claim for record in now.records}
    changes = compare(
        replace(before, records=tuple(record for record in before.records if record.claim in selected)), now
    )
    return [*conditions(before, now), *report_lines(changes, bounds)], any(change.beyond(bounds) for change in changes)


def parse_limits(text: str) -> Limits:
    """The limits that a list such as `drop:5,verdict` names; `BadComparison` names the limits that exist."""
    by_unit: dict[str, float] = {}
    verdicts = False
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, colon, number = entry.partition(":")
        if entry == VERDICT:
            verdicts = True
        elif name in UNITS and colon and (limit := _number(number)) is not None:
            by_unit[UNITS[name]] = limit
        else:
            names = ", ".join(f"{name}:{unit.upper()}" for name, unit in UNITS.items())
            raise BadComparison(f"--compare-fail {entry}: no such limit; known are {names} and {VERDICT}, as in drop:5")
    return Limits(by_unit, verdicts)


def compare(before: Ledger, now: Ledger) -> tuple[Change, ...]:
    """Every claim of either run; models are matched by name, or where each run has but one, with each other.

    `BadComparison` where the runs have no claim in common.
    """
    aliases = _aliases(_models(before), _models(now))
    old = {(record.claim, aliases.get(record.model, record.model), record.task): record for record in before.records}
    new = {record.key: record for record in now.records}
    if not old.keys() & new.keys():
        raise BadComparison("the two runs have no claim, model and task in common: give runs of the same claims")
    return tuple(_change(old.get(key), new.get(key)) for key in unique_keys(new, old))


def unique_keys(*keyed: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(key for keys in keyed for key in keys))


def conditions(before: Ledger, now: Ledger) -> list[str]:
    """The differences between the runs other than effects: versions, weights, devices, questions."""
    runs = before, now
    versions = [{"python": run.environment.python, **run.environment.packages} for run in runs]
    lines = _turned("", *versions)
    new_models = {model.name: model for model in now.models}
    aliases = _aliases([model.name for model in before.models], list(new_models))
    both = [(old, new_models.get(aliases.get(old.name, old.name))) for old in before.models]
    for pair in ((old, new) for old, new in both if new):
        fields = [{name: value for name, value in as_json(model).items() if name in OF_A_MODEL} for model in pair]
        lines += _turned(f" of {pair[1].name}", *fields)
    measured = [{(aliases.get(row.model, row.model), row.task): row for row in run.measurements} for run in runs]
    common = [(measured[0][place], measured[1][place]) for place in measured[0] if place in measured[1]]
    others = sorted({now.task for then, now in common if _draw(then) != _draw(now)}, key=task_order)
    limits = sorted({(then.at_most, now.at_most) for then, now in common}, key=str)
    ids = [(now.task, then.prompts_sha256, now.prompts_sha256) for then, now in common]
    other_ids = {task for task, *both in ids if all(both) and both[0] != both[1]} - {*others}
    return [
        *lines,
        *([f"other questions or prompts on {', '.join(others)}"] if others else []),
        *(
            f"{then or 'all'} correct answers a task were to be measured, now {now or 'all'}"
            for then, now in limits
            if then != now
        ),
        *(
            [f"the same prompts in other token ids on {', '.join(sorted(other_ids, key=task_order))}"]
            if other_ids
            else []
        ),
    ]


def report_lines(changes: Sequence[Change], limits: Limits) -> list[str]:
    """One line for each verdict that changed, effect that surely moved, and run that asked claims the other did not."""
    lines: list[str] = []
    for change in changes:
        beyond = change.beyond(limits)
        if beyond or change.turned or change.moved:
            lines.append(f"{'!' if beyond else ' '} {', '.join(change.record.key)}: {change.verdict}")
            lines += [
                f"    {_difference_text(move)}{', beyond the limit' if move.beyond(limits) else ''}"
                for move in change.moved
            ]
    gone, added = [change for change in changes if not change.now], [change for change in changes if not change.before]
    for run, some in (("before", gone), ("now", added)):
        lines += [f"asked {run} alone: {len(some)}, such as {', '.join(some[0].record.key)}"] if some else []
    both = [change for change in changes if change.before and change.now]
    turned, moved = sum(change.turned for change in both), sum(bool(change.moved) for change in both)
    totals = (
        count_of(len(both), "claim"),
        f"{count_of(turned, 'verdict')} turned",
        f"{count_of(moved, 'effect')} surely moved",
    )
    return [*lines, f"compared: {', '.join(totals)}"]


def _draw(measurement: MeasurementRecord) -> tuple[object, ...]:
    """Which questions were drawn, and how they are asked."""
    return measurement.source, measurement.questions, measurement.seed, measurement.prompt


def _aliases(before: Sequence[str], now: Sequence[str]) -> dict[str, str]:
    """The name *now* of a model of *before*: where each run has only one, these match whatever their names."""
    return {before[0]: now[0]} if len(before) == len(now) == 1 else {}


def _turned(whose: str, before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return [f"{name}{whose}: {before.get(name) or 'none'} before, {now.get(name) or 'none'} now" for name in names]


def _difference_text(move: Difference) -> str:
    label, unit = move.label and f"{move.label}: ", move.unit and f" {move.unit}"
    interval = f"[{signed(move.low)}, {signed(move.high)}] {'paired' if move.paired else 'unpaired'}"
    return f"{label}{signed(move.value)}{unit} {interval}, from {move.before:.4g} to {move.now:.4g}"


def _models(ledger: Ledger) -> list[str]:
    return unique(record.model for record in ledger.records)


def _change(before: Record | None, now: Record | None) -> Change:
    if not (before and now):
        return Change(before, now)
    old, new = ({str(part.get("label") or ""): part for part in _statistics(record)} for record in (before, now))
    pairs = ((label, old[label], new[label]) for label in new if label in old)
    differences = (_difference(label, one, other) for label, one, other in pairs)
    return Change(before, now, tuple(filter(None, differences)))


def _statistics(record: Record) -> Sequence[Mapping[str, Json]]:
    return record.parts or (as_json(record),)


def _difference(label: str, before: Mapping[str, Json], now: Mapping[str, Json]) -> Difference | None:
    """None where either was not read, or they are in different units."""
    one, other = before.get("effect"), now.get("effect")
    if not isinstance(one, int | float) or not isinstance(other, int | float) or before.get("unit") != now.get("unit"):
        return None
    paired = bool(before.get("pairing")) and before.get("pairing") == now.get("pairing")
    low, high = _interval(before, now, other - one)
    return Difference(label, str(now.get("unit") or ""), float(one), float(other), low, high, paired)


def _interval(before: Mapping[str, Json], now: Mapping[str, Json], value: float) -> tuple[float, float]:
    """The interval from the resamples, which have the same order where they are paired, else independent ones."""
    draws = sorted(
        new - old
        for old, new in zip(_numbers(before), _numbers(now), strict=False)
        if old is not None and new is not None
    )
    if draws:
        return _quantile(draws, TAIL), _quantile(draws, 1 - TAIL)
    # An accuracy has no resamples: its intervals are joined as those of independent numbers.
    ends = [statistic.get(end) for statistic in (before, now) for end in ("low", "high")]
    if not all(isinstance(end, int | float) for end in ends):
        return -math.inf, math.inf
    old_low, old_high, new_low, new_high = (float(end) for end in ends if isinstance(end, int | float))
    if (old_low, old_high) == (new_low, new_high):
        return min(value, 0.0), max(value, 0.0)
    old, new = float(str(before["effect"])), float(str(now["effect"]))
    return value - math.hypot(new - new_low, old_high - old), value + math.hypot(new_high - new, old - old_low)


def _numbers(statistic: Mapping[str, Json]) -> Sequence[float | None]:
    draws = statistic.get("draws")
    return [draw if isinstance(draw, int | float) else None for draw in draws] if isinstance(draws, list) else []


def _quantile(ordered: Sequence[float], level: float) -> float:
    place = level * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
