"""A run as one page that needs no network and no other file; every text in it is escaped, and no text is trusted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from reports.files.chart import Line, chart
from reports.files.figures import FigureFile, curve_in_words, lines, stretches
from reports.ledger.curves import CurveRecord, Example
from reports.ledger.ledger import Ledger
from reports.ledger.record import EVERY_TASK, Record, task_order
from reports.ledger.strict_json import as_json
from reports.text.numbers import bound, effect, p_value
from reports.text.remarks import cut_short, left_out
from reports.text.tables import part_line, tally, word

TEMPLATES = Path(__file__).with_name("template")

UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that show nothing and may turn others around; they are named instead."""

NOTHING_DRAWN = ""
ON_ONE_LINE = 10**6
"""Columns: a browser breaks lines itself."""


@dataclass(frozen=True)
class ClaimRow:
    """A record with its place in the page, and its curve."""

    id: str
    record: Record
    word: str
    effect: str
    bound: str
    p: str
    chart: str
    legend: tuple[str, ...]
    parts: tuple[str, ...]


def page(ledger: Ledger, figures: Sequence[FigureFile] = ()) -> str:
    """The whole of *ledger*, with its *figures*, as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        return value if isinstance(value, Markup) else seen(value)

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    curves = {(curve.model, curve.task, curve.name): curve for curve in ledger.curves}
    rows = [_row(place, record, curves) for place, record in enumerate(ledger.records)]
    context: dict[str, Any] = {
        "ledger": ledger,
        "tally": tally(ledger.records).removeprefix("claims: "),
        "models": [model.name for model in ledger.models],
        "tasks": sorted({record.task for record in ledger.records}, key=task_order),
        "topics": [(topic, _by_claim(of_topic)) for topic, of_topic in groupby(rows, _topic)],
        "figures": [
            (figure, _data("image/svg+xml", figure.files["svg"])) for figure in figures if "svg" in figure.files
        ],
        "examples": [(example, _example_charts(example)) for example in ledger.examples if example.kept],
        "missed": [example for example in ledger.examples if not example.kept],
        "left_out": left_out(ledger.measurements, ON_ONE_LINE),
        "cut_short": cut_short(ledger.unfinished, ON_ONE_LINE),
        "style": Markup(style),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "picture": picture,
        "markup": Markup,
    }
    return environment.get_template("page.jinja").render(context)


def seen(text: object) -> str:
    """*text* with each character that shows nothing by its number, such as [U+202E]."""
    return UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", str(text))


def picture(example: Example) -> str:
    """The thumbnail as an address that holds it; empty where there is none, or none that is base64."""
    try:
        return _data("image/jpeg", base64.b64decode(example.thumbnail, validate=True)) if example.thumbnail else ""
    except (binascii.Error, ValueError):
        return ""


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _topic(row: ClaimRow) -> str:
    return row.record.claim.partition(".")[0]


def _by_claim(rows: Iterable[ClaimRow]) -> list[tuple[str, list[ClaimRow]]]:
    return [(claim, list(of_claim)) for claim, of_claim in groupby(rows, lambda row: row.record.claim)]


def _row(place: int, record: Record, curves: dict[tuple[str, str, str], CurveRecord]) -> ClaimRow:
    fields = as_json(record)
    drawing, legend = _record_chart(record, curves)
    return ClaimRow(
        id=f"r{place}",
        record=record,
        word=word(record),
        effect=effect(fields),
        bound=bound(fields),
        p=p_value(record.p, record.p_holm),
        chart=drawing,
        legend=legend,
        parts=tuple(f"{part.get('verdict')}: {part_line(part)}" for part in record.parts),
    )


def _record_chart(record: Record, curves: dict[tuple[str, str, str], CurveRecord]) -> tuple[str, tuple[str, ...]]:
    """A chart of the curves that *record* was read from, with the stretches and the bounds, and the lines' names."""
    statistics = [(readings, needed) for readings, needed in stretches(record) if readings]
    names = list(dict.fromkeys(reading.curve for readings, _ in statistics for reading in readings))
    if record.task == EVERY_TASK:
        # All tasks together have no curve: the first curve that was read is drawn for each task.
        selected = [curve for (model, _, name), curve in curves.items() if model == record.model and name in names[:1]]
        chart_lines = [Line(curve.task, curve.mean) for curve in selected]
    else:
        selected = [curves[key] for name in names if (key := (record.model, record.task, name)) in curves]
        chart_lines = [Line(curve_in_words(curve.name), curve.mean, curve.low, curve.high) for curve in selected]
    if not selected:
        return NOTHING_DRAWN, ()
    whole = (0, len(selected[0].mean) - 1)
    bands = {(reading.first, reading.last) for readings, _ in statistics for reading in readings} - {whole}
    bounds = [(line.first, line.last, value) for statistic in statistics for line, value in lines(*statistic)]
    unit = "relative change (%)" if selected[0].kind == "knockout" else "probability (%)"
    label = f"{record.claim}, {record.model}, {record.task}: " + "; ".join(map(_in_words, selected))
    drawing = chart(chart_lines, seen(label), unit=unit, bands=bands, bounds=bounds)
    return drawing, tuple(seen(line.name) for line in chart_lines)


def _in_words(curve: CurveRecord) -> str:
    points = [(value, place) for place, value in enumerate(curve.mean) if value is not None]
    if not points:
        return f"{curve_in_words(curve.name)}: nothing"
    value, place = max(points, key=lambda point: abs(point[0]))
    return (
        f"{curve_in_words(curve.name)} is {value:g} at layer {place} of {curve.layers}, where it is farthest from zero"
    )


def _example_charts(example: Example) -> list[tuple[str, tuple[str, ...]]]:
    """An example's own knockouts, and its own lens, each as a chart and its lines' names."""
    charts: list[tuple[str, tuple[str, ...]]] = []
    for is_lens, unit in ((False, "relative change (%)"), (True, "probability (%)")):
        own = [
            Line(curve_in_words(name), values)
            for name, values in example.curves.items()
            if name.startswith("P(") == is_lens
        ]
        drawing = chart(own, seen(f"{unit} of question {example.id}, by layer"), unit=unit)
        if drawing:
            charts.append((drawing, tuple(seen(line.name) for line in own)))
    return charts
