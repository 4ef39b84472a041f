"""Qwen2-VL."""

from __future__ import annotations

from suite.support.models.tiny_qwen import family

FAMILY = family("Qwen2VL", embed_dim=16, hidden_size=32, mlp_ratio=2)
