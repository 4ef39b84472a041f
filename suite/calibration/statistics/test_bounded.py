"""Bounds for few questions: exact where the exact answer is known, and right as often as they say elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta

from fixtures.statistics.bounded import chance_above, upper_end
from fixtures.statistics.estimate import TAIL
from fixtures.statistics.terms import Terms

Array = NDArray[np.float64]


def with_worst(values: Array, worst: float) -> tuple[Array, Array]:
    """The sums and sizes of a mean of *values*, with an image that the sample lacks."""
    return np.append(values, worst)[None], np.ones(len(values) + 1)


@pytest.mark.parametrize("questions", [8, 64, 128, 1000])
def test_of_all_or_nothing_it_is_the_interval_of_clopper_and_pearson(questions: int) -> None:
    for hits in {0, 1, 3, questions // 2, questions - 1}:
        sums, sizes = with_worst((np.arange(questions) < hits).astype(np.float64), 1.0)
        exact = beta.ppf(1 - TAIL, hits + 1, questions - hits)
        assert upper_end(sums, sizes, TAIL) == pytest.approx(exact, rel=0.005)
        assert chance_above(np.array([exact]), sums, sizes) == pytest.approx(TAIL, rel=0.05)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 60), st.sampled_from([0.2, 1.0, 3.0]))
def test_it_is_the_quantile_of_means_with_random_weights(seed: int, questions: int, shape: float) -> None:
    draw = np.random.default_rng(seed)
    sums, sizes = with_worst(-100 * draw.beta(shape, shape, questions), 150.0)
    weights = draw.exponential(size=(40_000, questions + 1))
    means = weights @ sums[0] / weights.sum(axis=1)
    assert np.mean(means > upper_end(sums, sizes, TAIL)[0]) == pytest.approx(TAIL, abs=0.004)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 0.4))
def test_a_chance_and_its_end_are_each_other_s_reverse(seed: int, tail: float) -> None:
    draw = np.random.default_rng(seed)
    values, sizes = draw.normal(0, 30, (3, 25)), draw.uniform(0.5, 3, 25)
    ends = upper_end(values * sizes, sizes, tail)
    assert chance_above(ends, values * sizes, sizes) == pytest.approx(tail, rel=0.01, abs=1e-4)


def test_of_values_that_are_all_the_worst_nothing_is_further() -> None:
    sums, sizes = with_worst(np.full(20, 7.0), 7.0)
    assert upper_end(sums, sizes, TAIL) == pytest.approx(7.0)
    assert chance_above(np.array([6.9, 7.1]), np.repeat(sums, 2, axis=0), sizes).tolist() == [1.0, 0.0]


def test_sums_and_sizes_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="3 sums of 2 images: give each image one"):
        chance_above(np.zeros(1), np.zeros((1, 3)), np.ones(2))


# ---- terms


def mean_of(values: NDArray[Any], images: NDArray[np.intp] | None = None) -> Terms:
    image_of = np.arange(len(values)) if images is None else images
    return Terms.of(np.bincount(image_of, values) / len(values), np.bincount(image_of) / len(values), -100, 100)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("questions", [64, 128])
def test_means_that_few_questions_make_are_covered_on_either_side(share: float, questions: int) -> None:
    draw, samples = np.random.default_rng(0), 600
    ends = np.array([mean_of(-100.0 * (draw.random(questions) < share)).ends(TAIL) for _ in range(samples)])
    low, high = ends.T
    assert np.mean(low > -100 * share) <= 0.035
    assert np.mean(high < -100 * share) <= 0.035


def test_questions_about_one_image_count_as_what_they_have_in_common() -> None:
    """Images of 1 to 6 questions that react alike; 37 such images know as little as 30 independent questions."""
    draw, samples, missed = np.random.default_rng(1), 1000, 0
    for _ in range(samples):
        images = np.repeat(np.arange(37), draw.integers(1, 7, 37))
        values = -100.0 * (draw.random(37) < 0.05)[images]
        missed += mean_of(values, images).ends(TAIL)[0] > -5
    assert missed <= 0.035 * samples


def test_where_nothing_is_seen_images_of_many_questions_count_as_few() -> None:
    sizes = np.arange(60) % 6 + 1
    terms = mean_of(np.zeros(sizes.sum()), np.repeat(np.arange(60), sizes))
    independent = sizes.sum() ** 2 / (sizes**2).sum()
    assert terms.ends(TAIL)[1] == pytest.approx(100 * (1 - TAIL ** (1 / independent)), rel=0.05)


@given(st.integers(0, 2**32 - 1))
def test_a_number_and_its_negative_have_the_same_ends(seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-100, 100, 40)
    low, high = mean_of(values).ends(TAIL)
    assert mean_of(-values).ends(TAIL) == pytest.approx((-high, -low))
    for end, side in ((low, -1), (high, 1)):
        assert mean_of(values).chance_beyond(end, side) == pytest.approx(TAIL, rel=0.01)
