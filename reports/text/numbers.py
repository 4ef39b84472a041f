"""Numbers become text that no rounding sets against its own verdict, units and fractions written one way everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby

from reports.ledger.bound import RecordedBound
from reports.ledger.strict_json import Json

MOST_DECIMALS = 4
"""However near a value comes to its bound."""

LARGEST_DENOMINATOR = 12
"""Of a fraction that people write as one, such as 2/3."""

_LONG = re.compile(r"(?<![\w.])0\.(\d{4,})(?![\w.])")


def counted(count: int, noun: str) -> str:
    """*count* things of the name *noun*, whose plural has an s: "1 task", "2 tasks"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def about(count: int) -> str:
    """*count*, rounded up to two figures, as an estimate is told: "about 1,300"."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def effect(measured: Mapping[str, Json]) -> str:
    """Effect, interval and unit of a record, or of a part of one, in JSON; empty where nothing was read."""
    value = measured.get("effect", measured.get("value"))
    numbers = [each for each in (value, measured.get("low"), measured.get("high")) if isinstance(each, int | float)]
    if not isinstance(value, int | float):
        return ""
    told, *interval = _rounded(numbers, ends(str(measured.get("bound") or "")))
    texts = (told, f"[{', '.join(interval)}]" if interval else "", str(measured.get("unit") or ""))
    return " ".join(text for text in texts if text)


def bound(measured: Mapping[str, Json]) -> str:
    """The bound of a record, or of a part of one, in JSON, with its unit; empty where nothing is claimed."""
    needed, unit = str(measured.get("bound") or ""), str(measured.get("unit") or "")
    return fractions(f"{needed} {unit}".strip()) if needed else ""


def ends(needed: str) -> tuple[float, ...]:
    """The finite ends of a bound as a record writes it: of ">= 40" it is 40, of "in [20, 40]" both."""
    recorded = RecordedBound.find(needed)
    return recorded.ends if recorded else ()


def fractions(text: str) -> str:
    """*text* with decimals that only stand for a fraction written as one: 0.666667 is 2/3, 0.125 is itself."""

    def written(found: re.Match[str]) -> str:
        number = Fraction(found[0])
        plain = number.limit_denominator(LARGEST_DENOMINATOR)
        is_meant = 0 < abs(number - plain) <= Fraction(1, 2 * 10 ** len(found[1]))
        return str(plain) if is_meant else found[0]

    return _LONG.sub(written, text)


def spelled(layers: Iterable[int]) -> str:
    """Layers as text, runs of neighbours joined: `0-2, 7`."""
    ordered = sorted(set(layers))
    runs = [[layer for _, layer in run] for _, run in groupby(enumerate(ordered), key=lambda each: each[1] - each[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _rounded(numbers: Sequence[float], ends: Sequence[float]) -> list[str]:
    """The *numbers* in as few decimals as print each unlike the ends of the bound that it is not."""
    decimals = 1 if max(abs(each) for each in numbers) >= 10 else 2
    while decimals < MOST_DECIMALS and any(
        round(each, decimals) == round(end, decimals) for each in numbers for end in ends if each != end
    ):
        decimals += 1
    # Adding 0.0 takes the sign from a zero.
    return [f"{round(each, decimals) + 0.0:.{decimals}f}" for each in numbers]


LEAST_SHOWN = 0.001
"""Of p-values: smaller ones are all as good as certain."""


def p_value(plain: float | None, adjusted: float | None) -> str:
    """A p-value and, in brackets, the adjusted one; empty without."""

    def shown(p: float) -> str:
        return f"< {LEAST_SHOWN:g}" if p < LEAST_SHOWN else f"{p:.2g}"

    return "" if plain is None else shown(plain) + ("" if adjusted is None else f" ({shown(adjusted)})")


def signed(value: float) -> str:
    """A difference with its sign, zero without one."""
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"
