"""Qwen's pictures keep their shape, and cells are counted and placed as at the published settings."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.flow import BASE, PADDING, SEPARATOR, TILES
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable, Unaskable
from suite.support.models.pixel_oracle import question
from suite.support.models.tiny_qwen import PATCH, model, processor

QWEN2 = {"patch_size": 14, "size": {"shortest_edge": 56 * 56, "longest_edge": 12_845_056}}
QWEN3 = {"patch_size": 16, "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216}}
"""The settings published with Qwen2-VL and Qwen2.5-VL, and with Qwen3-VL."""


@cache
def encoder(patch: int) -> Any:
    return model("Qwen2VL", embed_dim=16, hidden_size=32, mlp_ratio=2, patch_size=patch)


def subject(**images: Any) -> Subject:
    return wrap(encoder(images.get("patch_size", PATCH)), processor("Qwen2VLProcessor", **images))


@pytest.mark.parametrize(
    ("published", "size", "grid"),
    [
        (QWEN2, (640, 480), (17, 23)),
        (QWEN2, (375, 500), (18, 13)),
        (QWEN2, (56, 56), (2, 2)),
        (QWEN2, (20, 20), (2, 2)),
        (QWEN3, (640, 480), (15, 20)),
        (QWEN3, (375, 500), (16, 12)),
        (QWEN3, (112, 112), (8, 8)),
    ],
)
def test_published_settings(published: dict[str, Any], size: tuple[int, int], grid: tuple[int, int]) -> None:
    """Rows and columns of 28 or 32 pixels, counted by hand and by the processor."""
    adapter = subject(**published)
    layout = adapter.layout(size)
    assert layout.tiles[0].geometry.grid == grid
    assert layout.tiles[0].tokens.reshape(-1).tolist() == list(range(layout.tokens))
    prompt = adapter.encode(question(size))
    assert prompt.tensors["image_grid_thw"].tolist() == [[1, grid[0] * 2, grid[1] * 2]]
    assert {BASE, TILES, SEPARATOR, PADDING} <= set(prompt.missing)
    assert {span: prompt.missing[span] for span in adapter.cannot} == adapter.cannot


@settings(deadline=None)
@given(width=st.integers(4, 3000), height=st.integers(4, 3000))
def test_any_picture_has_the_cells_that_its_processor_counts(width: int, height: int) -> None:
    if max(width, height) > 200 * min(width, height):
        return
    for published in (QWEN2, QWEN3):
        adapter = subject(**published)
        patches = adapter.processor.image_processor.get_number_of_image_patches(height, width)
        assert adapter.layout((width, height)).tokens == patches / 4


def test_a_box_lies_in_the_cells_that_its_pixels_are_resized_to() -> None:
    """640 x 480 becomes 644 x 476: a pixel of the picture is 23 / 640 of a cell wide and 17 / 480 high."""
    layout = subject(**QWEN2).layout((640, 480))
    assert layout.showing((0, 0, 27, 28)).tolist() == [0]
    assert layout.showing((0, 0, 28, 29)).tolist() == [0, 1, 23, 24]
    assert layout.showing((639, 479, 1, 1)).tolist() == [17 * 23 - 1]


def with_settings(**changes: Any) -> Subject:
    own = processor("Qwen2VLProcessor")
    for name, value in changes.items():
        setattr(own.image_processor, name, value)
    return wrap(encoder(PATCH), own)


def test_settings_that_are_not_handled() -> None:
    with pytest.raises(ModelUnavailable, match="do_resize False"):
        with_settings(do_resize=False)
    with pytest.raises(ModelUnavailable, match=r"size \{'height': 448, 'width': 448\}, which is not handled"):
        with_settings(size={"height": 448, "width": 448})
    with pytest.raises(ModelUnavailable, match="goes by 14 pixels a patch and the model by 7"):
        with_settings(patch_size=14)
    with pytest.raises(ModelUnavailable, match="goes by 4 patches a merge and the model by 2"):
        with_settings(merge_size=4)
    other = processor("Qwen2VLProcessor")
    other.image_processor = SimpleNamespace(**vars(other.image_processor))
    with pytest.raises(ModelUnavailable, match="SimpleNamespace, is not Qwen2VLImageProcessor"):
        wrap(encoder(PATCH), other)


def test_the_paper_has_no_prompt_for_it() -> None:
    adapter = wrap(encoder(PATCH), processor("Qwen2VLProcessor"), "paper")
    with pytest.raises(ModelUnavailable, match="the paper has no prompt for Qwen2VL"):
        adapter.encode(question((60, 60)))


def test_a_picture_too_long_for_its_processor_is_set_aside() -> None:
    from suite.support.models.families import qwen2_vl

    with pytest.raises(Unaskable, match="200 times as long as wide") as error:
        wrap(*qwen2_vl.FAMILY.build()).layout((4000, 10))
    assert error.value.reason == "the picture is too narrow for the image processor"
