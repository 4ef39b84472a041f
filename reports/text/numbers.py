"""Numbers become text: rounding never contradicts a verdict, and units and fractions are written one way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby

from reports.ledger.bound import RecordedBound
from reports.ledger.strict_json import Json

MOST_DECIMALS = 4
"""The most decimals of a value, however close it is to its bound."""

LARGEST_DENOMINATOR = 12
"""The largest denominator of a number that is written as a fraction, such as 2/3."""

_LONG = re.compile(r"(?<![\w.])0\.(\d{4,})(?![\w.])")


def count_of(count: int, noun: str) -> str:
    """*count* things of the name *noun*, whose plural has an s: "1 task", "2 tasks"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def about(count: int) -> str:
    """*count*, rounded up to two figures, as in "about 1,300"."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def effect(measured: Mapping[str, Json]) -> str:
    """The effect, interval and unit of a record or part in JSON; empty where nothing was read."""
    value = measured.get("effect")
    numbers = [item for item in (value, measured.get("low"), measured.get("high")) if isinstance(item, int | float)]
    if not isinstance(value, int | float):
        return ""
    rounded, *interval = _rounded(numbers, ends(str(measured.get("bound") or "")))
    texts = (rounded, f"[{', '.join(interval)}]" if interval else "", str(measured.get("unit") or ""))
    return " ".join(text for text in texts if text)


def bound(measured: Mapping[str, Json]) -> str:
    """The bound of a record or part in JSON, with its unit; empty where nothing is claimed."""
    needed, unit = str(measured.get("bound") or ""), str(measured.get("unit") or "")
    return fractions(f"{needed} {unit}".strip()) if needed else ""


def ends(needed: str) -> tuple[float, ...]:
    """The finite ends of a bound as a record writes it: of ">= 40" it is 40, of "in [20, 40]" both."""
    recorded = RecordedBound.find(needed)
    return recorded.ends if recorded else ()


def fractions(text: str) -> str:
    """*text* with a fraction in place of decimals that stand for one: 0.666667 is 2/3, but 0.125 stays."""

    def written(match: re.Match[str]) -> str:
        number = Fraction(match[0])
        plain = number.limit_denominator(LARGEST_DENOMINATOR)
        is_meant = 0 < abs(number - plain) <= Fraction(1, 2 * 10 ** len(match[1]))
        return str(plain) if is_meant else match[0]

    return _LONG.sub(written, text)


def layers_in_words(layers: Iterable[int]) -> str:
    """Layers as text, with neighbours joined: `0-2, 7`."""
    ordered = sorted(set(layers))
    runs = [[layer for _, layer in run] for _, run in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _rounded(numbers: Sequence[float], ends: Sequence[float]) -> list[str]:
    """The *numbers* in as few decimals as tell each from the ends of the bound that it does not equal."""
    decimals = 1 if max(abs(number) for number in numbers) >= 10 else 2
    while decimals < MOST_DECIMALS and any(
        round(number, decimals) == round(end, decimals) for number in numbers for end in ends if number != end
    ):
        decimals += 1
    # Adding 0.0 takes the sign from a zero.
    return [f"{round(number, decimals) + 0.0:.{decimals}f}" for number in numbers]


LEAST_SHOWN = 0.001
"""The smallest p-value that is written out; smaller ones are as good as certain."""


def p_value(plain: float | None, adjusted: float | None) -> str:
    """A p-value and, in brackets, the adjusted one; empty without."""

    def rounded(p: float) -> str:
        return f"< {LEAST_SHOWN:g}" if p < LEAST_SHOWN else f"{p:.2g}"

    return "" if plain is None else rounded(plain) + ("" if adjusted is None else f" ({rounded(adjusted)})")


def signed(value: float) -> str:
    """A difference with its sign, zero without one."""
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"
