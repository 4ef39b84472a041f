"""Qwen2-VL: patches of 7 pixels merged two by two, and a Qwen2."""

from __future__ import annotations

from suite.support.models.tiny_qwen import family

FAMILY = family("Qwen2VL", embed_dim=16, hidden_size=32, mlp_ratio=2)
