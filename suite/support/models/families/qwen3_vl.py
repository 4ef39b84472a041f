"""Qwen3-VL: features of the encoder's lower layers are added in the first layers of the decoder too."""

from __future__ import annotations

from suite.support.models.tiny_qwen import family

FAMILY = family(
    "Qwen3VL", hidden_size=16, intermediate_size=32, out_hidden_size=32, num_position_embeddings=64,
    deepstack_visual_indexes=[0, 1],
)  # fmt: skip
