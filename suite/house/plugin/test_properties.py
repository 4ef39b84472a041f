"""A report draws the measurement's own mean curves and first questions, small enough to send between processes."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fixtures.bench import measurement_file
from fixtures.flow import IMAGE, QUESTION
from fixtures.measurement import Measurement
from fixtures.models.geometry import Preprocessing, geometry
from fixtures.models.layout import Layout, Tile, rectangles
from fixtures.plugin import properties
from fixtures.question import FilePicture, Object, Question
from fixtures.tasks import questions
from suite.support.runs import stand_in_model as stand_in

ASKED = questions("ChooseAttr", n=24)
EDGE = IMAGE >> QUESTION


def measurement_of(seed: int = 0) -> Measurement:
    """A measurement of 24 questions with different drops, the second question answered wrongly."""
    made_up = stand_in.measure(type("Subject", (), {"name": "a model"}), ASKED, [EDGE], lens=True)
    right = np.arange(len(ASKED)) != 1
    correct_questions = tuple(question for question, is_right in zip(ASKED, right, strict=True) if is_right)
    drops = np.random.default_rng(seed).uniform(0, 1, (len(correct_questions), stand_in.LAYERS))
    answers = ("wrong" if place == 1 else question.answer for place, question in enumerate(ASKED))
    return replace(
        made_up,
        correct=right,
        answers=tuple(answers),
        questions=correct_questions,
        baseline=np.full(len(correct_questions), 0.5),
        knocked={EDGE: 0.5 * (1 - drops)},
        lenses={form: values[right] for form, values in made_up.lenses.items()},
        ranks={form: values[right] for form, values in made_up.ranks.items()},
        scores={name: values[right] for name, values in made_up.scores.items()},
        patches={correct_questions[0].id: ((0.0, 0.0, 8.0, 8.0),)},
    )


def properties_of(measurement: Measurement) -> dict[str, Any]:
    return properties.exhibit(measurement, ASKED)


def test_curves_are_the_means_with_an_interval_of_each_point() -> None:
    measurement = measurement_of()
    knockout, *lenses = properties_of(measurement)["curves"]
    assert (knockout["name"], knockout["n"]) == (f"c({EDGE})", 23)
    assert knockout["mean"] == pytest.approx(measurement.curve(EDGE).values.mean(axis=0), abs=0.01)
    for low, mean, high in zip(knockout["low"], knockout["mean"], knockout["high"], strict=True):
        assert low < mean < high
    assert [lens["name"] for lens in lenses] == [
        "P(lowercase)",
        "P(capitalized)",
        "P(false_lowercase)",
        "P(false_capitalized)",
    ]
    assert lenses[0]["mean"][-1] == 100, "a lens is told in percent"


def test_examples_are_the_first_that_were_kept_and_none_is_picked() -> None:
    measurement = measurement_of()
    examples = properties_of(measurement)["examples"]
    assert [each["id"] for each in examples] == [
        question.id for question in measurement.questions[: properties.EXAMPLES]
    ]
    assert examples[0]["patches"] == [[0.0, 0.0, 8.0, 8.0]]
    assert examples[0]["boxes"][0]["name"] == measurement.questions[0].objects[0].name
    assert examples[1]["curves"][f"c({EDGE})"] == pytest.approx(measurement.curve(EDGE).values[1], abs=0.01)


def test_what_was_answered_otherwise_is_told_with_the_answer() -> None:
    assert properties_of(measurement_of())["missed"] == [
        {"id": ASKED[1].id, "text": ASKED[1].text, "answer": ASKED[1].answer, "said": "wrong"}
    ]


def test_without_pictures_it_is_the_same_but_for_them() -> None:
    bare = properties.exhibit(measurement_of(), ())
    assert {each.pop("thumbnail") for each in bare["examples"]} == {""}
    properties_with_pictures = properties_of(measurement_of())
    assert all(each.pop("thumbnail") for each in properties_with_pictures["examples"])
    assert bare == properties_with_pictures


def test_it_is_plain_json_and_each_measurement_is_told_once() -> None:
    keys: set[tuple[str, ...]] = set()
    whole, single = (
        {("a model", "ChooseAttr"): measurement_of()},
        {("a model", "ChooseAttr", str(EDGE)): measurement_of(1)},
    )
    first, second = properties.exhibits(whole, single, keys, lambda _: ASKED)
    assert json.loads(json.dumps([first, second], allow_nan=False)) == [first, second]
    assert second["examples"] == second["missed"] == []
    assert not list(properties.exhibits(whole, single, keys, lambda _: ASKED))


def test_a_model_that_answers_nothing_has_nothing_to_draw() -> None:
    nothing = replace(
        measurement_of(),
        questions=(),
        correct=np.zeros(24, dtype=np.bool_),
        baseline=np.zeros(0),
        knocked={},
        lenses={},
    )
    drawing = properties_of(nothing)
    assert (drawing["curves"], drawing["examples"]) == ([], [])
    assert len(drawing["missed"]) == properties.MISSED


def picture(path: Path, size: tuple[int, int]) -> Question:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path / "1.png")
    return replace(ASKED[0], image_size=size, picture=FilePicture(path / "1.png"))


def test_even_noise_becomes_a_thumbnail_that_is_light(tmp_path: Path) -> None:
    content = base64.b64decode(properties.thumbnail(picture(tmp_path, (1600, 1200))))
    assert 0 < len(content) <= properties.HEAVIEST
    image = Image.open(io.BytesIO(content))
    assert max(image.size) <= properties.LONGEST_SIDE
    assert image.size[0] / image.size[1] == pytest.approx(4 / 3, abs=0.02)


def test_a_picture_that_is_missing_is_left_out(tmp_path: Path) -> None:
    assert not properties.thumbnail(replace(ASKED[0], picture=FilePicture(tmp_path / "none.png")))


def naming(*boxes: tuple[float, float, float, float] | None) -> Question:
    return replace(ASKED[0], objects=tuple(Object("thing", box) for box in boxes))


def tile(preprocessing: Preprocessing, size: tuple[int, int], patch: int, is_base: bool = False) -> Tile:
    grid = geometry(preprocessing, size, patch)
    rows, columns = grid.grid
    return Tile(grid, np.arange(rows * columns, dtype=np.int64).reshape(rows, columns), is_base=is_base)


def test_patches_are_rectangles_of_the_picture_joined_along_a_row() -> None:
    square = tile(Preprocessing(False, (40, 40), None), (80, 80), 10)
    assert rectangles([square], naming((15, 25, 30, 10))) == ((0.0, 20.0, 60.0, 20.0),)
    assert rectangles([square], naming((0, 0, 5, 5), (70, 0, 5, 5))) == (
        (0.0, 0.0, 20.0, 20.0),
        (60.0, 0.0, 20.0, 20.0),
    )
    assert rectangles([square], naming(None)) == ()


@pytest.mark.parametrize(("pads", "left_edge", "right_edge"), [(True, 0, 300), (False, 50, 250)])
def test_a_rectangle_covers_its_box_and_never_leaves_what_is_seen_of_the_picture(
    pads: bool, left_edge: float, right_edge: float
) -> None:
    wide = tile(Preprocessing(pads, 56, (56, 56)), (300, 200), 14)
    box = (110.0, 90.0, 60.0, 40.0)
    parts = rectangles([wide], naming(box))
    assert min(left for left, *_ in parts) <= box[0]
    assert max(left + width for left, _, width, _ in parts) >= box[0] + box[2]
    assert min(top for _, top, *_ in parts) <= box[1]
    assert max(top + height for _, top, _, height in parts) >= box[1] + box[3]
    everything = rectangles([wide], naming((0, 0, 300, 200)))
    assert (min(left for left, *_ in everything), min(top for _, top, *_ in everything)) == (left_edge, 0)
    assert max(left + width for left, _, width, _ in everything) == right_edge
    assert max(top + height for _, top, _, height in everything) == 200


def test_fine_tiles_are_drawn_rather_than_the_coarse_one() -> None:
    coarse = tile(Preprocessing(False, (20, 20), None), (80, 80), 10, is_base=True)
    fine = tile(Preprocessing(False, (80, 80), None), (80, 80), 10)
    question = naming((1, 1, 2, 2))
    assert rectangles([coarse, fine], question) == ((0.0, 0.0, 10.0, 10.0),)
    assert rectangles([coarse], question) == ((0.0, 0.0, 40.0, 40.0),)
    assert rectangles(Layout(4, why_no_tiles="pooled").tiles, question) == ()


def test_the_patches_survive_the_store() -> None:
    measurement = measurement_of()
    assert measurement_file.from_arrays(measurement_file.to_arrays(measurement)).patches == measurement.patches


def test_the_geometry_is_the_inverse_of_the_encoders() -> None:
    """Each patch is drawn as a rectangle around every pixel that it shows."""
    preprocessing = Preprocessing(True, 56, (56, 56))
    wide = tile(preprocessing, (300, 200), 14)
    for x in range(2, 300, 23):
        for y in range(2, 200, 23):
            ((left, top, width, height),) = rectangles([wide], naming((x, y, 0.01, 0.01)))
            assert left <= x <= left + width
            assert top <= y <= top + height
