"""InternVL 3: tiles of 56 pixels, up to six, in patches of 7 that are shuffled two by two; and a Qwen2."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns, without_videos

TILE, PATCH = 56, 7


def words() -> Any:
    return tokenizer(
        bos=False, start_image_token="<img>", end_image_token="</img>", context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )  # fmt: skip


def processor(tile: int = TILE, patch: int = PATCH, **settings: Any) -> Any:
    """An `InternVLProcessor`; *settings* are its image processor's."""
    from transformers import InternVLProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    options: dict[str, Any] = {"size": {"height": tile, "width": tile}, "max_patches": 6, **settings}
    tokens = (tile // patch // 2) ** 2
    return without_videos(InternVLProcessor)(
        GotOcr2ImageProcessorPil(**options),
        words(),
        None,
        image_seq_length=tokens,
        chat_template=turns("<IMG_CONTEXT>"),
    )


def model(tile: int = TILE, patch: int = PATCH, **settings: Any) -> Any:
    from transformers import InternVLConfig, InternVLForConditionalGeneration

    config: Any = InternVLConfig(
        vision_config={
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": tile, "patch_size": patch,
        },
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(words())},
        image_token_id=words().context_image_token_id, tie_word_embeddings=False, **settings,
    )  # fmt: skip
    return lively(InternVLForConditionalGeneration(config))


FAMILY = Family(
    lambda: (model(), processor()),
    sizes=((112, 56), (56, 112), (60, 60), (75, 40), (200, 130), (40, 201), (30, 11)),
)
"""The family with pictures of one tile and of two to six, in rows, columns and both; some grow, some shrink."""
