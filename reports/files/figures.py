"""The paper's figures 3 to 6 for a run: a panel for each task, with intervals as bands and the claims' bounds."""

from __future__ import annotations

import hashlib
import io
import re
import textwrap
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from reports.ledger.curves import CurveRecord, ReadingRecord
from reports.ledger.ledger import Ledger
from reports.ledger.record import Record, task_order
from reports.text.numbers import ends

FORMATS = ("svg", "pdf")
"""Vectors alone: for a page, and for a paper."""

COLUMNS = 3
PANEL = (3.2, 2.3)
"""Inches: three panels fill the width of a page."""

HEAD = 0.45
"""Inches for the title, above the panels."""

MOST_SAMPLES = 5
"""Samples in a row of the legend, however wide the figure: more are hard to tell from each other."""

TITLE_CHARACTERS = 11
"""Characters of average width in an inch of a figure's title."""

LONGEST_LABEL = 50
"""Characters in a line of the legend: of the widest letters they still fit the narrowest figure."""

STYLE: Mapping[str, Any] = {
    "figure.autolayout": False,  # it lays figures out itself, whatever a user's matplotlibrc says
    "figure.constrained_layout.use": False,
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,  # text stays text, which journals ask for
    "svg.fonttype": "none",
    "svg.hashsalt": "crossmodal-flow",  # the same figure is the same file
    "text.parse_math": False,  # a model may have a $ in its name
}

INK = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that the colour-blind tell apart (Okabe and Ito, 2008); each curve also has its own stroke."""

STROKES = ("-", "--", "-.", (0, (3, 1, 1, 1, 1, 1)))
BOUND = (0, (1, 1.5))
"""Dots are a bound's alone."""
SHADE: Mapping[str, Any] = {"color": "#777777", "alpha": 0.1, "linewidth": 0}

Mark: TypeAlias = Literal["bound", "shade"]
"""What claims add to the curves."""

Series: TypeAlias = "tuple[str, Sequence[CurveRecord]]"
"""A label, and the curves of the model or run that it names."""


@dataclass(frozen=True)
class Plate:
    """A figure of the paper: which curves it shows."""

    number: str
    title: str
    curves: tuple[str, ...]
    """The names of the curves; empty for all knockouts that no other figure shows."""

    @property
    def is_lens(self) -> bool:
        return self.curves[:1] == ("P(lowercase)",)


PLATES = (
    Plate("3", "what the last position reads", ("c(question->last)", "c(image->last)", "c(last->last)")),
    Plate("4", "the image into the question", ("c(image->question)",)),
    Plate("5", "related and other patches into the question", ("c(related->question)", "c(other->question)")),
    Plate(
        "6",
        "the answer at the last position",
        ("P(lowercase)", "P(capitalized)", "P(false_lowercase)", "P(false_capitalized)"),
    ),
    Plate("J", "finer routes (appendix J)", ()),
)


@dataclass(frozen=True)
class FigureFile:
    """A figure as a file: its name without the format, its bytes by format, and what it shows in words."""

    name: str
    title: str
    model: str
    text: str
    files: Mapping[str, bytes]


def figures(ledger: Ledger) -> Iterator[FigureFile]:
    """Every figure of every model in *ledger* and, of several models, each figure with all of them in it."""
    models = [model.name for model in ledger.models]
    of_model = {name: [curve for curve in ledger.curves if curve.model == name] for name in models}
    for name in models:
        records = [record for record in ledger.records if record.model == name]
        yield from plates(file_name(name), [(name, of_model[name])], records)
    measured = [(name, curves) for name, curves in of_model.items() if curves]
    if len(measured) > 1:
        yield from plates("together", measured)


def plates(prefix: str, series: Sequence[Series], records: Sequence[Record] = ()) -> Iterator[FigureFile]:
    """Each figure of the paper of which *series* have a curve, with the bands and bounds of the claims in *records*."""
    for plate in PLATES:
        content = [(name, _on(plate, curves)) for name, curves in series]
        if any(curves for _, curves in content):
            models = " and ".join(name for name, curves in content if curves)
            yield FigureFile(
                name=f"{prefix}-figure-{plate.number}",
                title=f"Figure {plate.number}: {plate.title}",
                model=models,
                text=in_words(curve for _, curves in content for curve in curves),
                files=_draw(plate, content, [record for record in records if record.figure == plate.number], models),
            )


