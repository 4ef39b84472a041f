"""PaliGemma 2: a Gemma 2 with soft caps, and in every other layer a window wider than its prompts."""

from __future__ import annotations

from suite.support.models.tiny_paligemma import family

FAMILY = family("gemma2", sliding_window=4096, query_pre_attn_scalar=8)
