"""Planted curves of 40 layers, the same for every question or with noise around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fixtures.statistics.curve import Curve
from fixtures.statistics.resampling import Resampling, resampling

LAYERS = 40
LAYER = np.arange(LAYERS)

Array = NDArray[np.float64]

TWO_STAGES = np.select([LAYER < 5, LAYER < 8, LAYER < 13], [-60.0, -8.0, -29.0], 0.0)
"""A first stage of 60 points and a second of 21 below its shoulder, as in the paper's figure 4."""

MIDDLE_STAGE = np.where((LAYER >= 14) & (LAYER < 24), -30.0, 0.0)
"""One stage of 30 points in the middle layers, as in the paper's figure 3."""


def bump(centre: float, width: float, depth: float) -> Array:
    return -depth * np.exp(-0.5 * ((LAYER - centre) / width) ** 2)


def names(count: int, each: int = 2) -> list[str]:
    """The image ids of *count* questions, *each* of them per image."""
    return [f"image{question // each}" for question in range(count)]


def knockout(values: Array, sample: Resampling, baseline: Array | None = None, label: str = "edge") -> Curve:
    points = values.shape[1]
    return Curve(label, values, np.arange(points) / points, "points", sample, baseline, "knockout")


def lens(values: Array, sample: Resampling) -> Curve:
    points = values.shape[1]
    return Curve("answer", values, np.arange(points) / (points - 1), "%", sample, None, "lens")


def exact(curve: Array, make: Callable[[Array, Resampling], Curve] = knockout) -> Curve:
    """A curve of questions that all have the same values."""
    return make(np.tile(curve, (60, 1)), resampling(names(60), 0, 50))


def noisy(curve: Array, questions: int, generator: np.random.Generator, spread: float = 25.0, images: int = 0) -> Array:
    """Questions around a mean *curve*; neighbouring layers share noise, and so do questions of one image."""
    image_of = np.arange(questions) * (images or questions) // questions
    steps = generator.normal(size=(questions, curve.size + 8))
    smooth = np.stack([steps[:, layer : layer + 9].mean(axis=1) * 3 for layer in range(curve.size)], axis=1)
    common = generator.normal(size=image_of.max() + 1)[image_of][:, None] * np.abs(curve) / 60
    return curve + spread * (0.8 * smooth * (0.2 + np.abs(curve) / 60) + 0.6 * common)
