"""PaliGemma, on Gemma."""

from __future__ import annotations

from suite.calibration.tiny_paligemma import family

FAMILY = family("gemma")
