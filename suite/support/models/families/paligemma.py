"""PaliGemma: SigLIP with patches of 14 pixels, and a Gemma."""

from __future__ import annotations

from suite.support.models.tiny_paligemma import family

FAMILY = family("gemma")
