"""Idefics3: a Llama with tiles of 56 pixels in patches of 7, shuffled two by two."""

from __future__ import annotations

from typing import Any

from suite.support.models import tiny_idefics3
from suite.support.models.families import Family
from suite.support.models.tiny_idefics3 import PATCH, SHUFFLE, SIZES, TILE, image_settings, words


def processor(tile: int = TILE, patch: int = PATCH, shuffle: int = SHUFFLE, **images: Any) -> Any:
    from transformers import Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    return Idefics3Processor(
        Idefics3ImageProcessorPil(**image_settings(tile, **images)),
        words(),
        **tiny_idefics3.settings(tile, patch, shuffle),
    )


def model(tile: int = TILE, patch: int = PATCH, shuffle: int = SHUFFLE) -> Any:
    return tiny_idefics3.model("Idefics3", words(), tile, patch, shuffle)


FAMILY = Family(lambda: (model(), processor()), sizes=SIZES)
