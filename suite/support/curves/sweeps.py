"""Measures the distance of two sweeps, and how far a knockout moves the answer."""

from __future__ import annotations

import numpy as np

from fixtures.instruments.engines.engine import EngineResult

MOVED = 0.01
"""The least share of p1 that a knockout must move before a comparison says anything."""


def log_difference(one: EngineResult, other: EngineResult) -> float:
    """The largest difference of log-probabilities, p1 among them; both sweeps must have the same values missing."""
    assert np.array_equal(one.reached, other.reached)
    assert np.array_equal(np.isnan(one.knocked), np.isnan(other.knocked))
    between = [np.log(one.baseline) - np.log(other.baseline), np.log(one.knocked) - np.log(other.knocked)]
    return max(float(np.nanmax(np.abs(difference))) for difference in between)


def most_moved(result: EngineResult) -> float:
    return float(np.nanmax(np.abs(result.knocked / result.baseline[:, None, None] - 1)))
