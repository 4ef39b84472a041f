"""Gemma 3's image tokens are averages of squares of patches, and what would make them others is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from fixtures.models import wrap
from fixtures.models.base import Subject
from suite.support.models.families import BOS, gemma3
from suite.support.models.pixel_oracle import question
from suite.support.models.refusals import wrap_refusal


@cache
def published() -> Subject:
    """896 pixels in 64 x 64 patches of 14, averaged by fours both ways."""
    return wrap(gemma3.model(896, 14, 256), gemma3.processor(896, 256))


@pytest.mark.parametrize("size", [(640, 480), (333, 500), (56, 1000)])
def test_published_settings(size: tuple[int, int]) -> None:
    prompt = published().encode(question(size), picture=False)
    assert np.count_nonzero(prompt.input_ids == published().image_token_id) == published().layout(size).tokens == 256
    assert {span: prompt.missing[span] for span in published().cannot} == published().cannot


def test_a_box_lies_in_the_cells_that_its_pixels_are_squashed_to() -> None:
    """640 x 480 becomes 896 x 896: a cell of 56 pixels is 40 of the picture wide and 30 high."""
    layout = published().layout((640, 480))
    assert layout.showing((0, 0, 40, 30)).tolist() == [0]
    assert layout.showing((39, 29, 2, 2)).tolist() == [0, 1, 16, 17]
    assert layout.showing((639, 479, 1, 1)).tolist() == [255]


def test_the_first_token_that_the_template_writes_is_the_only_one() -> None:
    adapter = wrap(gemma3.model(), gemma3.processor())
    prompt = adapter.encode(question((84, 84)))
    assert prompt.text.startswith(BOS)
    assert np.count_nonzero(prompt.input_ids == adapter.tokenizer.bos_token_id) == 1


def test_the_image_attends_to_itself_in_both_directions() -> None:
    """The tensor that says so reaches the model, with the picture and without it."""
    adapter = wrap(gemma3.model(), gemma3.processor())
    for picture in (True, False):
        prompt = adapter.encode(question((84, 84)), picture)
        image = prompt.input_ids == adapter.image_token_id
        assert (prompt.tensors["token_type_ids"][0].numpy() == image).all()


def test_settings_that_are_not_handled() -> None:
    panning = gemma3.processor()
    panning.images_kwargs = {**panning.images_kwargs, "do_pan_and_scan": True}
    assert "has do_pan_and_scan on" in wrap_refusal(gemma3.model(), panning)
    assert "goes by 112 pixels a picture's edge and the model by 84" in wrap_refusal(
        gemma3.model(), gemma3.processor(112)
    )
    assert "goes by 9 image tokens and the model by 16" in wrap_refusal(gemma3.model(), gemma3.processor(tokens=9))
    uneven = wrap_refusal(gemma3.model(tokens=25), gemma3.processor(tokens=25))
    assert "averages 12 x 12 patches to 25 image tokens" in uneven
    other = gemma3.model()
    other.config.image_token_id = 7
    assert "and the model replaces 7" in wrap_refusal(other, gemma3.processor())
