"""A p-value says what the verdict says, for effects, for accuracy and for rows of several parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.statistics.effect import Effect
from fixtures.statistics.proportion import Proportion


@settings(max_examples=60, deadline=None)
@given(st.floats(-3, 3), st.integers(12, 400), st.integers(0, 2**32 - 1))
def test_a_p_value_and_a_verdict_say_the_same(centre: float, images: int, seed: int) -> None:
    """Below 0.05 where the interval leaves the bound out, above where it does not; at the very edge either."""
    draws = np.concatenate([[centre], np.random.default_rng(seed).normal(centre, 1, 2000)])
    effect = Effect(label="effect", unit="points", n=images, images=images, draws=draws)
    judged = effect.exceeds(0.0)
    assert judged.p == effect.p(0.0)
    if abs(effect.p(0.0) - 0.05) > 0.015:
        assert (judged.verdict == "inconclusive") == (effect.p(0.0) > 0.05)


def test_a_p_value_beyond_all_resamples_goes_on_falling() -> None:
    draws = np.concatenate([[0.0], np.random.default_rng(0).normal(0, 1, 2000)])
    effect = Effect(label="effect", unit="points", n=400, images=400, draws=draws)
    values = [effect.p(float(bound)) for bound in range(8)]
    assert values == sorted(values, reverse=True)
    assert values[2] == pytest.approx(0.0455, abs=0.02)
    assert 0 < values[7] < 1e-9
    still = Effect(label="effect", unit="points", n=40, images=40, draws=np.zeros(100))
    assert (still.p(0.0), still.p(1.0)) == (1.0, 0.0)


def test_p_values_of_parts() -> None:
    draws = np.concatenate([[0.0], np.random.default_rng(0).normal(0, 1, 2000)])
    effect = Effect(label="effect", unit="points", n=400, images=400, draws=draws)
    near, far = effect.exceeds(-2.5), effect.exceeds(-4.0)
    assert (near & far).p == near.p
    assert far.p is not None
    assert near.p is not None
    assert near.p > far.p
    missed, badly = effect.exceeds(2.5), effect.exceeds(4.0)
    assert badly.p is not None
    assert (missed & badly & far).p == pytest.approx(3 * badly.p)
    assert (near & effect.exceeds(0.0)).p is None, "undecided"
    assert (near & effect.recorded()).p == near.p
    assert effect.within(-3.0, 4.0).p == max(effect.p(-3.0), effect.p(4.0))


def test_accuracys_p_value_is_what_its_interval_inverts() -> None:
    accuracy = Proportion.of("accuracy", [True] * 190 + [False] * 10, [str(number) for number in range(200)])
    assert accuracy.p(95.0) == 1
    assert accuracy.p(accuracy.low) == pytest.approx(0.05, abs=1e-6)
    assert accuracy.p(accuracy.high) == pytest.approx(0.05, abs=1e-6)


def test_a_skewed_statistic_is_judged_by_its_resamples() -> None:
    """Where none of them reaches the bound, the claim is decided, however far the other tail spreads."""
    draws = np.concatenate([[1.0], np.random.default_rng(0).exponential(1, 2000)])
    judged = Effect(label="effect", unit="points", n=400, images=400, draws=draws).exceeds(-0.006)
    assert judged.verdict == "holds"
    assert judged.p is not None
    assert judged.p < 0.05
