"""Boxes are followed to patches exactly as the image processor itself moves pixels."""

import csv
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fixtures.models.errors import ModelUnavailable
from fixtures.models.geometry import Preprocessing, geometry
from suite.support.repository import AUTHORS, needs_authors_files

SIDE, PATCH = 56, 14
DIVISORS = [7, 8, 14, 28, 56]
BICUBIC_REACH = 3
"""Pixels around a mark, before or after resizing (whichever are larger), that a bicubic filter can tint."""

# Importing transformers takes seconds on a busy machine, which says nothing about the tests.
unhurried = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cropping(side: int = SIDE, **settings: Any) -> Any:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side}, **settings)


def padding(side: int = SIDE, **settings: Any) -> Any:
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    return LlavaImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}, do_pad=True, **settings
    )


def stretching(side: int = SIDE, **settings: Any) -> Any:
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    return SiglipImageProcessorPil(size={"height": side, "width": side}, **settings)


def features(processor: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Patches [rows * columns, values] of the encoder's input."""
    image = np.asarray(processor(Image.fromarray(pixels), return_tensors="np")["pixel_values"][0])
    rows, columns = image.shape[1] // PATCH, image.shape[2] // PATCH
    tiles = image[:, : rows * PATCH, : columns * PATCH].reshape(3, rows, PATCH, columns, PATCH)
    return tiles.transpose(1, 3, 0, 2, 4).reshape(rows * columns, -1)


def changed_tokens(processor: Any, size: tuple[int, int], box: tuple[int, int, int, int]) -> set[int]:
    """Patches that change when the pixels in *box* turn from black to white."""
    width, height = size
    x, y, w, h = box
    black = np.zeros((height, width, 3), dtype=np.uint8)
    picture = black.copy()
    picture[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = 255
    difference = np.abs(features(processor, black) - features(processor, picture)).max(axis=1)
    return set(np.flatnonzero(difference).tolist())


def followed_tokens(processor: Any, size: tuple[int, int], box: tuple[float, float, float, float]) -> set[int]:
    return set(geometry(Preprocessing.of(processor), size, PATCH).patches(box).tolist())


def padding_tokens(processor: Any, size: tuple[int, int]) -> set[int]:
    return set(geometry(Preprocessing.of(processor), size, PATCH).padding.tolist())


@st.composite
def marks(draw: st.DrawFn, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box that begins in the picture or a little before it, and may overrun it."""
    width, height = size
    x, y = draw(st.integers(-3, width - 1)), draw(st.integers(-3, height - 1))
    return x, y, draw(st.integers(1, width + 5)), draw(st.integers(1, height + 5))


@st.composite
def unresampled(draw: st.DrawFn) -> tuple[Callable[[], Any], tuple[int, int]]:
    """Processors and picture sizes for which no pixel is mixed with another: equality must be exact."""
    from PIL.Image import Resampling

    other = draw(st.integers(1, SIDE))
    divisor = draw(st.sampled_from(DIVISORS))
    longer = draw(st.integers(0, 70))
    times = draw(st.integers(2, 3))
    processor, *sides = draw(
        st.sampled_from(
            [
                (padding, SIDE, other),
                (cropping, SIDE, SIDE + longer),
                (partial(cropping, do_resize=False), other, 1 + longer),
                (partial(padding, resample=Resampling.NEAREST), divisor, 1 + other % divisor),
                (partial(cropping, resample=Resampling.NEAREST), divisor, divisor + longer),
                (partial(padding, resample=Resampling.BOX), times * SIDE, times * other),
                (partial(stretching, resample=Resampling.NEAREST), divisor, DIVISORS[other % 5]),
            ]
        )
    )
    width, height = draw(st.permutations(sides))
    return processor, (width, height)


@unhurried(max_examples=300)
@given(st.data(), unresampled())
def test_a_box_meets_exactly_the_patches_that_its_pixels_reach(
    data: st.DataObject, case: tuple[Callable[[], Any], tuple[int, int]]
) -> None:
    build, size = case
    box = data.draw(marks(size))
    processor = build()
    assert followed_tokens(processor, size, box) == changed_tokens(processor, size, box)


@unhurried(max_examples=100)
@given(unresampled())
def test_padding_is_exactly_what_no_pixel_reaches(case: tuple[Callable[[], Any], tuple[int, int]]) -> None:
    build, size = case
    processor = build()
    everything = set(range((SIDE // PATCH) ** 2))
    assert padding_tokens(processor, size) == everything - changed_tokens(processor, size, (0, 0, *size))


@unhurried(max_examples=150)
@given(
    data=st.data(),
    kind=st.sampled_from([cropping, padding, stretching]),
    size=st.tuples(st.integers(10, 150), st.integers(10, 150)),
)
def test_resampling_only_blurs_the_boxs_edge(data: st.DataObject, kind: Any, size: tuple[int, int]) -> None:
    """With real bicubic resizing at any size: all patches that hold a whole pixel of the box change, and
    none farther from it than the filter reaches."""
    processor = kind()
    x, y, w, h = data.draw(marks(size))
    padded_size = (max(size), max(size)) if kind is padding else size
    scales = [SIDE / side for side in padded_size] if kind is not cropping else [SIDE / min(size)] * 2
    pixel_x, pixel_y = (max(1.0, 1 / scale) for scale in scales)
    tokens = changed_tokens(processor, size, (x, y, w, h))
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + w, size[0]), min(y + h, size[1])
    inner = (left + pixel_x, top + pixel_y, right - left - 2 * pixel_x, bottom - top - 2 * pixel_y)
    if inner[2] > 0 and inner[3] > 0:
        assert followed_tokens(processor, size, inner) <= tokens
    if right > left and bottom > top:
        reach_x, reach_y = BICUBIC_REACH * pixel_x, BICUBIC_REACH * pixel_y
        layout = geometry(Preprocessing.of(processor), size, PATCH)
        bounds = (left - reach_x, top - reach_y, right - left + 2 * reach_x, bottom - top + 2 * reach_y)
        # The filter tints padding next to the picture too, where there are no boxes.
        assert tokens <= set(layout.patches(bounds).tolist()) | set(layout.padding.tolist())


@pytest.mark.parametrize(
    "box", [(-9, 0, 9, 9), (200, 0, 9, 9), (0, 100, 9, 9), (5, 5, 0, 9), (5, 5, 9, 0), (5, 5, -3, 9)]
)
def test_a_box_outside_the_picture_or_without_an_area_meets_no_patch(box: tuple[int, int, int, int]) -> None:
    for processor in (padding(), cropping()):
        assert followed_tokens(processor, (200, 100), box) == set()


def test_the_crop_loses_what_padding_keeps() -> None:
    corner = (0, 0, 40, 100)
    assert followed_tokens(cropping(), (200, 100), corner) == set()
    # 200 x 100 pixels lie in the middle two of four rows; 40 of 200 columns reach into the first.
    assert followed_tokens(padding(), (200, 100), corner) == {4, 8}
    assert padding_tokens(padding(), (200, 100)) == {0, 1, 2, 3, 12, 13, 14, 15}
    assert padding_tokens(cropping(), (200, 100)) == set()


@pytest.mark.parametrize(
    ("size", "box"), [((500, 333), (416, 137, 84, 62)), ((333, 500), (0, 416, 333, 83))], ids=["wide", "tall"]
)
def test_a_sliver_that_the_crop_leaves_is_followed(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    """Two thirds of a pixel of 336 remain, because resizing truncates the longer side."""
    processor = cropping(336)
    assert followed_tokens(processor, size, box)
    assert followed_tokens(processor, size, box) <= changed_tokens(processor, size, box)


def test_a_box_that_ends_on_a_patchs_edge_stops_there() -> None:
    """No rounding: a third of a pixel's edge is exactly an edge."""
    processor = padding(side=42)
    assert followed_tokens(processor, (126, 126), (42, 42, 42, 42)) == {4}
    assert followed_tokens(processor, (126, 126), (42, 42, 42.001, 42)) == {4, 5}


@pytest.mark.parametrize(
    ("processor", "complaint"),
    [
        (SimpleNamespace(do_pad=True), "pads differently"),
        (SimpleNamespace(do_pad=True, pad_to_square=None), "pads differently"),  # before it resizes, or after?
        (SimpleNamespace(do_resize=True, size={"longest_edge": 64}), "size {'longest_edge': 64}"),
        (SimpleNamespace(do_resize=True, size={"shortest_edge": 64, "longest_edge": 99}), "not handled"),
        (SimpleNamespace(do_resize=True, size={"shortest_edge": 64}), "varying size"),
        (SimpleNamespace(), "varying size"),
    ],
)
def test_other_image_processors_are_refused_by_name(processor: SimpleNamespace, complaint: str) -> None:
    with pytest.raises(ModelUnavailable, match=complaint) as error:
        Preprocessing.of(processor)
    assert "SimpleNamespace" in str(error.value)


@needs_authors_files
def test_the_authors_boxes() -> None:
    """The hub's crop loses 513 boxes of the six files; padding loses one, which lies outside its picture.

    The crop would lose 515 if resizing rounded the longer side; it truncates it.
    """
    pad, crop = Preprocessing.of(padding(336)), Preprocessing.of(cropping(336))
    visibility: list[tuple[bool, bool]] = []
    for path in AUTHORS.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                size = int(row["image_w"]), int(row["image_h"])
                for thing in ("central object", "object1", "object2"):
                    sides = [row.get(f"{thing} {side}") or "-" for side in "xywh"]
                    if "-" not in sides:
                        x, y, w, h = map(float, sides)
                        in_pad, in_crop = (geometry(way, size, PATCH).patches((x, y, w, h)) for way in (pad, crop))
                        visibility.append((in_pad.size > 0, in_crop.size > 0))
    assert len(visibility) == 7140
    assert sum(not in_pad for in_pad, _ in visibility) == 1
    assert sum(not in_crop for _, in_crop in visibility) == 513


@pytest.mark.parametrize("pads", [True, False])
def test_a_processor_that_pads_what_it_has_resized(pads: bool) -> None:
    """Their pictures lie within a pixel of each other, which may be a patch's edge."""
    from transformers.models.deepseek_vl.image_processing_pil_deepseek_vl import DeepseekVLImageProcessorPil

    with pytest.raises(ModelUnavailable, match=r"DeepseekVLImageProcessorPil gives a picture's longer edge its length"):
        Preprocessing.of(DeepseekVLImageProcessorPil(size={"height": 48, "width": 48}, do_pad=pads))
