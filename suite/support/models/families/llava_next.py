"""LLaVA-NeXT: CLIP at 28 pixels in patches of 7, tiles of 28 in five arrangements, and a Llama or a Mistral."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns

IMAGE = "<image>"
PINPOINTS = [[28, 56], [56, 28], [56, 56], [84, 28], [28, 84]]


def build(text_config: str = "LlamaConfig", *special: str) -> tuple[Any, Any]:
    import transformers
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    words = tokenizer(IMAGE, *special)
    vision = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2, image_size=28, patch_size=7
    )
    config = transformers.LlavaNextConfig(
        vision_config=vision,
        text_config=getattr(transformers, text_config)(**TEXT, vocab_size=len(words)),
        image_token_index=words.convert_tokens_to_ids(IMAGE),
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-2,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=PINPOINTS
    )
    processor = transformers.LlavaNextProcessor(
        images,
        words,
        patch_size=7,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=turns(IMAGE),
    )
    return lively(transformers.LlavaNextForConditionalGeneration(config)), processor


FAMILY = Family(
    build,
    sizes=((112, 56), (56, 112), (60, 60), (75, 40), (41, 97), (200, 30), (23, 19)),
    styles=("paper", "chat"),
)
