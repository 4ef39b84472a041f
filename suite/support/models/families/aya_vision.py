"""Aya Vision without tiles, by the generic adapter: SigLIP's patches merged four to one, and a Cohere 2."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns

IMAGE, PATCH = "<image>", "<|IMG_PATCH|>"
"""The placeholder for a picture, and the token that the processor writes for it."""


def processor(tiles: int) -> Any:
    from transformers import AyaVisionProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    words = tokenizer(IMAGE, PATCH, "<|START_OF_IMG|>", "<|END_OF_IMG|>", "TILE", "TILE_GLOBAL")
    images = GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}, max_patches=tiles)
    return AyaVisionProcessor(images, words, patch_size=8, img_size=32, downsample_factor=2, chat_template=turns(IMAGE))


def build() -> tuple[Any, Any]:
    from transformers import AyaVisionConfig, AyaVisionForConditionalGeneration, Cohere2Config, SiglipVisionConfig

    own = processor(tiles=1)
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8
    )
    text = {**TEXT, "tie_word_embeddings": True}
    config = AyaVisionConfig(
        vision_config=vision, text_config=Cohere2Config(**text, vocab_size=len(own.tokenizer), sliding_window=64),
        image_token_index=own.image_token_id, downsample_factor=2,
        vision_feature_layer=-1,
    )  # fmt: skip
    return lively(AyaVisionForConditionalGeneration(config)), own


FAMILY = Family(build, regions=False)
