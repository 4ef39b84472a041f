"""Published curves are read as what they are, with intervals that hold, and never as another edge or measure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.flow import EVERY_LAYER, FIRST, IMAGE, LAST, MIDDLE, QUESTION
from fixtures.statistics.stages import Stages
from suite.published.__main__ import DATA, main
from suite.published.intervals import Tube
from suite.published.reading import READABLE, rows, second_prominence
from suite.published.source import PublishedCurve, PublishedSource, read_source
from suite.support.curves.stages import LAYERS, MIDDLE_STAGE, TWO_STAGES, Array, exact
from suite.support.repository import REFERENCE, SUITE

HEADING = "## What published curves would say"
SMALL = 0.01
"""A standard error in points that decides nothing."""


def curve(start: str, target: str, mean: Array, error: float | None = SMALL) -> PublishedCurve:
    edge = {"image->question": IMAGE >> QUESTION, "image->last": IMAGE >> LAST, "question->last": QUESTION >> LAST}
    name = f"{start}->{target}"
    return PublishedCurve(name, edge.get(name), mean, None if error is None else np.full(len(mean), error))


def source(*curves: PublishedCurve, **changes: Any) -> PublishedSource:
    return replace(PublishedSource("here", "a model", LAYERS, 900, 9, "probability", curves), **changes)


def said(of: PublishedSource) -> dict[str, str]:
    return {row.claim: row.would_say for row in rows(of)}


PAPER = source(
    curve("image", "question", TWO_STAGES),
    curve("question", "last", MIDDLE_STAGE),
    curve("image", "last", 0 * TWO_STAGES),
)


# ---- what is planted, what is not there, and what is known


def test_a_model_that_does_what_the_paper_says_is_read_so() -> None:
    verdicts = said(PAPER)
    assert verdicts.pop("routes.last-to-itself-is-negligible") == "cannot say: no curve of last->last"
    assert set(verdicts.values()) == {"holds"}


def test_curves_without_an_effect_fail_or_say_nothing() -> None:
    flat = replace(PAPER, curves=tuple(replace(each, mean=0 * each.mean) for each in PAPER.curves))
    verdicts = said(flat)
    for claim in ("stages.early-drop", "routes.question-to-last-is-significant", "stages.second-drop"):
        assert verdicts[claim] == "fails"
    wide = replace(flat, curves=tuple(replace(each, error=np.full(LAYERS, 20.0)) for each in flat.curves))
    assert "holds" not in said(wide).values()


@pytest.mark.parametrize("mean", [TWO_STAGES, MIDDLE_STAGE])
def test_without_errors_each_number_is_that_of_a_measured_curve(mean: Array) -> None:
    tube, measured = Tube.around(curve("image", "question", mean, 1e-9)), exact(mean)
    for interval, effect in (
        (tube.drop(EVERY_LAYER.layers(LAYERS)), measured.drop()),
        (tube.drop(FIRST.layers(LAYERS)), measured.drop(FIRST)),
        (tube.largest_change(), measured.largest_change()),
        (tube.share(MIDDLE.layers(LAYERS)), measured.share(MIDDLE)),
        (tube.centre(), measured.centre()),
    ):
        assert (interval.low, interval.value, interval.high) == pytest.approx((effect.value,) * 3, abs=1e-5), effect


def test_a_second_trough_is_read_where_the_mean_shows_one() -> None:
    two, one = (curve("image", "question", mean, 1e-9) for mean in (TWO_STAGES, MIDDLE_STAGE))
    interval = second_prominence(Tube.around(two), LAYERS)
    assert (interval.low, interval.value, interval.high) == pytest.approx((21, 21, 21), abs=1e-5)
    nothing = second_prominence(Tube.around(one), LAYERS)
    assert nothing.value == nothing.low == Stages(exact(MIDDLE_STAGE)).prominence().value
    assert nothing.high == pytest.approx(30), "an edge of another trough lies in the band, and a mean cannot tell it"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_lies_in_the_tube_lies_in_the_intervals(seed: int) -> None:
    draw = np.random.default_rng(seed)
    mean, error = draw.normal(-10, 15, 12), draw.uniform(0.1, 4, 12)
    tube = Tube.around(PublishedCurve("image->question", IMAGE >> QUESTION, mean, error))
    inside = draw.uniform(tube.low, tube.high)
    other = Tube(inside, inside, inside)
    layers = range(3, 9)
    for wide, number in (
        (tube.drop(layers), other.drop(layers)),
        (tube.largest_change(), other.largest_change()),
        (tube.share(layers), other.share(layers)),
        (tube.centre(), other.centre()),
    ):
        assert wide.low - 1e-9 <= number.value <= wide.high + 1e-9
        assert wide.low - 1e-9 <= wide.value <= wide.high + 1e-9


def test_the_means_of_samples_lie_in_their_intervals() -> None:
    draw, error, missed = np.random.default_rng(0), 2.0, 0
    for _ in range(400):
        mean = TWO_STAGES + draw.normal(0, error, LAYERS)
        interval = Tube.around(curve("image", "question", mean, error)).drop(FIRST.layers(LAYERS))
        missed += not interval.low <= 60 <= interval.high
    assert missed <= 20


# ---- what is refused


def test_an_edge_is_never_read_as_another() -> None:
    alike = source(curve("image", "all-text", TWO_STAGES))
    assert alike.curves[0].edge is None
    assert {verdict.partition(":")[0] for verdict in said(alike).values()} == {"cannot say"}
    assert said(alike)["stages.early-drop"] == "cannot say: no curve of image->question"


def test_a_bound_in_points_says_nothing_of_another_measure() -> None:
    margins = said(replace(PAPER, measure="margin"))
    assert margins["stages.early-drop"] == "cannot say: a margin is no probability"
    assert margins["stages.image-to-question-precedes-question-to-last"] == "holds"


def test_other_windows_are_named_and_no_error_is_no_interval() -> None:
    assert said(replace(PAPER, window=1))["stages.early-drop"] == "holds, in windows of 1 for 9"
    unsure = replace(PAPER, curves=tuple(replace(each, error=None) for each in PAPER.curves))
    assert said(unsure)["stages.early-drop"] == "cannot say: no standard errors"


FILE = {
    "source": "s", "model": "m", "layers": 2, "n": 9, "window": 1, "measure": "margin", "base": 4.0,
    "curves": [{"from": "image", "to": "last", "mean": [1.0, -2.0], "se": [0.1, 0.2]}],
}  # fmt: skip


def test_a_loss_of_margin_is_divided_by_its_base(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(json.dumps(FILE), encoding="utf-8")
    (read,) = read_source(tmp_path / "file.json").curves
    assert read.edge == IMAGE >> LAST
    assert read.mean.tolist() == [-25.0, 50.0]
    assert read.error is not None
    assert read.error.tolist() == [2.5, 5.0]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"measure": "vibes"}, "measure 'vibes' is unknown: known are probability, margin, accuracy"),
        ({"base": 0}, "base 0 is no margin"),
        ({"layers": 3}, "mean of image->last has not 3 numbers"),
        ({"n": 0}, "n 0 is no whole number above 0"),
        ({"curves": [{"from": "image", "to": "last", "mean": [1.0, 2.0], "se": [-1.0, 0.0]}]}, "has a negative number"),
        ({"curves": [{"from": "image", "mean": [1.0, 2.0]}]}, "to is missing; a file has source, model, layers"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_a_file_has(
    change: dict[str, Any], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.json").write_text(json.dumps({**FILE, **change}), encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "file.json")])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("name", "complaint"), [("nowhere.json", "No such file"), ("text.json", "is no JSON")])
def test_a_file_that_is_none_is_named(
    name: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.json").write_text("curves", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / name)])
    assert complaint in capsys.readouterr().err


# ---- what is documented


def section() -> str:
    return (SUITE / "README.md").read_text(encoding="utf-8").split(f"{HEADING}\n", 1)[1].split("\n## ", 1)[0]


def test_the_tables_in_the_documentation_are_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert capsys.readouterr().out.strip() in section()


def test_every_claim_that_is_read_is_in_the_register() -> None:
    registered = (SUITE / "test_routes_to_last.py").read_text("utf-8") + (
        SUITE / "test_image_to_question.py"
    ).read_text("utf-8")
    assert all(f'"{claim}"' in registered for claim in READABLE)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the sources' own files are not part of this repository")
def test_the_numbers_are_those_of_their_sources() -> None:
    published = json.loads((REFERENCE / "single-layer_curves_of_three_models.json").read_text(encoding="utf-8"))
    for model in ("llava-1.5-7b", "llava-v1.6-vicuna-7b", "gemma-3-4b-it"):
        file = json.loads((DATA / f"{model}_clevr-lite.json").read_text(encoding="utf-8"))
        assert (file["n"], file["base"]) == (published[model]["n"], pytest.approx(published[model]["base"], abs=1e-4))
        for each in file["curves"]:
            original = published[model][f"{each['from']}->{each['to']}"]
            assert each["mean"] == pytest.approx(original["mean"], abs=1e-5)
            assert (each["se"] is None) == ("se" not in original)
            assert each["se"] is None or each["se"] == pytest.approx(original["se"], abs=1e-6)
