"""Tiny random models of Qwen's families: patches of 7 pixels in cells of 14, and rotations along three axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.support.models.families import TEXT, Family, Size, lively, tokenizer, turns, without_videos

IMAGE, START, END = "<|image_pad|>", "<|vision_start|>", "<|vision_end|>"
TOKENS = {"image": IMAGE, "video": "<|video_pad|>", "vision_start": START, "vision_end": END}
PATCH, MERGED = 7, 2
CELL = PATCH * MERGED
SIZES: tuple[Size, ...] = ((112, 56), (56, 112), (60, 60), (75, 40), (301, 150), (20, 17), (140, 9))
"""Pictures: wide, tall, square and odd; too large, too small, and thin."""


def processor(kind: str, **settings: Any) -> Any:
    """A processor of the class *kind*, with 12 to 60 cells for a picture; *settings* are its image processor's."""
    import transformers
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    bounds = {"shortest_edge": 12 * CELL**2, "longest_edge": 60 * CELL**2}
    options: dict[str, Any] = {"patch_size": PATCH, "merge_size": MERGED, "size": bounds, **settings}
    images = Qwen2VLImageProcessorPil(**options)
    return without_videos(getattr(transformers, kind))(
        images, words(), None, chat_template=turns(f"{START}{IMAGE}{END}")
    )


def words() -> Any:
    """The tokenizer, with Qwen's tokens for pictures and videos."""
    return tokenizer(*TOKENS.values(), bos=False)


def model(family: str, text: Mapping[str, Any] | None = None, **vision: Any) -> Any:
    """A `{family}ForConditionalGeneration` with seeded random weights, in eval mode.

    *text* has settings of the decoder's configuration, *vision* those of the encoder's.
    """
    import transformers

    ids = {f"{name}_token_id": words().convert_tokens_to_ids(token) for name, token in TOKENS.items()}
    rotation = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    config = getattr(transformers, f"{family}Config")(
        text_config={**TEXT, "vocab_size": len(words()), "rope_parameters": rotation, **(text or {})},
        vision_config={"depth": 2, "num_heads": 2, "patch_size": PATCH, "spatial_merge_size": MERGED, **vision},
        **ids,
    )
    return lively(getattr(transformers, f"{family}ForConditionalGeneration")(config))


def family(name: str, reads_with: str = "", text: Mapping[str, Any] | None = None, **vision: Any) -> Family:
    """The family *name*; *reads_with* is the family whose processor it uses, where that is another one."""
    return Family(lambda: (model(name, text, **vision), processor(f"{reads_with or name}Processor")), sizes=SIZES)
