"""DeepSeek-VL, by the generic adapter: SigLIP on pictures that are resized and padded to a square, and a Llama."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import BOS, EOS, PAD, TEXT, Family, lively, tokenizer, turns

IMAGE = "<image_placeholder>"


def build() -> tuple[Any, Any]:
    from transformers import (
        DeepseekVLConfig,
        DeepseekVLForConditionalGeneration,
        DeepseekVLProcessor,
        LlamaConfig,
        PreTrainedTokenizerFast,
        SiglipVisionConfig,
    )
    from transformers.models.deepseek_vl.image_processing_pil_deepseek_vl import DeepseekVLImageProcessorPil

    words = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(IMAGE).backend_tokenizer, bos_token=BOS, eos_token=EOS, pad_token=PAD,
        extra_special_tokens={"image_token": IMAGE},
    )  # fmt: skip
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=48, patch_size=16
    )
    config = DeepseekVLConfig(
        vision_config=vision, text_config=LlamaConfig(**TEXT, vocab_size=len(words)),
        image_token_id=words.get_vocab()[IMAGE], tie_word_embeddings=False,
    )  # fmt: skip
    images = DeepseekVLImageProcessorPil(size={"height": 48, "width": 48}, min_size=4)
    processor = DeepseekVLProcessor(images, words, chat_template=turns(IMAGE), num_image_tokens=9)
    return lively(DeepseekVLForConditionalGeneration(config)), processor


FAMILY = Family(build, sizes=((112, 56), (56, 112), (60, 60), (75, 40), (30, 20)), regions=False)
