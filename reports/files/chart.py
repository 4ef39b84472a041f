"""A small chart of curves is SVG in the page's own colours; its text is escaped, and its numbers are numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 380, 190
LEFT, RIGHT, TOP, BOTTOM = 42, 8, 8, 34
"""The margins for ticks and words around the plot, in units of the view box."""

TICKS = 4
MOST_NUMBERED = 9
"""The most layers that have a number below them."""

LEAST_SPAN = 1.0
"""The least height of the axis, in points or percent: a flat curve is not magnified."""

MOST_INKS = 6
"""The number of colours in the style sheet, `ink0` and so on."""

Values = Sequence[float | None]


@dataclass(frozen=True)
class Line:
    """A curve, one value for each point, with the ends of its interval where it has one."""

    name: str
    values: Values
    low: Values = ()
    high: Values = ()


def chart(
    lines: Sequence[Line],
    label: str,
    *,
    unit: str,
    bands: Iterable[tuple[int, int]] = (),
    bounds: Iterable[tuple[int, int, float]] = (),
) -> str:
    """The *lines* over layers; *bands* are stretches to shade, *bounds* stretches with the value of a bound there.

    *label* says in words what the chart shows, for readers who cannot see it. The result is empty where there is
    nothing to draw.
    """
    bounds, points = tuple(bounds), max((len(line.values) for line in lines), default=0)
    numbers = [value for line in lines for value in (*line.values, *line.low, *line.high) if value is not None]
    if not numbers:
        return ""
    ticks = _ticks(min(0.0, *numbers, *(end for *_, end in bounds)), max(0.0, *numbers, *(end for *_, end in bounds)))
    low, high = ticks[0], ticks[-1]

    def x(point: float) -> str:
        return f"{LEFT + (point + 0.5) / points * (WIDTH - LEFT - RIGHT):.1f}"

    def y(value: float) -> str:
        return f"{TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM):.1f}"

    step, tall = (WIDTH - LEFT - RIGHT) / points, f'y="{TOP}" height="{HEIGHT - TOP - BOTTOM}"'
    parts = [
        f'<rect class="stretch" x="{x(first - 0.5)}" width="{(last - first + 1) * step:.1f}" {tall}/>'
        for first, last in sorted(set(bands))
    ]
    for tick in ticks:
        parts.append(
            f'<line class="{"zero" if tick == 0 else "tick"}" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
            f'y1="{y(tick)}" y2="{y(tick)}"/>'
        )
        parts.append(f'<text x="{LEFT - 5}" y="{y(tick)}" dy=".32em" text-anchor="end">{tick:g}</text>')
    parts += [
        f'<text x="{x(point)}" y="{HEIGHT - BOTTOM + 13}" text-anchor="middle">{point}</text>'
        for point in range(0, points, max(1, math.ceil(points / MOST_NUMBERED)))
    ]
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 5}" text-anchor="end">layer</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 5}">{escape(unit)}</text>')
    for place, line in enumerate(lines):
        ink = f"ink{place % MOST_INKS}"
        if len(line.low) == len(line.high) == len(line.values):
            ends = [*enumerate(line.low), *reversed(list(enumerate(line.high)))]
            outline = " ".join(f"{x(point)},{y(value)}" for point, value in ends if value is not None)
            parts.append(f'<polygon class="interval {ink}" points="{outline}"/>')
        path = " ".join(f"{x(point)},{y(value)}" for point, value in enumerate(line.values) if value is not None)
        parts.append(f'<polyline class="curve {ink}" points="{path}"/>')
    for first, last, value in bounds:
        parts.append(
            f'<line class="bound" x1="{x(first - 0.5)}" x2="{x(last + 0.5)}" y1="{y(value)}" y2="{y(value)}"/>'
        )
    opening = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return "".join([opening, *parts, "</svg>"])


def _ticks(low: float, high: float) -> list[float]:
    """Round values from below *low* to above *high*."""
    span = max(high - low, LEAST_SPAN)
    rough = span / TICKS
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= rough)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(place * step, 6) + 0.0 for place in range(first, last + 1)]
