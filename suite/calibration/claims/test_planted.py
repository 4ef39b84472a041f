"""The planted model is a true LLaVA of known flow: it answers the bundled questions, and by the planted route alone."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, Edge
from fixtures.instruments.contract import check
from fixtures.measure import measure
from fixtures.measurement import Measurement
from fixtures.models import load
from fixtures.models.errors import ModelUnavailable, Unaskable
from fixtures.models.planted import VARIANTS
from fixtures.models.planted.build import build
from fixtures.models.planted.circuit import FIRST_DROP, LAST_DROP, PLANTED, SECOND_DROP
from fixtures.models.planted.codes import CHANNELS, GRID, PATCH, PIXELS, SCENE, code_picture, codes, scene_objects
from fixtures.models.planted.stream import BOX, PRESENCE, REGISTER, SLOTS, name
from fixtures.models.planted.vocabulary import pieces
from fixtures.models.registry import resolve, smaller_sibling
from fixtures.tasks import TASKS, questions
from suite.support.models.words_llava import tiny_question
from suite.support.repository import ROOT

if TYPE_CHECKING:
    from fixtures.models.base import Subject

ASKED = 24
EDGES = (IMAGE >> QUESTION, QUESTION >> LAST, RELATED >> QUESTION, OTHER >> QUESTION, IMAGE >> LAST, LAST >> LAST)


@cache
def planted() -> Subject:
    return load("planted", device="cpu", dtype="float32")


@cache
def measurement_of(task: str) -> Measurement:
    return measure(planted(), questions(task, n=ASKED), EDGES)


def change(task: str, edge: Edge) -> np.ndarray:
    return measurement_of(task).curve(edge).values.mean(axis=0)


def test_it_is_an_ordinary_llava_made_in_a_moment() -> None:
    model = load("planted", device="cpu").model
    started = time.process_time()
    build(PLANTED)
    assert time.process_time() - started < 2
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert model.config.text_config.num_hidden_layers == PLANTED.depth == resolve("planted").layers == 40
    assert model.config.text_config.hidden_size <= 192


def test_every_slot_and_every_token_is_named_once() -> None:
    assert len(set(SLOTS)) == len(SLOTS) <= planted().model.config.text_config.hidden_size
    assert len(set(pieces())) == len(pieces()) == len(planted().tokenizer)


def test_it_is_float32_unless_another_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)  # where trained models are taken in bfloat16
    monkeypatch.setattr("fixtures.models.planted.subject.make", lambda _of, _device, dtype, _asked: dtype)
    assert load("planted", device="cuda") == torch.float32
    assert load("planted", device="cuda", dtype="float16") == torch.float16


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("task", TASKS)
def test_it_answers_in_half_precision_too(task: str, dtype: str) -> None:
    measurement = measure(load("planted", device="cpu", dtype=dtype), questions(task, n=ASKED), (), lens=False)
    assert measurement.correct.mean() >= 0.95


def test_it_is_known_before_torch_is() -> None:
    process = subprocess.run(
        [sys.executable, "-c", "import sys; from fixtures.models.registry import resolve; s = resolve('planted'); "
         "s.check(); print(len(s.fingerprint()), 'torch' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert process.stdout.split() == ["64", "False"]


def test_what_it_has_not_is_refused() -> None:
    with pytest.raises(
        ModelUnavailable,
        match=r"^planted:nobody is no variant of planted: known are planted, planted:small, planted:random, ",
    ):
        resolve("planted:nobody")
    with pytest.raises(ModelUnavailable, match=r"^planted: is no variant of planted: known are planted, planted:small"):
        resolve("planted:")
    with pytest.raises(ModelUnavailable, match="has no revision main"):
        resolve("planted", revision="main")
    with pytest.raises(ModelUnavailable, match="the paper has no prompt for planted"):
        resolve("planted", prompt="paper")


@pytest.mark.parametrize("task", TASKS)
def test_patches_tell_of_the_objects_whose_boxes_they_meet(task: str) -> None:
    for question in questions(task, n=None):
        objects = scene_objects(question.image_id)
        assert objects is not None
        code = codes(objects)
        marked = {thing.name: code[..., CHANNELS.index(name(thing.name))] > 0 for thing in objects}
        registers, boxes = (code[..., CHANNELS.index(kind)] > 0 for kind in (REGISTER, BOX))
        assert (registers ^ boxes).all()
        for thing in objects:
            met = np.array([[thing.area_in(row, column) > 0 for column in range(GRID)] for row in range(GRID)])
            assert (marked[thing.name] & boxes).any()
            assert (marked[thing.name] & registers).any()
            assert not (marked[thing.name] & boxes & ~met).any(), "a box tells of another object's place"


def test_the_picture_is_its_codes_to_the_last_digit() -> None:
    question = questions("ChooseAttr", n=1)[0]
    objects = scene_objects(question.image_id)
    assert objects is not None
    assert code_picture(objects).size == (PIXELS, PIXELS)
    assert question.image_size == (SCENE, SCENE)
    pixels = planted().encode(question).tensors["pixel_values"][0, 0].double()
    patches = pixels.reshape(GRID, PATCH, GRID, PATCH).permute(0, 2, 1, 3).flatten(2)
    read = patches[..., : len(CHANNELS)]
    assert torch.allclose(read, torch.from_numpy(codes(objects)), atol=0.006)
    model: Any = planted().model
    features = model.get_image_features(pixel_values=planted().encode(question).tensors["pixel_values"])
    presence = features.pooler_output[0][:, SLOTS.index(PRESENCE)].double().reshape(GRID, GRID)
    assert torch.allclose(presence, torch.from_numpy(codes(objects)[..., CHANNELS.index(PRESENCE)]), atol=0.01)


def test_a_box_is_related_where_its_code_is_drawn() -> None:
    """The picture is drawn smaller than the scene, whose boxes the processor's own resize brings there."""
    for question in questions("ChooseAttr", n=40):
        (named,) = (thing for thing in question.objects if thing.box_xywh)
        (thing,) = (thing for thing in scene_objects(question.image_id) or () if thing.box == named.box_xywh)
        met = [row * GRID + column for row, column in np.ndindex(GRID, GRID) if thing.area_in(row, column)]
        prompt = planted().encode(question)
        assert (prompt.spans[RELATED] - prompt.spans[IMAGE].min()).tolist() == met


