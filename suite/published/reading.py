"""What each claim would say of published curves, and why it mostly cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Final

from fixtures.flow import EVERY_LAYER, FIRST, IMAGE, LAST, MIDDLE, QUESTION, SECOND, Edge, default_width
from fixtures.statistics.evidence import Bound
from fixtures.statistics.stages import places
from fixtures.statistics.troughs import LEAST_RISE
from fixtures.statistics.wording import interval_in_words
from suite.published.intervals import Interval, Tube
from suite.published.source import PROBABILITY, Floats, PublishedCurve, PublishedSource
from suite.test_image_to_question import SECOND_TROUGH, SHARP_DROP
from suite.test_routes_to_last import NEGLIGIBLE, NEGLIGIBLE_SHARE, PRIMARILY, SIGNIFICANT

I_Q, I_L, Q_L, L_L = IMAGE >> QUESTION, IMAGE >> LAST, QUESTION >> LAST, LAST >> LAST
Tubes = Mapping[Edge, Tube]


@dataclass(frozen=True)
class ReadableClaim:
    """A claim that means and standard errors can decide."""

    edges: tuple[Edge, ...]
    bound: Bound
    unit: str
    """The unit of the statistic; empty for the unit of the curves."""
    statistic: Callable[[Tubes, int], Interval]
    """The statistic of the curves of `edges`, in a model of so many layers."""
    is_scale_free: bool = False
    """Whether the bound means the same in another measure."""


def second_prominence(tube: Tube, depth: int) -> Interval:
    """How far the second trough lies below its shoulders, see `fixtures.statistics.stages`.

    Where the mean curve shows a second trough in `SECOND`, its interval is that of its layers. Elsewhere there is
    none to read; the interval ends at the most that any layer of `SECOND` could lie below its shoulders.
    """
    first = int(tube.mean[list(FIRST.layers(depth))].argmin())
    most = max(_prominence(tube.high, tube.low, first, layer) for layer in SECOND.layers(depth))
    (second,) = places(tube.mean[None], FIRST.layers(depth), SECOND.layers(depth)).second
    if second < 0:
        return Interval(-LEAST_RISE, -LEAST_RISE, max(-LEAST_RISE, most))
    ends = ((tube.mean, tube.mean), (tube.low, tube.high), (tube.high, tube.low))
    return Interval(*(_prominence(shoulders, trough, first, int(second)) for shoulders, trough in ends))


def _prominence(shoulders: Floats, trough: Floats, first: int, second: int) -> float:
    before, after = shoulders[min(first + 1, second - 1) : second], shoulders[second + 1 :]
    return float(min(before.max(), after.max()) - trough[second])


READABLE: Final[Mapping[str, ReadableClaim]] = {
    "routes.last-to-itself-is-negligible": ReadableClaim(
        (L_L,), Bound(high=NEGLIGIBLE), "", lambda tubes, _: tubes[L_L].largest_change()
    ),
    "routes.question-to-last-is-significant": ReadableClaim(
        (Q_L,), Bound(low=SIGNIFICANT), "", lambda tubes, depth: tubes[Q_L].drop(EVERY_LAYER.layers(depth))
    ),
    "routes.question-to-last-in-the-middle": ReadableClaim(
        (Q_L,), Bound(low=PRIMARILY), "share", lambda tubes, depth: tubes[Q_L].share(MIDDLE.layers(depth)), True
    ),
    "routes.question-dominates-image": ReadableClaim(
        (Q_L, I_L),
        Bound(low=0.0, strict=True),
        "",
        lambda tubes, depth: tubes[Q_L].drop(EVERY_LAYER.layers(depth)) - tubes[I_L].largest_change(),
        True,
    ),
    "routes.image-to-last-is-not-significant": ReadableClaim(
        (I_L,), Bound(high=SIGNIFICANT), "", lambda tubes, _: tubes[I_L].largest_change()
    ),
    "routes.direct-image-path-is-negligible-beside-indirect": ReadableClaim(
        (I_L, I_Q),
        Bound(high=0.0, strict=True),
        "",
        lambda tubes, depth: (
            tubes[I_L].largest_change() - NEGLIGIBLE_SHARE * tubes[I_Q].drop(EVERY_LAYER.layers(depth))
        ),
        True,
    ),
    "stages.early-drop": ReadableClaim(
        (I_Q,), Bound(low=SHARP_DROP), "", lambda tubes, depth: tubes[I_Q].drop(FIRST.layers(depth))
    ),
    "stages.second-drop": ReadableClaim(
        (I_Q,), Bound(low=SECOND_TROUGH, strict=True), "", lambda tubes, depth: second_prominence(tubes[I_Q], depth)
    ),
    "stages.image-to-question-precedes-question-to-last": ReadableClaim(
        (Q_L, I_Q),
        Bound(low=0.0, strict=True),
        "layers",
        lambda tubes, _: tubes[Q_L].centre() - tubes[I_Q].centre(),
        True,
    ),
}
"""The claims that can be read. The others need the questions, the lens, several tasks, or halves of the images."""

REST: Final = "Of no other claim can they say anything: they have no curve of its edges, or a mean is not enough."


@dataclass(frozen=True)
class Row:
    """What one claim would say of one source."""

    claim: str
    statistic: str
    bound: str
    would_say: str


def rows(source: PublishedSource) -> list[Row]:
    """What each claim of `READABLE` would say of a *source*, in the order of the register."""
    return [_row(source, claim, readable) for claim, readable in READABLE.items()]


def _row(source: PublishedSource, claim: str, readable: ReadableClaim) -> Row:
    bound = str(readable.bound)
    if absent := [edge for edge in readable.edges if source.curve(edge) is None]:
        return Row(claim, "-", bound, f"cannot say: no curve of {' or '.join(map(str, absent))}")
    curves = [curve for edge in readable.edges if (curve := source.curve(edge)) is not None]
    if any(curve.error is None for curve in curves):
        return Row(claim, "-", bound, "cannot say: no standard errors")
    tubes = {edge: Tube.around(curve, len(curves)) for edge, curve in zip(readable.edges, curves, strict=True)}
    interval = readable.statistic(tubes, source.layers)
    if isnan(interval.value):
        return Row(claim, "-", bound, "cannot say: nothing to locate")
    return Row(claim, _in_words(interval, readable.unit or source.unit), bound, _verdict(source, readable, interval))


def _verdict(source: PublishedSource, readable: ReadableClaim, interval: Interval) -> str:
    if source.measure != PROBABILITY and not readable.is_scale_free:
        return f"cannot say: a {source.measure} is no probability"
    width = default_width(source.layers)
    windows = "" if source.window == width else f", in windows of {source.window} for {width}"
    return readable.bound.verdict(interval.low, interval.high) + windows


def _in_words(interval: Interval, unit: str) -> str:
    decimals = 2 if unit == "share" else 1
    return interval_in_words(interval.value, interval.low, interval.high, "" if unit == "share" else unit, decimals)


def table_of_curves(sources: Mapping[str, PublishedSource]) -> str:
    """The curves of named *sources* in Markdown: the largest loss of each, with its layer and depth."""
    lines = [
        "| source | model | n | window | what is cut | largest loss | at layer | of depth | band |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_curve_line(name, source, curve) for name, source in sources.items() for curve in source.curves]
    return "\n".join(lines)


def _curve_line(name: str, source: PublishedSource, curve: PublishedCurve) -> str:
    layer = int(curve.mean.argmin())
    if curve.error is None:
        loss = f"{-curve.mean[layer]:.1f} {source.unit}, no interval"
    else:
        loss = _in_words(Tube.around(curve).drop(range(source.layers)), source.unit)
    known = curve.blocked if curve.edge else f"{curve.blocked} (no edge of this suite)"
    bands = [band.name for band in (FIRST, SECOND) if layer in band.layers(source.layers)]
    cells = (name, source.model, f"{source.n:,}", source.window, known, loss, layer, f"{layer / source.layers:.2f}")
    return f"| {' | '.join(map(str, cells))} | {bands[0] if bands else 'neither'} |"


def table_of_claims(sources: Mapping[str, PublishedSource]) -> str:
    """What each claim would say of each of the *sources* that has its curves, in Markdown."""
    lines = ["| claim | source | statistic | bound | would say |", "|---|---|---|---|---|"]
    lines += [
        f"| `{row.claim}` | {name} | {row.statistic} | {row.bound} | {row.would_say} |"
        for name, source in sources.items()
        for row in rows(source)
        if all(source.curve(edge) for edge in READABLE[row.claim].edges)
    ]
    return "\n".join((*lines, "", REST))
