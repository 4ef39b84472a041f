"""Troughs are runs of layers with a place in their middle; two falls without a rise between them are one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.statistics.troughs import LEAST_DEPTH, LEAST_RISE, troughs
from suite.support.curves.stages import LAYERS, TWO_STAGES, Array


def level(*runs: tuple[int, int, float]) -> Array:
    """A curve of zeros with *runs* from a first to a last layer at a height."""
    curve = np.zeros(LAYERS)
    for first, last, height in runs:
        curve[first : last + 1] = height
    return curve


def layers_of(curve: Array) -> list[float]:
    """The layers of a curve's troughs, from layer 0."""
    middles = troughs(curve[None]).middles[0]
    return middles[~np.isnan(middles)].tolist()


@pytest.mark.parametrize(
    ("curve", "layers"),
    [
        (TWO_STAGES, [2, 10]),
        (level(), []),
        (level((0, 39, -60)), [19.5]),
        (level((3, 11, -24)), [7]),
        (level((0, 4, -60), (5, 12, -24)), [2]),
        (level((0, 4, -24), (5, 12, -60)), [8.5]),
        (level((0, 4, -60), (16, 24, -24)), [2, 20]),
        (level((0, 4, -60), (5, 5, -56), (6, 9, -60)), [2, 7.5]),
        (level((0, 4, -60), (5, 5, -58), (6, 9, -60)), [4.5]),
        (level((36, 39, -20)), [37.5]),
        (level((10, 20, 20)), []),
        (level((4, 8, 30), (9, 12, -2)), []),
    ],
    ids=str,
)
def test_troughs_are_where_they_were_put(curve: Array, layers: list[float]) -> None:
    assert layers_of(curve) == layers


def slow_troughs(curve: list[float]) -> list[float]:
    """The troughs of a curve by loops: one walk that turns where the curve has left its latest extremum."""
    lows: list[int] = []
    crests: list[int] = []
    place, falls = 0, True
    for layer, value in enumerate(curve):
        away = value - curve[place] if falls else curve[place] - value
        if away >= LEAST_RISE:
            (lows if falls else crests).append(place)
            place, falls = layer, not falls
        elif away < 0:
            place = layer
    lows += [place] if falls else []
    return [middle_of_run(curve, low, crests) for low in lows if curve[low] <= -LEAST_DEPTH]


def middle_of_run(curve: list[float], low: int, crests: list[int]) -> float:
    first = last = low
    while first > 0 and curve[first - 1] < curve[low] / 2 and first - 1 not in crests:
        first -= 1
    while last + 1 < len(curve) and curve[last + 1] < curve[low] / 2 and last + 1 not in crests:
        last += 1
    return (first + last) / 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([-40.0, -20.0, -9.0, -6.0, -4.0, -2.0, 0.0, 3.0]), min_size=1, max_size=14))
def test_they_are_those_of_slow_loops(curve: list[float]) -> None:
    assert layers_of(np.array(curve)) == slow_troughs(curve)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_curves_know_nothing_of_each_other(seed: int, count: int) -> None:
    curves = np.random.default_rng(seed).normal(-5, 8, (count, 20))
    together = troughs(curves)
    for row, curve in enumerate(curves):
        assert np.array_equal(together.middles[row], troughs(curve[None]).middles[0], equal_nan=True)


def test_the_second_is_the_most_prominent_after_the_first() -> None:
    curves = np.stack([level((0, 3, -50), (8, 8, -12), (12, 12, -30)), level((0, 3, -50))])
    every = troughs(curves)
    first = every.lowest_of_first
    assert first.tolist() == [0, 0]
    assert every.most_prominent_after(first, 7, 17).tolist() == [12, -1]
    assert every.most_prominent_after(first, 7, 11).tolist() == [8, -1]
    assert every.most_prominent_after(np.array([-1, -1]), 7, 17).tolist() == [-1, -1]
    assert every.middle_of(every.most_prominent_after(first, 7, 17)).tolist() == pytest.approx(
        [12, np.nan], nan_ok=True
    )
    assert troughs(level((2, 4, -20), (9, 13, -50))[None]).lowest_of_deepest.tolist() == [9]
