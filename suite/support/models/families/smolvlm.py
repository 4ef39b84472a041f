"""SmolVLM 2: a Llama with tiles of 58 pixels, two of which are in no patch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch as replaced

from suite.support.models import tiny_idefics3
from suite.support.models.families import Family, without_videos
from suite.support.models.tiny_idefics3 import PATCH, SHUFFLE, SIZES, TILE, image_settings, words


def processor(tile: int = TILE, patch: int = PATCH, shuffle: int = SHUFFLE, **images: Any) -> Any:
    """A processor without `num2words`, a package that its class requires to spell out the number of video frames."""
    from transformers import SmolVLMProcessor
    from transformers.models.smolvlm import processing_smolvlm
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    with replaced.object(processing_smolvlm, "num2words", str):
        own = without_videos(SmolVLMProcessor)(
            SmolVLMImageProcessorPil(**image_settings(tile, **images)),
            words("<video>"),
            None,
            **tiny_idefics3.settings(tile, patch, shuffle),
        )
    own.video_processor = SimpleNamespace(num_frames=1, fps=1, model_input_names=[])
    return own


def model(tile: int = TILE, patch: int = PATCH, shuffle: int = SHUFFLE) -> Any:
    return tiny_idefics3.model("SmolVLM", words("<video>"), tile, patch, shuffle)


FAMILY = Family(lambda: (model(TILE + 2), processor(TILE + 2)), sizes=SIZES)
"""The family with two pixels of each tile in no patch; SmolVLM's tiles of 384 pixels have six."""
