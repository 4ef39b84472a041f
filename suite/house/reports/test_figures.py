"""Figures are vectors with a panel a task, the curves in them, and each claim's band and bound where they lie."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.textpath import TextPath

from reports.files.chart import Line, chart
from reports.files.figures import PLATES, STYLE, FigureFile, figures, file_name, in_words, lines, plates, stretches
from reports.ledger.curves import ReadingRecord
from suite.support.runs.ledgers import MEASURED, TASKS, curve, whole

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def paper_figures() -> list[FigureFile]:
    return list(figures(whole()))


@pytest.fixture
def in_svg_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws no PDF, whose fonts take longer than all else, for tests that read the SVG."""
    monkeypatch.setattr("reports.files.figures.FORMATS", ("svg",))


def words(figure: FigureFile) -> list[str]:
    elements = ElementTree.fromstring(figure.files["svg"]).iter(f"{SVG}text")
    return ["".join(element.itertext()) for element in elements]


def test_each_figure_of_the_paper_is_there_in_both_formats(paper_figures: list[FigureFile]) -> None:
    assert [figure.name for figure in paper_figures] == [f"miniature-figure-{number}" for number in "3456"]
    for figure in paper_figures:
        assert figure.files["svg"].startswith(b"<?xml")
        assert figure.files["pdf"].startswith(b"%PDF")


def test_each_has_six_panels_and_a_legend(paper_figures: list[FigureFile]) -> None:
    for figure in paper_figures:
        assert [word for word in words(figure) if word in TASKS] == list(TASKS[:-1])
    assert {"question → last", "image → last", "last → last"} <= set(words(paper_figures[0]))


@pytest.mark.usefixtures("in_svg_alone")
def test_the_claims_bound_and_band_are_drawn() -> None:
    curves = [curve()]
    (bare,) = plates("a", [("a", curves)])
    record = replace(MEASURED, parts=(), readings=(ReadingRecord("c(image->question)", 0, 1, -1),))
    (with_bound,) = plates("a", [("a", curves)], [record])
    (elsewhere,) = plates("a", [("a", curves)], [replace(record, figure="3")])
    assert elsewhere.files["svg"] == bare.files["svg"], "a claim stands in its own figure alone"
    strokes, more = (each.files["svg"].count(b"<path") for each in (bare, with_bound))
    assert more >= strokes + 2
    marks = {"a claim's bound", "depth that a claim reads"}
    assert marks & set(words(bare)) == set()
    assert marks <= set(words(with_bound))


def test_a_bound_lies_on_the_curve_that_it_is_about() -> None:
    drop, rise = ReadingRecord("c(image->question)", 0, 3, -1), ReadingRecord("c(image->question)", 0, 3, 1)
    assert list(lines([drop], ">= 40")) == [(drop, -40.0)]
    assert list(lines([drop, rise], "<= 5")) == [(drop, -5.0), (rise, 5.0)]
    assert list(lines([drop], "in [20, 40]")) == [(drop, -20.0), (drop, -40.0)]
    assert not list(lines([replace(drop, sign=0)], "> 0"))
    assert not list(lines([drop, replace(drop, curve="c(image->last)")], "> 0")), "a difference lies on neither curve"


def test_a_composite_claim_draws_each_of_its_parts() -> None:
    part = {"bound": "<= 5", "readings": [{"curve": "P(lowercase)", "first": 0, "last": 4, "sign": 1}]}
    assert (
        list(stretches(replace(MEASURED, parts=(part, part))))
        == [((ReadingRecord("P(lowercase)", 0, 4, 1),), "<= 5")] * 2
    )


@pytest.mark.usefixtures("in_svg_alone")
def test_two_models_are_laid_over_each_other() -> None:
    one, other = whole("one"), whole("other $x$ & <y>")
    both = replace(one, models=one.models + other.models, curves=one.curves + other.curves)
    together = [figure for figure in figures(both) if figure.name.startswith("together")]
    assert len(together) == 4
    assert {"one", "other $x$ & <y>"} <= set(words(together[1]))
    assert together[1].model == "one and other $x$ & <y>"


FINER = (
    "c(true-option->last)",
    "c(false-option->last)",
    "c(objects->last)",
    "c(question-without-options->last)",
    "c(image->options)",
    "c(image->objects)",
    "c(related->objects)",
)


