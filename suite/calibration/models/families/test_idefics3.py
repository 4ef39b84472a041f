"""The tiles of Idefics3 and SmolVLM are those that their processors cut, with separators between them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.flow import BASE, IMAGE, PADDING, SEPARATOR, TILES
from fixtures.instruments.forward import distribution, inputs, last_logits
from fixtures.models import wrap
from fixtures.models.base import Subject
from suite.support.models.families import idefics3, smolvlm
from suite.support.models.pixel_oracle import question
from suite.support.models.refusals import wrap_refusal

PUBLISHED = {
    "Idefics3-8B-Llama3": (364, 14, 2, 169),
    "SmolVLM-256M-Instruct": (512, 16, 4, 64),
    "SmolVLM-Instruct": (384, 14, 3, 81),
}
"""The pixels of a tile, the pixels of a patch, the patches merged along an edge, and the image tokens of a tile."""


@cache
def published(name: str) -> Subject:
    tile, patch, shuffle, _ = PUBLISHED[name]
    return wrap(idefics3.model(tile, patch, shuffle), idefics3.processor(tile, patch, shuffle))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(
    ("size", "canvas"), [((640, 480), (3, 4)), ((480, 640), (4, 3)), ((500, 500), (4, 4)), ((500, 100), (1, 4))]
)
def test_published_settings(name: str, size: tuple[int, int], canvas: tuple[int, int]) -> None:
    adapter, tokens = published(name), PUBLISHED[name][-1]
    layout = adapter.layout(size)
    tiles = canvas[0] * canvas[1] + 1
    assert (layout.tokens, len(layout.tiles)) == (tiles * tokens, tiles)
    assert layout.base.tolist() == list(range((tiles - 1) * tokens, tiles * tokens))
    prompt = adapter.encode(question(size), picture=False)
    assert np.count_nonzero(prompt.input_ids == adapter.image_token_id) == layout.tokens
    assert PADDING in prompt.missing
    base, fine = prompt.spans[BASE], prompt.spans[TILES]
    assert sorted([*base, *fine, *prompt.spans[SEPARATOR]]) == prompt.spans[IMAGE].tolist()


def test_what_stands_between_two_tiles_separates_them() -> None:
    adapter = wrap(idefics3.model(), idefics3.processor())
    prompt = adapter.encode(question((224, 112)))
    read = adapter.tokenizer.decode(prompt.input_ids[prompt.spans[SEPARATOR]])
    tile_markers = [f"<fake_token_around_image><row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2, 3, 4)]
    markers = [*tile_markers[:4], "\n", *tile_markers[4:], "\n\n<fake_token_around_image><global-img>"]
    assert read.replace(" ", "") == "".join(markers).removeprefix(tile_markers[0])


@settings(deadline=None)
@given(width=st.integers(2, 2000), height=st.integers(2, 2000))
def test_any_picture_has_the_tiles_that_its_processor_counts(width: int, height: int) -> None:
    for name in PUBLISHED:
        _, rows, columns = published(name).processor.image_processor.get_number_of_image_patches(height, width)
        assert len(published(name).layout((width, height)).tiles) == rows * columns + 1


def test_where_the_longer_edge_is_left_as_it_comes() -> None:
    """The canvas is then what the processor itself stretches a picture to."""
    adapter = wrap(idefics3.model(), idefics3.processor(do_resize=False))
    for size in [(60, 50), (113, 30), (56, 56), (40, 100), (170, 111)]:
        prompt = adapter.encode(question(size))
        assert len(adapter.layout(size).tiles) == prompt.tensors["pixel_values"].shape[1]


def test_a_picture_that_is_not_split() -> None:
    adapter = wrap(idefics3.model(), idefics3.processor(do_image_splitting=False))
    prompt = adapter.encode(question((200, 130)))
    assert adapter.layout((200, 130)).tokens == 16
    assert {BASE, TILES, SEPARATOR} <= set(prompt.missing)


def test_an_edge_of_a_tile_that_is_in_no_patch() -> None:
    """SmolVLM-Instruct's tiles of 384 pixels hold 27 patches of 14: the last 6 pixels of each are not seen there."""
    layout = published("SmolVLM-Instruct").layout((1536, 1536))
    assert layout.showing((378, 0, 6, 42)).tolist() == [16 * 81 + 2]
    assert layout.showing((377, 0, 6, 42)).tolist() == [8, 16 * 81 + 2]


@pytest.mark.parametrize("family", [idefics3, smolvlm])
def test_pictures_of_several_tiles_in_one_batch(family: Any) -> None:
    adapter = wrap(family.model(), family.processor(size={"longest_edge": 112}))
    short = adapter.encode(replace(question((112, 112)), text="Is the shirt black?"))
    long = next(
        prompt
        for filler in range(1, 200)
        if len((prompt := adapter.encode(replace(question((112, 30)), text="Is" + " it" * filler + "?"))).input_ids)
        == len(short.input_ids)
    )
    assert short.tensors["pixel_values"].shape[1] > long.tensors["pixel_values"].shape[1]
    with torch.inference_mode():
        together = distribution(adapter, [short, long], last_logits(adapter, inputs(adapter, [short, long])))
        alone = [distribution(adapter, [one], last_logits(adapter, inputs(adapter, [one])))[0] for one in (short, long)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-6)


def refusal(processor: Any) -> str:
    return wrap_refusal(idefics3.model(), processor)


def test_settings_that_are_not_handled() -> None:
    assert "size {'height': 224, 'width': 224}" in refusal(idefics3.processor(size={"height": 224, "width": 224}))
    assert "goes by 70 pixels a tile and the model by 56" in refusal(idefics3.processor(70, 7, 2))
    miscounting = idefics3.processor()
    miscounting.image_seq_len = 64
    assert "goes by 64 image tokens a tile and the model by 16" in refusal(miscounting)
    other = idefics3.processor()
    other.image_processor = SimpleNamespace(**vars(other.image_processor))
    assert "SimpleNamespace, is not Idefics3ImageProcessor or SmolVLM's" in refusal(other)
