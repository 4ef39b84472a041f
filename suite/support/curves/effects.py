"""Builds effects with a chosen interval."""

from __future__ import annotations

import numpy as np

from fixtures.statistics.effect import Effect


def effect(value: float, low: float, high: float, label: str = "drop of image->question", **rest: object) -> Effect:
    """An effect of many images with the interval from *low* to *high*."""
    draws = np.array([value] + [low] * 1000 + [high] * 1000, dtype=np.float64)
    about: dict[str, object] = {
        "unit": "points",
        "n": 128,
        "images": 10_000,
        "model_layers": 12,
        "layers": (0, 1),
    }
    return Effect(label=label, draws=draws, **{**about, **rest})  # type: ignore[arg-type]
