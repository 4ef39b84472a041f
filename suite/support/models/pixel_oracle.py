"""The pixel oracle marks pixels and checks which features change, so it needs no code of the layouts."""

from __future__ import annotations

import copy
import io
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image

from fixtures.models.base import Subject
from fixtures.models.layout import DROPPED
from fixtures.question import Object, Question

Size = tuple[int, int]
"""Width and height in pixels."""

PixelBox = tuple[int, int, int, int]
"""A box in pixels: x, y, width and height."""

GREY, MARK = 96, 255

TILE_TENSORS = ("pixel_values", "pixel_attention_mask")
"""Tensors that hold an entry for each tile, in the layout's order."""


@dataclass(frozen=True)
class MemoryPicture:
    """A picture that is never written to disk."""

    png: bytes

    def read(self) -> bytes:
        return self.png


def in_memory(pixels: np.ndarray) -> MemoryPicture:
    """The picture of *pixels* [height, width, 3]."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return MemoryPicture(file.getvalue())


def noise(size: Size, seed: int = 0) -> np.ndarray:
    """Random pixels [height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)


@cache
def question(size: Size, seed: int = 0, text: str = "Is the shirt black or yellow?") -> Question:
    """A question about a picture of noise with one box, to the right of its center."""
    return Question(
        id=f"{size}{seed}",
        image_id=f"{seed}",
        task="ChooseAttr",
        text=text,
        answer="yellow",
        true_option="yellow",
        false_option="black",
        objects=(Object("shirt", (size[0] * 0.5, size[1] * 0.25, size[0] * 0.25, size[1] * 0.25)),),
        image_size=size,
        picture=in_memory(noise(size, seed)),
    )


@contextmanager
def seeing_themselves_alone(subject: Subject, resample: int) -> Generator[Subject]:
    """*subject* with an encoder whose patches see only themselves, and a processor that resamples by *resample*.

    What the encoder's attention adds is set to zero. A changed pixel then changes the features of its own patch and
    of no other, wherever the model's own code packs them.
    """
    paths = subject.model.named_modules()
    encoder = [module for path, module in paths if "vision" in path or "visual" in path]
    attention = [module for module in encoder if type(module).__name__.endswith("Attention")]
    assert attention, "the encoder has no attention module"
    silent = copy.copy(subject)
    silent.processor = copy.copy(subject.processor)
    silent.processor.image_processor = copy.copy(subject.processor.image_processor)
    silent.processor.image_processor.resample = resample
    hooks = [module.register_forward_hook(_nothing) for module in attention]
    try:
        yield silent
    finally:
        for hook in hooks:
            hook.remove()


def _nothing(module: Any, arguments: Any, output: Any) -> Any:
    return (output[0] * 0, *output[1:]) if isinstance(output, tuple) else output * 0


def changed(subject: Subject, resample: int, size: Size, *boxes: PixelBox) -> list[set[int]]:
    """For each of *boxes*, the image tokens that look different when it is marked on a grey picture."""
    plain, pictures = np.full((size[1], size[0], 3), GREY, dtype=np.uint8), list[np.ndarray]()
    for x, y, width, height in boxes:
        pictures.append(plain.copy())
        pictures[-1][max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = MARK
    with seeing_themselves_alone(subject, resample) as silent:
        before, *after = (_features(silent, pixels) for pixels in (plain, *pictures))
    return [set(np.flatnonzero((before != features).any(dim=-1).cpu().numpy()).tolist()) for features in after]


def _features(subject: Subject, pixels: np.ndarray) -> torch.Tensor:
    """The features [image tokens, width] that the model packs for a picture of *pixels*."""
    own_question = replace(question((pixels.shape[1], pixels.shape[0])), picture=in_memory(pixels))
    with torch.no_grad():
        parts = subject.image_features(subject.encode(own_question).tensors)
    return torch.cat([part.reshape(-1, part.shape[-1]) for part in parts])


def boxes(size: Size, count: int = 8) -> list[PixelBox]:
    """Boxes of all sizes in a picture of *size*."""
    draw = np.random.default_rng(size[0] * 1000 + size[1])
    corners = [(int(draw.integers(0, size[0] - 4)), int(draw.integers(0, size[1] - 4))) for _ in range(count)]
    return [(x, y, int(draw.integers(3, size[0] - x)), int(draw.integers(3, size[1] - y))) for x, y in corners]


def require_patches_where_they_are_seen(subject: Subject, size: Size, boxes: Sequence[PixelBox]) -> None:
    """Fail unless marked pixels change exactly the tokens that the layout has there.

    With nearest neighbours, a pixel is read in its own place or not at all: no other token may change. With
    interpolation, it is read in its place and around it: every token there must change.
    """
    layout = subject.layout(size)
    expected = [set(layout.showing(box).tolist()) for box in boxes]
    at_nearest = changed(subject, Image.Resampling.NEAREST, size, *boxes)
    for box, tokens, nearest in zip(boxes, expected, at_nearest, strict=True):
        assert nearest <= tokens, (size, box)
    wider = [(x - 1, y - 1, width + 2, height + 2) for x, y, width, height in boxes]
    interpolated = changed(subject, Image.Resampling.BILINEAR, size, *wider)
    for box, tokens, around in zip(boxes, expected, interpolated, strict=True):
        assert tokens <= around, (size, box)


def tiled(subject: Subject, size: Size) -> bool:
    """Whether a picture of *size* goes to the encoder in several tiles whose features are separate in the prompt."""
    tiles = subject.layout(size).tiles
    return len(tiles) > 1 and not subject.cross_attention.crossings and all(tile.tokens.ndim == 2 for tile in tiles)


def require_tiles_in_any_order(subject: Subject, size: Size, *, rounding: float) -> None:
    """Fail unless tiles that are shown to the encoder in the opposite order change places in the prompt, cell by cell.

    This shows that a tile's tokens depend on that tile alone, and not on other tiles or on its number.
    """
    prompt, layout = subject.encode(question(size)), subject.layout(size)
    tensors = dict(prompt.tensors)
    dimension = tensors["pixel_values"].dim() - 4  # before channels, height and width
    flipped = {name: values.flip(dimension) if name in TILE_TENSORS else values for name, values in tensors.items()}
    with torch.no_grad():
        before, after = (
            torch.cat([part.reshape(-1, part.shape[-1]) for part in subject.image_features(own)])
            for own in (tensors, flipped)
        )
    largest, count = float(before.abs().max()), 0
    for here, there in zip(layout.tiles, reversed(layout.tiles), strict=True):
        in_both = (here.tokens != DROPPED) & (there.tokens != DROPPED)
        one, other = torch.as_tensor(here.tokens[in_both]), torch.as_tensor(there.tokens[in_both])
        torch.testing.assert_close(after[one], before[other], rtol=0, atol=rounding * largest)
        count += len(one) if here is not there else 0
    assert count, "no two tiles have a cell in common"
    assert float((after - before).abs().max()) > 0.01 * largest, "all tiles are the same"
