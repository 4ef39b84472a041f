"""LLaVA-OneVision: SigLIP at 30 pixels in patches of 7, up to 16 tiles that are blended down to one, and a Qwen2."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns, without_videos

IMAGE = "<image>"
PINPOINTS = [[30 * rows, 30 * columns] for rows in range(1, 5) for columns in range(1, 5)]
ASPECT_RATIO = "anyres_max_2"


def build() -> tuple[Any, Any]:
    import transformers
    from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil

    words = tokenizer(IMAGE, "<video>", bos=False)
    vision = transformers.SiglipVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=30, patch_size=7,
        vision_use_head=False,
    )  # fmt: skip
    config = transformers.LlavaOnevisionConfig(
        vision_config=vision,
        text_config=transformers.Qwen2Config(**TEXT, vocab_size=len(words)),
        image_token_index=words.convert_tokens_to_ids(IMAGE),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        vision_aspect_ratio=ASPECT_RATIO,
    )
    images = LlavaOnevisionImageProcessorPil(size={"height": 30, "width": 30}, image_grid_pinpoints=PINPOINTS)
    processor = without_videos(transformers.LlavaOnevisionProcessor)(
        images,
        words,
        None,
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=turns(IMAGE),
        vision_aspect_ratio=ASPECT_RATIO,
    )
    return lively(transformers.LlavaOnevisionForConditionalGeneration(config)), processor


FAMILY = Family(build, sizes=((112, 56), (56, 112), (60, 60), (75, 40), (41, 97), (150, 30), (23, 19), (130, 120)))
