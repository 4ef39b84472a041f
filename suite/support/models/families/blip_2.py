"""BLIP-2: a Q-Former of 8 queries between a vision transformer and an OPT."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import Family, lively, tokenizer

QUERIES = 8
VISION = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28,
    "patch_size": 14,
}  # fmt: skip
QFORMER = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 600,
}  # fmt: skip


def build() -> tuple[Any, Any]:
    from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2Processor, OPTConfig
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    processor = Blip2Processor(
        BlipImageProcessorPil(size={"height": 28, "width": 28}), tokenizer("<image>"), num_query_tokens=QUERIES
    )
    words = processor.tokenizer
    text = OPTConfig(
        vocab_size=len(words), hidden_size=32, word_embed_proj_dim=32, ffn_dim=48, num_hidden_layers=4,
        num_attention_heads=4, max_position_embeddings=128, bos_token_id=0, eos_token_id=1, pad_token_id=2,
    )  # fmt: skip
    config = Blip2Config(
        vision_config=VISION, qformer_config=QFORMER, text_config=text, num_query_tokens=QUERIES,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return lively(Blip2ForConditionalGeneration(config)), processor


FAMILY = Family(build, regions=False)
