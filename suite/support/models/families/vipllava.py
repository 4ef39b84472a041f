"""ViP-LLaVA, by the generic adapter: CLIP's features of five layers side by side, and a Llama."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns


def build() -> tuple[Any, Any]:
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaProcessor,
        VipLlavaConfig,
        VipLlavaForConditionalGeneration,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    words = tokenizer("<image>")
    vision = CLIPVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=4, num_attention_heads=2, image_size=56, patch_size=14
    )
    config = VipLlavaConfig(
        vision_config=vision, text_config=LlamaConfig(**TEXT, vocab_size=len(words)),
        image_token_index=words.convert_tokens_to_ids("<image>"), vision_feature_layer=[-2, -3, 1],
    )  # fmt: skip
    images = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    processor = LlavaProcessor(
        images, words, patch_size=14, chat_template=turns("<image>"), vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )  # fmt: skip
    return lively(VipLlavaForConditionalGeneration(config)), processor


FAMILY = Family(build, regions=False)