def in_words(curves: Iterable[CurveRecord]) -> str:
    """What curves show, in words: the largest change or the peak of each."""
    phrases: list[str] = []
    for curve in curves:
        points = [(value, place) for place, value in enumerate(curve.mean) if value is not None]
        if points:
            value, place = max(points, key=lambda point: abs(point[0]))
            unit = "points" if curve.kind == "knockout" else "%"
            phrases.append(f"{curve.task} {curve.name}: {value:g} {unit} at layer {place} of {curve.layers}")
    return "; ".join(phrases)


def curve_in_words(curve: str) -> str:
    """A curve's name as people read it: c(image->question) is image → question."""
    return curve.removeprefix("c(").removesuffix(")").replace("->", " → ") if curve.startswith("c(") else curve


def file_name(model: str) -> str:
    """A file's name for *model*, distinct for each."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")
    digest = hashlib.sha256(model.encode()).hexdigest()[:6]
    return plain if plain and plain == model else f"{plain}-{digest}".lstrip("-")


def _on(plate: Plate, curves: Sequence[CurveRecord]) -> list[CurveRecord]:
    named = {name for other in PLATES for name in other.curves}
    if not plate.curves:
        return [curve for curve in curves if curve.kind == "knockout" and curve.name not in named]
    return [curve for name in plate.curves for curve in curves if curve.name == name]


def _draw(plate: Plate, series: Sequence[Series], records: Sequence[Record], models: str) -> dict[str, bytes]:
    from matplotlib.figure import Figure

    curves = [curve for _, of_series in series for curve in of_series]
    tasks = sorted({curve.task for curve in curves}, key=task_order)
    names = list(dict.fromkeys(curve.name for curve in curves))
    rows, columns = -(-len(tasks) // COLUMNS), min(COLUMNS, len(tasks))
    # A name may hold what no font has: it is drawn as a box, and the run does not fail.
    with _styled(), warnings.catch_warnings(action="ignore"):
        width, height = max(columns * PANEL[0], 2 * PANEL[0]), rows * PANEL[1] + HEAD
        figure: Any = Figure(figsize=(width, height), layout="constrained")
        panels: list[Any] = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for panel in panels[len(tasks) :]:
            panel.remove()
        deep = len({curve.layers for curve in curves}) > 1
        marks: set[Mark] = set()
        for panel, task in zip(panels, tasks, strict=False):
            panel.set_title(task, loc="left")
            panel.axhline(0, color="#888888", linewidth=0.6)
            here = {curve.name: curve for curve in curves if curve.task == task}
            marks |= _claims(panel, (record for record in records if record.task == task), here, names)
            for place, (_, of_series) in enumerate(series):
                for curve in (curve for curve in of_series if curve.task == task):
                    _curve(panel, curve, names.index(curve.name), place if len(series) > 1 else None, deep)
            panel.xaxis.get_major_locator().set_params(integer=not deep)
            panel.set_xlabel("fraction of depth" if deep else "layer")
        for panel in panels[: len(tasks) : columns]:
            panel.set_ylabel("probability (%)" if plate.is_lens else "relative change (%)")
        title = textwrap.fill(f"{models}: {plate.title}", int(width * TITLE_CHARACTERS))
        figure.suptitle(title, fontsize=10, x=0.01, ha="left")
        handles = _legend(names, [name for name, _ in series], marks)
        figure.set_size_inches(width, height + _below(figure, handles))
        figure.get_layout_engine().execute(figure)
        figure.set_layout_engine(None)  # laid out once: each format would do it again
        return {kind: _saved(figure, kind) for kind in FORMATS}


def _styled() -> AbstractContextManager[None]:
    import matplotlib

    plotting: Any = matplotlib
    return plotting.rc_context(dict(STYLE))


def _curve(panel: Any, curve: CurveRecord, name: int, series: int | None, deep: bool) -> None:
    """A line with its interval; the strokes tell several series apart, or the curves of one series."""
    scale = 1 / curve.layers if deep and curve.layers else 1
    places = [place * scale for place in range(len(curve.mean))]
    values, low, high = (list(map(_or_gap, values)) for values in (curve.mean, curve.low, curve.high))
    ink, stroke = INK[name % len(INK)], STROKES[(name if series is None else series) % len(STROKES)]
    panel.fill_between(places, low, high, color=ink, alpha=0.15 if series is None else 0.08, linewidth=0)
    panel.plot(places, values, color=ink, linestyle=stroke)


def _claims(
    panel: Any, records: Iterable[Record], curves: Mapping[str, CurveRecord], names: Sequence[str]
) -> set[Mark]:
    """Shade what claims read, and draw each bound in its curve's colour; returns the kinds of marks in the panel."""
    marks: set[Mark] = set()
    statistics = [statistic for record in records for statistic in stretches(record)]
    parts = {
        (reading.first, reading.last) for readings, _ in statistics for reading in readings if reading.curve in curves
    }
    whole = {(0, len(curve.mean) - 1) for curve in curves.values()}
    for first, last in sorted(parts - whole):
        panel.axvspan(first - 0.5, last + 0.5, **SHADE)
        marks.add("shade")
    for reading, bound in sorted({line for statistic in statistics for line in lines(*statistic)}, key=str):
        if reading.curve in curves:
            ink = INK[names.index(reading.curve) % len(INK)]
            panel.hlines(bound, reading.first - 0.5, reading.last + 0.5, colors=ink, linestyles=BOUND, linewidth=1.1)
            marks.add("bound")
    return marks


