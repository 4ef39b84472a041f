"""InternVL's tiles are those that its processor cuts, at the published settings."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.flow import BASE, PADDING, SEPARATOR, TILES
from fixtures.models import wrap
from fixtures.models.base import Subject
from suite.support.models.families import internvl
from suite.support.models.pixel_oracle import question
from suite.support.models.refusals import wrap_refusal


@cache
def published() -> Subject:
    """Tiles of 448 pixels, 12 at most, in patches of 14."""
    return wrap(internvl.model(448, 14), internvl.processor(448, 14, max_patches=12))


@pytest.mark.parametrize(
    ("size", "canvas"),
    [((640, 480), (3, 4)), ((480, 640), (4, 3)), ((500, 500), (1, 1)), ((500, 333), (2, 3)), ((1200, 100), (1, 12))],
)
def test_published_settings(size: tuple[int, int], canvas: tuple[int, int]) -> None:
    """Each tile has 256 image tokens; several tiles come with a view of the whole picture."""
    rows, columns = canvas
    tiles = rows * columns + (rows * columns > 1)
    layout = published().layout(size)
    assert (layout.tokens, len(layout.tiles)) == (tiles * 256, tiles)
    assert layout.base.tolist() == (list(range((tiles - 1) * 256, tiles * 256)) if tiles > 1 else [])
    assert layout.fine.size == (rows * columns * 256 if tiles > 1 else 0)
    prompt = published().encode(question(size), picture=False)
    assert np.count_nonzero(prompt.input_ids == published().image_token_id) == layout.tokens
    assert {SEPARATOR, PADDING} <= set(prompt.missing)
    assert ({BASE, TILES} <= set(prompt.spans)) == (tiles > 1)


@settings(deadline=None)
@given(width=st.integers(1, 3000), height=st.integers(1, 3000))
def test_any_picture_has_the_tiles_that_its_processor_counts(width: int, height: int) -> None:
    counts = published().processor._get_num_multimodal_tokens(image_sizes=[(height, width)])
    assert len(published().layout((width, height)).tiles) == counts.num_image_patches[0]


def test_a_box_is_in_its_tiles_and_in_the_whole() -> None:
    """640 x 480 is stretched to 1792 x 1344 by 2.8 both ways: a cell of 28 pixels shows 10 of the picture."""
    layout = published().layout((640, 480))
    corner = layout.showing((0, 0, 10, 10)).tolist()
    assert corner == [0, 12 * 256]
    across = layout.showing((150, 0, 20, 10)).tolist()  # over the border between the first two tiles, at 160
    assert across[:2] == [15, 256]
    assert all(place >= 12 * 256 for place in across[2:])
    assert len(across) > 2


def test_a_processor_that_cuts_no_tiles() -> None:
    processor = internvl.processor()
    processor.images_kwargs = {"crop_to_patches": False}
    adapter = wrap(internvl.model(), processor)
    assert len(adapter.layout((200, 130)).tiles) == 1
    assert adapter.encode(question((200, 130))).missing[BASE]


def test_settings_that_are_not_handled() -> None:
    model = internvl.model()
    assert "GotOcr2ImageProcessorPil with do_resize False" in wrap_refusal(model, internvl.processor(do_resize=False))
    assert "goes by 112 pixels a tile and the model by 56" in wrap_refusal(model, internvl.processor(112, 14))
    assert "which is no square" in wrap_refusal(model, internvl.processor(size={"height": 56, "width": 112}))
    miscounting = internvl.processor()
    miscounting.image_seq_length = 64
    assert "goes by 64 image tokens a tile and the model by 16" in wrap_refusal(model, miscounting)
    assert "packs 'full' features" in wrap_refusal(
        internvl.model(vision_feature_select_strategy="full"), internvl.processor()
    )