def test_another_picture_cannot_be_asked_about() -> None:
    with pytest.raises(Unaskable, match="sees the bundled scenes alone"):
        planted().encode(tiny_question(0))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_built_and_is_another(variant: str) -> None:
    source = resolve(f"planted:{variant}" if variant else "planted")
    others = {resolve(f"planted:{each}").fingerprint() for each in VARIANTS if each not in ("", variant)}
    assert source.fingerprint() not in others
    weights = source.load("cpu").model.state_dict()
    itself = planted().model.state_dict()
    differing = [key for key, tensor in weights.items() if key not in itself or not torch.equal(tensor, itself[key])]
    assert bool(differing) == bool(variant)


def test_its_sibling_is_smaller() -> None:
    assert smaller_sibling("planted") == smaller_sibling("planted:one-stage") == "planted:small"
    assert smaller_sibling("planted:small") is None
    assert resolve("planted:small").layers == 32
    assert load("planted:small", device="cpu").layers == 32


def test_it_passes_the_contract() -> None:
    contract = check(planted(), questions("LogicalObj", n=2))
    assert contract.passed, contract.checks


@pytest.mark.parametrize("task", TASKS)
def test_it_answers(task: str) -> None:
    assert measurement_of(task).correct.all(), measurement_of(task).answers


@pytest.mark.parametrize("task", TASKS)
def test_the_drops_are_where_they_were_planted(task: str) -> None:
    image, last = change(task, IMAGE >> QUESTION), change(task, QUESTION >> LAST)
    assert set(np.flatnonzero(image < -40)) == {0, 1, 2, 3, 4}
    assert image.argmin() == 4
    assert image[7:20].argmin() == 11 - 7
    assert image[7] < image[5] - 5
    assert set(np.flatnonzero(last < -10)) == set(range(16, 25))
    assert np.abs(change(task, IMAGE >> LAST)).max() < 0.1
    assert np.abs(change(task, LAST >> LAST)).max() < 0.1


@pytest.mark.parametrize("task", ["ChooseAttr", "ChooseCat", "ChooseRel", "QueryAttr"])
def test_the_drops_are_as_large_as_was_wanted(task: str) -> None:
    image, last = change(task, IMAGE >> QUESTION), change(task, QUESTION >> LAST)
    assert image.min() == pytest.approx(-100 * FIRST_DROP, abs=8)
    assert image[7:20].min() == pytest.approx(-100 * SECOND_DROP, abs=5)
    assert last.min() == pytest.approx(-100 * LAST_DROP, abs=6)


@pytest.mark.parametrize("task", TASKS)
def test_the_first_stage_is_of_other_patches_and_the_second_of_the_named_objects(task: str) -> None:
    related, other = change(task, RELATED >> QUESTION), change(task, OTHER >> QUESTION)
    assert other[:5].max() < -40 < -5 < related[:5].min()
    assert related[8:16].max() < -8 < -3 < other[8:16].min()