@pytest.mark.usefixtures("in_svg_alone")
@pytest.mark.parametrize("panels", [1, 6])
@pytest.mark.parametrize("names", [*(plate.curves for plate in PLATES[:-1]), FINER], ids=[*"3456J"])
@pytest.mark.parametrize("models", [("a",), ("short", "a name that is longer than its figure is wide " * 5, "W" * 99)])
def test_the_legend_is_whole(names: tuple[str, ...], panels: int, models: tuple[str, ...]) -> None:
    curves = [replace(curve(name), task=task) for name in names for task in TASKS[:panels]]
    (figure,) = plates("a", [(model, curves) for model in models])
    drawing = ElementTree.fromstring(figure.files["svg"])
    _, _, width, height = map(float, drawing.attrib["viewBox"].split())
    (legend,) = (each for each in drawing.iter() if each.get("id") == "legend_1")
    samples = [each for each in legend.iter(f"{SVG}path") if "stroke" in each.get("style", "")]
    assert len(samples) == len(names) + (len(models) if len(models) > 1 else 0)
    assert all(each.get("d") for each in samples), "a sample outside of the figure is drawn without a path"
    for text in legend.iter(f"{SVG}text"):
        # A label of several lines is moved to its place; one of a single line also says where it starts.
        numbers = re.findall(r"-?[\d.]+", text.attrib["transform"])
        left, base = map(float, numbers[-2:])
        assert 0 <= left <= left + wide("".join(text.itertext())) <= width
        assert STYLE["font.size"] <= base <= height


def wide(text: str) -> float:
    """The width of *text* in the figures' font, in points."""
    return TextPath((0, 0), text, size=STYLE["font.size"]).get_extents().x1


@pytest.mark.usefixtures("in_svg_alone")
def test_models_of_different_depth_share_an_axis() -> None:
    shallow, deep = [curve(points=12)], [curve(points=40)]
    (figure,) = plates("a", [("a", shallow), ("b", deep)])
    assert "fraction of depth" in words(figure)


@pytest.mark.usefixtures("in_svg_alone")
def test_curves_of_no_other_figure_are_those_of_appendix_j() -> None:
    (figure,) = plates("a", [("a", [curve("c(true-option->last)")])])
    assert figure.name == "a-figure-J"
    assert "true-option → last" in words(figure)


def test_what_was_not_measured_is_not_drawn() -> None:
    assert not list(figures(replace(whole(), curves=())))


def test_gaps_and_constant_curves_can_be_drawn() -> None:
    nothing = replace(curve(), mean=(None,) * 14, low=(None,) * 14, high=(None,) * 14)
    assert list(plates("a", [("a", [nothing])]))
    assert in_words([nothing]) == ""
    assert in_words([curve()]) == "ChooseAttr c(image->question): -30 points at layer 1 of 14"


@pytest.mark.usefixtures("in_svg_alone")
def test_the_same_ledger_gives_the_same_files(paper_figures: list[FigureFile]) -> None:
    assert [figure.files["svg"] for figure in figures(whole())] == [figure.files["svg"] for figure in paper_figures]


@pytest.mark.parametrize("setting", ["figure.autolayout", "figure.constrained_layout.use"])
def test_a_users_settings_lay_nothing_out_again(paper_figures: list[FigureFile], setting: str) -> None:
    plotting: Any = matplotlib
    with plotting.rc_context({setting: True}):
        assert list(figures(whole())) == paper_figures


def test_no_model_names_a_path() -> None:
    assert file_name("llava-1.5-7b") == "llava-1.5-7b"
    hostile = [file_name(name) for name in ("../../etc", "a/b", "a b", "a-b", "", "~", "été")]
    assert len(set(hostile)) == len(hostile)
    assert not any("/" in name or name.startswith(".") or not name for name in hostile)


def test_a_chart_keeps_inside_its_box_and_escapes() -> None:
    svg = chart([Line("a", (0.0, -120.0, 3.0), (0.0,) * 3, (1.0,) * 3)], '<script>"', unit="&", bounds=[(0, 1, -200.0)])
    box = ElementTree.fromstring(svg)
    assert box.attrib["aria-label"] == '<script>"'
    ends = [float(each.attrib["y1"]) for each in box.iter("line")]
    assert min(ends) >= 0
    assert max(ends) <= 190


@pytest.mark.parametrize("values", [(0.0,) * 5, (1e-9,) * 5, (1e12, -1e12), (None, 1.0), (-0.004, 0.0)])
def test_any_curve_has_a_chart(values: tuple[float | None, ...]) -> None:
    assert ElementTree.fromstring(chart([Line("a", values)], "a", unit="%")).tag == "svg"


def test_nothing_has_no_chart() -> None:
    assert not chart([], "a", unit="%")
    assert not chart([Line("a", (None, None))], "a", unit="%")
