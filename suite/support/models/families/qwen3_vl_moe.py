"""Qwen3-VL with experts: two of four for each token. A replay must choose the same two as the model."""

from __future__ import annotations

from suite.support.models.tiny_qwen import family

FAMILY = family(
    "Qwen3VLMoe", reads_with="Qwen3VL",
    text={"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "decoder_sparse_step": 1},
    hidden_size=16, intermediate_size=32, out_hidden_size=32, num_position_embeddings=64,
    deepstack_visual_indexes=[0, 1],
)  # fmt: skip