def stretches(record: Record) -> Iterator[tuple[tuple[ReadingRecord, ...], str]]:
    """The readings of each statistic of *record*, with its bound."""
    if not record.parts:
        yield record.readings, record.bound
    for part in record.parts:
        readings = part.get("readings")
        entries = readings if isinstance(readings, list) else []
        yield tuple(ReadingRecord.from_json(entry) for entry in entries), str(part.get("bound") or "")


def lines(readings: Sequence[ReadingRecord], bound: str) -> Iterator[tuple[ReadingRecord, float]]:
    """Where a bound lies on the curve that the statistic is read from; nothing where it is read from several curves."""
    if len({reading.curve for reading in readings}) == 1:
        for reading in readings:
            if reading.sign:
                yield from ((reading, reading.sign * end) for end in ends(bound))


def _legend(names: Sequence[str], series: Sequence[str], marks: Collection[Mark]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    alone = len(series) == 1
    handles = [
        Line2D(
            [],
            [],
            color=INK[place % len(INK)],
            linestyle=STROKES[place % len(STROKES)] if alone else "-",
            label=_folded(curve_in_words(name)),
        )
        for place, name in enumerate(names)
    ]
    if alone:
        samples = {
            "bound": Line2D([], [], color="#555555", linestyle=BOUND, label="a claim's bound"),
            "shade": Patch(**SHADE, label="depth that a claim reads"),
        }
        return [*handles, *(handle for mark, handle in samples.items() if mark in marks)]
    strokes = (
        Line2D([], [], color="#555555", linestyle=STROKES[i % 4], label=_folded(name)) for i, name in enumerate(series)
    )
    return [*handles, *strokes]


def _folded(label: str) -> str:
    return textwrap.fill(label, LONGEST_LABEL)


def _below(figure: Any, handles: Sequence[Any]) -> float:
    """Put a legend of as many columns as fit below the panels of *figure*; its height in inches."""
    for columns in range(min(MOST_SAMPLES, len(handles)), 0, -1):
        legend = figure.legend(handles=handles, loc="outside lower center", ncols=columns)
        box = legend.get_window_extent()
        if box.width <= figure.bbox.width or columns == 1:
            return box.height / figure.dpi
        legend.remove()
    return 0.0


def _saved(figure: Any, kind: str) -> bytes:
    file = io.BytesIO()
    undated = {"Date": None} if kind == "svg" else {"CreationDate": None}
    figure.savefig(file, format=kind, metadata=undated, transparent=False)
    return file.getvalue()


def _or_gap(value: float | None) -> float:
    return float("nan") if value is None else value
