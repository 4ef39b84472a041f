"""InstructBLIP: a Q-Former of 8 queries that reads the prompt too, between a vision transformer and a Llama."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer
from suite.support.models.families.blip_2 import QFORMER, QUERIES, VISION


def build() -> tuple[Any, Any]:
    from transformers import (
        InstructBlipConfig,
        InstructBlipForConditionalGeneration,
        InstructBlipProcessor,
        LlamaConfig,
    )
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    processor = InstructBlipProcessor(
        BlipImageProcessorPil(size={"height": 28, "width": 28}), tokenizer("<image>"), tokenizer("<query>"),
        num_query_tokens=QUERIES,
    )  # fmt: skip
    words = processor.tokenizer
    config = InstructBlipConfig(
        vision_config=VISION, qformer_config=QFORMER, text_config=LlamaConfig(**TEXT, vocab_size=len(words)),
        num_query_tokens=QUERIES, image_token_index=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return lively(InstructBlipForConditionalGeneration(config)), processor


FAMILY = Family(build, regions=False)
