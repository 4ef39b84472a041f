"""Intervals from each layer's mean and standard error alone, valid whatever the layers have in common.

Nobody publishes how the errors of layers or edges go together. So each layer gets an interval wide enough that all of
them hold at once (Bonferroni), and a statistic's interval is all that it can be within these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fixtures.statistics.estimate import CONFIDENCE, NORMAL
from fixtures.statistics.features import centre_of_mass, ratio
from suite.published.source import Floats, PublishedCurve


@dataclass(frozen=True)
class Interval:
    """A number with an interval of at least 95 %."""

    value: float
    low: float
    high: float

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.value - other.value, self.low - other.high, self.high - other.low)

    def __rmul__(self, factor: float) -> Interval:
        low, high = sorted((factor * self.low, factor * self.high))
        return Interval(factor * self.value, low, high)


@dataclass(frozen=True, eq=False)
class Tube:
    """Intervals [layers] around a mean curve that hold at once, together with those of *curves* - 1 other curves."""

    mean: Floats
    low: Floats
    high: Floats

    @classmethod
    def around(cls, curve: PublishedCurve, curves: int = 1) -> Tube:
        """The tube of a *curve* with errors, one of so many *curves* that a statistic reads together."""
        assert curve.error is not None
        reach = NORMAL.inv_cdf(1 - (1 - CONFIDENCE) / 2 / (len(curve.mean) * curves))
        return cls(curve.mean, curve.mean - reach * curve.error, curve.mean + reach * curve.error)

    def drop(self, layers: Sequence[int]) -> Interval:
        """Minus the lowest value in *layers*."""
        at = list(layers)
        return Interval(-float(self.mean[at].min()), -float(self.high[at].min()), -float(self.low[at].min()))

    def largest_change(self) -> Interval:
        """The largest change of either sign."""
        least = np.maximum(0.0, np.maximum(self.low, -self.high))
        most = np.maximum(np.abs(self.low), np.abs(self.high))
        return Interval(*(float(values.max()) for values in (np.abs(self.mean), least, most)))

    def share(self, layers: Sequence[int]) -> Interval:
        """The share of the curve below zero that lies in *layers*, from 0 to 1."""
        inside = np.isin(np.arange(len(self.mean)), layers)
        masses = (np.maximum(0.0, -self.mean), self._mass(~inside), self._mass(inside))
        return Interval(*(float(ratio(mass[inside].sum(), mass.sum())) for mass in masses))

    def centre(self) -> Interval:
        """The centre of mass of the curve below zero, in layers."""
        layer = np.arange(len(self.mean))
        masses = [self._mass(side) for start in range(len(layer) + 1) for side in (layer >= start, layer < start)]
        centres = np.array([float(centre_of_mass(mass)) for mass in masses if mass.any()] or [np.nan])
        return Interval(float(centre_of_mass(np.maximum(0.0, -self.mean))), centres.min(), centres.max())

    def _mass(self, is_large: np.ndarray) -> Floats:
        """The mass below zero that is as large as can be where *is_large*, and as small as can be elsewhere."""
        return np.maximum(0.0, np.where(is_large, -self.low, -self.high))
