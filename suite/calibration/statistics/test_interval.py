"""An interval reaches as far as resamples do, and further on the side where they are known to fall short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fixtures.statistics.curve import Curve
from fixtures.statistics.effect import Effect
from fixtures.statistics.estimate import tails
from fixtures.statistics.resampling import RESAMPLES, resampling

Array = NDArray[np.float64]

LAYERS = 40
LAYER = np.arange(LAYERS)
NARROW = -30.0 * np.exp(-0.5 * ((LAYER - 20) / 1.5) ** 2)
SAMPLES = 40


def curve(values: Array, label: str = "edge", resamples: int = 500) -> Curve:
    """A curve of questions, each about its own picture."""
    sample = resampling([f"image{question}" for question in range(len(values))], 0, resamples)
    return Curve(label, values, LAYER / LAYERS, "points", sample)


def noisy(mean: Array, seed: int, questions: int = 64, spread: float = 30.0) -> Array:
    return mean + spread * np.random.default_rng(seed).normal(size=(questions, LAYERS))


def mean_of(values: Array, resamples: int = 500) -> Effect:
    """The mean of one number a question."""
    return curve(np.tile(values[:, None], LAYERS), resamples=resamples).at(0.5)


def percentiles(effect: Effect) -> tuple[float, float]:
    low, high = np.quantile(effect.draws[1:], tails(effect.images), method="weibull")
    return float(low), float(high)


def average(numbers: Sequence[float]) -> float:
    return float(np.mean(numbers))


def test_where_nothing_is_known_to_be_missed_it_is_of_percentiles() -> None:
    draws = np.random.default_rng(0).normal(size=2001)
    effect = Effect(label="effect", unit="points", n=64, images=64, draws=draws)
    assert effect.interval == pytest.approx(percentiles(effect), rel=1e-12)


def test_images_that_are_as_many_above_as_below_stretch_neither_side() -> None:
    half = np.random.default_rng(1).exponential(size=32)
    effect = mean_of(np.concatenate([half, -half]))
    spread = effect.draws[1:].std()
    assert effect.interval == pytest.approx(percentiles(effect), abs=0.35 * spread)


def test_it_goes_further_to_the_side_of_images_that_are_few_and_far() -> None:
    values = np.random.default_rng(2).exponential(size=64) ** 2
    for sign in (1, -1):
        effect = mean_of(sign * values)
        low, high = percentiles(effect)
        nearer, further = (effect.low - low, high - effect.high)[::sign]
        assert nearer == pytest.approx(0, abs=1e-9)
        assert further < -0.3 * effect.draws[1:].std()


def test_means_of_few_that_react_are_covered_from_above_too() -> None:
    """A mean like that of a lens near 0: one interval of percentiles in fifteen lies entirely below it."""
    generator, samples = np.random.default_rng(3), 400
    effects = [mean_of(generator.uniform(size=64) ** (1 / 0.05 - 1)) for _ in range(samples)]
    assert sum(percentiles(effect)[1] < 0.05 for effect in effects) > 0.06 * samples
    assert sum(effect.high < 0.05 for effect in effects) < 0.05 * samples


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-3, 3), st.sampled_from([0.5, 1, 2]))
def test_a_p_value_is_at_its_level_where_the_interval_ends(seed: int, bias: float, power: float) -> None:
    """The interval holds the point estimate, however far from it the resamples lie."""
    effect = mean_of(np.random.default_rng(seed).exponential(size=64) ** power, RESAMPLES)
    beside = bias * float(effect.draws[1:].std())
    moved = np.concatenate([effect.draws[:1], effect.draws[1:] + beside])
    effect = replace(effect, draws=moved, bias=2 * beside)
    for end, outwards in zip(effect.interval, (-1e-9, 1e-9), strict=True):
        assert effect.p(end) == pytest.approx(0.05, abs=0.02)
        assert effect.p(end - outwards) >= 0.05 >= effect.p(end + outwards)


def test_without_spread_a_p_value_is_none_or_all() -> None:
    still = Effect(label="still", unit="points", n=64, images=64, draws=np.array([10.0, 9.0, 9.0]), bias=-2.0)
    assert still.interval == (9.0, 11.0)
    assert [still.p(bound) for bound in (8.9, 10.5, 11.1)] == [0, 1, 0]


def test_a_bound_beyond_all_that_such_a_number_can_be_is_left_out() -> None:
    correlation = curve(noisy(NARROW, 0, spread=2.0))
    correlation = correlation.rank_correlation(curve(correlation.values + noisy(0 * NARROW, 1, spread=0.5)))
    assert correlation.high == 1
    assert correlation.p(1.1) == 0
    assert correlation.p(-1.1) == 0


def test_what_resamples_miss_on_one_side_is_added_there_alone() -> None:
    effect = mean_of(np.random.default_rng(4).normal(size=64))
    below, above = replace(effect, bias=-2.0), replace(effect, bias=2.0)
    assert below.interval == pytest.approx((effect.low, effect.high + 2))
    assert above.interval == pytest.approx((effect.low - 2, effect.high))
    assert (-below).bias == 2
    assert (below - 0.5 * above).bias == -3


def test_a_narrow_trough_is_read_beside_its_layer_and_that_is_known() -> None:
    effects = [curve(noisy(NARROW, seed)).drop() for seed in range(SAMPLES)]
    missed = average([float(effect.draws[1:].mean()) - 30 for effect in effects])
    bias = average([effect.bias for effect in effects])
    assert missed < -1
    assert 0.5 < bias / missed < 2


def test_where_all_layers_are_level_none_is_beside_the_lowest() -> None:
    effects = [curve(noisy(0 * NARROW, seed)).drop() for seed in range(SAMPLES)]
    spread = average([effect.draws[1:].std() for effect in effects])
    assert abs(average([effect.bias for effect in effects])) < 0.4 * spread


def test_without_noise_nothing_is_missed() -> None:
    exact = curve(np.tile(NARROW, (30, 1)))
    for effect in (exact.drop(), exact.largest_change(), exact.rank_correlation(exact)):
        assert effect.bias == pytest.approx(0, abs=1e-9)
        assert effect.interval == pytest.approx((effect.value, effect.value), abs=1e-9)


def test_where_noise_ranks_the_layers_nothing_is_read_of_their_order() -> None:
    for depth in (0.0, 1.0):
        values = noisy(depth * NARROW, 5)
        correlation = curve(values).rank_correlation(curve(values))
        assert any(
            gate.startswith("nothing to rank: the layers of edge are ranked alike") for gate in correlation.gates
        )
        assert correlation.at_least(0.8).verdict == correlation.at_most(0.5).verdict == "inconclusive"
    assert not curve(np.tile(NARROW, (30, 1))).rank_correlation(curve(np.tile(NARROW, (30, 1)))).gates


def test_noise_takes_from_a_rank_correlation_what_its_interval_gives_back() -> None:
    ones = NARROW - 20 / (1 + np.abs(LAYER - 18))
    others = NARROW - 20 / (1 + np.abs(LAYER - 22))
    truth = curve(np.tile(ones, (30, 1))).rank_correlation(curve(np.tile(others, (30, 1)))).value
    correlations = [
        curve(noisy(ones, seed, spread=2.0)).rank_correlation(curve(noisy(others, seed + SAMPLES, spread=2.0)))
        for seed in range(SAMPLES)
    ]
    assert average([effect.value for effect in correlations]) < truth - 0.01
    assert sum(percentiles(effect)[1] < truth for effect in correlations) > 0.8 * SAMPLES
    assert sum(effect.high < truth for effect in correlations) < 0.2 * SAMPLES


def test_no_correlation_is_above_one() -> None:
    values = noisy(NARROW, 0, spread=5.0)
    correlation = curve(values).rank_correlation(curve(values + noisy(0 * NARROW, 1, spread=1.0)))
    assert correlation.bias < 0
    assert correlation.value < correlation.high <= 1
