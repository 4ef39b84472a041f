"""How far two sweeps lie apart, and how far a knockout moves the answer."""

from __future__ import annotations

import numpy as np

from fixtures.instruments.engines.engine import EngineResult

MOVED = 0.01
"""What a knockout must make of p1 for a comparison to say anything, as a part of it."""


def log_difference(one: EngineResult, other: EngineResult) -> float:
    """The largest difference of log-probabilities, p1 among them; both must know the same."""
    assert np.array_equal(one.reached, other.reached)
    assert np.array_equal(np.isnan(one.knocked), np.isnan(other.knocked))
    between = [np.log(one.baseline) - np.log(other.baseline), np.log(one.knocked) - np.log(other.knocked)]
    return max(float(np.nanmax(np.abs(difference))) for difference in between)


def most_moved(found: EngineResult) -> float:
    return float(np.nanmax(np.abs(found.knocked / found.baseline[:, None, None] - 1)))
