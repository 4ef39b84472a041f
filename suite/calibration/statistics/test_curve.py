"""What is planted in a curve is found, what is not is not, and nonsense is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fixtures.flow import FIRST, MIDDLE, SECOND, Band
from fixtures.statistics.curve import Curve
from fixtures.statistics.effect import Effect
from fixtures.statistics.pooled_curve import PooledCurve
from fixtures.statistics.profile import MINIMUM_IMAGES
from fixtures.statistics.resampling import resampling
from suite.support.curves.stages import (
    LAYER,
    LAYERS,
    MIDDLE_STAGE,
    TWO_STAGES,
    exact,
    knockout,
    lens,
    names,
    noisy,
)

# ---- what is planted is found


def test_curves_without_noise_give_back_what_was_planted() -> None:
    curve, middle = exact(TWO_STAGES), exact(MIDDLE_STAGE)
    planted: list[tuple[Effect, float]] = [
        (curve.drop(), 60),
        (curve.drop(FIRST), 60),
        (curve.drop(SECOND), 29),
        (curve.largest_change(), 60),
        (curve.trough_layer(), 2),
        (curve.median(), -0.5 + 469 / 2 / 60),
        (curve.end(), 12.5 - 46.9 / 29),
        (curve.overlap(curve), 1),
        (curve.overlap(middle), 0),
        (curve.centre(), float(LAYER @ TWO_STAGES / TWO_STAGES.sum())),
        (curve.share(FIRST), 300 / (300 + 24 + 145)),
        (curve.mean(FIRST), -60),
        (curve.at(0.25), -29),
        (middle.drop(at=curve.trough(FIRST)), 0),
        (middle.share(MIDDLE), 1),
        (curve.drop() - 0.5 * middle.drop(), 45),
        (-curve.drop() + middle.drop(), -30),
    ]
    for effect, value in planted:
        assert (effect.value, effect.low, effect.high) == pytest.approx((value, value, value)), effect.label
        assert effect.twin is None


def test_lens_curves_without_noise_give_back_what_was_planted() -> None:
    rise = np.interp(np.arange(LAYERS + 1), [0, 16, 20, 24, 40], [0, 0, 0.6, 0.2, 0])
    answer = exact(rise, lens)
    for effect, value in (
        (answer.peak(), 60),
        (answer.peak_layer(), 20),
        (answer.peak_depth(), 0.5),
        (answer.half_peak(), 18),
        (answer.at(1.0), 0),
        (answer.at(answer.crest()), 60),
        (answer.mean(Band("early", 0, 12)), 0),
    ):
        assert effect.value == pytest.approx(value, abs=1e-9), effect.label


# ---- what is not there is not found


@pytest.mark.parametrize("statistic", [Curve.drop, Curve.largest_change])
def test_a_true_zero_over_forty_layers_is_not_read_as_a_drop(statistic: Callable[[Curve], Effect]) -> None:
    generator, sample = np.random.default_rng(0), resampling(names(64, each=1), 0, 1)
    curves = [knockout(generator.normal(0, 20, (64, LAYERS)), sample) for _ in range(400)]
    read = np.array([statistic(curve).value for curve in curves])
    naive = np.array([-curve.values.mean(axis=0).min() for curve in curves])
    standard_error = read.std() / np.sqrt(len(read))
    assert abs(read.mean()) < 3 * standard_error
    assert naive.mean() > 30 * standard_error


def test_a_layer_adds_little_but_its_drop_to_the_mass_below_zero() -> None:
    """Clipped at zero, a silent layer would add 0.40 standard errors; read across, a small drop lose 0.24."""
    generator, sample = np.random.default_rng(1), resampling(names(400, each=1), 0, 1)
    for drop in (0.0, 0.5, 1.0, 1.5, 3.0):
        # A deep layer, and a thousand whose means have a standard error of 1.
        values = np.hstack([np.full((400, 1), -1000.0), generator.normal(-drop, 20, (400, 1000))])
        share = knockout(values, sample).share(Band("deep", 0, 0))
        mass = 1000 * (1 / share.value - 1)
        assert abs(mass / 1000 - drop) < 0.14 + 3 * 0.6 / np.sqrt(1000)


def test_nothing_is_located_where_nothing_drops() -> None:
    curve = knockout(np.random.default_rng(0).normal(0, 20, (64, LAYERS)), resampling(names(64), 0, 200))
    for effect in (
        curve.centre(),
        curve.share(MIDDLE),
        curve.trough_layer(),
        curve.end(),
        curve.drop(at=curve.trough()),
    ):
        evidence = effect.at_least(0)
        assert evidence.verdict == "inconclusive"
        assert "nothing to locate: edge drops" in evidence.reason
        assert "needs a lower end above 5" in evidence.reason
    silent = lens(np.full((64, 5), 0.001), resampling(names(64), 0, 200))
    assert "needs a lower end above 2" in silent.peak_depth().within(0, 1).reason
    assert not silent.peak().gates


# ---- questions that cannot be asked


def test_questions_that_cannot_be_asked_drop_out_of_their_edge_alone() -> None:
    generator = np.random.default_rng(2)
    sample = resampling(names(60), 0, 100)
    values, other = noisy(TWO_STAGES, 60, generator), knockout(noisy(MIDDLE_STAGE, 60, generator), sample)
    values[:7] = np.nan
    curve = knockout(values, sample)
    assert (curve.n, curve.images, other.n) == (53, 27, 60)
    assert curve.mean().value == pytest.approx(values[7:].mean())
    assert (curve.drop() - other.drop()).draws == pytest.approx(curve.drop().draws - other.drop().draws)
    assert (curve.drop() - other.drop()).n == 53
    assert (other - curve).mean().value == pytest.approx((other.values - values)[7:].mean())


def test_too_few_questions_settle_nothing_and_their_empty_draws_are_dropped() -> None:
    values = np.tile(TWO_STAGES, (60, 1))
    sample = resampling(names(60), 0, 300)
    halves = sample.image_of < sample.first_half
    few = [*np.flatnonzero(halves)[:4], *np.flatnonzero(~halves)[:24]]
    values[np.setdiff1d(np.arange(60), few)] = np.nan
    effect = knockout(values, sample).drop()
    empty = int((sample.weights[:, few[:4]].sum(axis=1) == 0).sum())
    assert empty == np.isnan(effect.draws).sum() > 0
    assert effect.notes == (f"{empty} of 300 resamples dropped: they hold nothing to read",)
    assert (effect.value, effect.low, effect.high) == pytest.approx((60, 60, 60))
    evidence = effect.at_least(40)
    assert evidence.verdict == "inconclusive"
    assert evidence.reason == f"too few questions: 2 images in a half of them, at least {MINIMUM_IMAGES} are needed"


def test_an_edge_that_no_question_has_reads_as_nothing() -> None:
    curve = knockout(np.full((40, 12), np.nan), resampling(names(40), 0, 20))
    for effect in (
        curve.drop(),
        curve.centre(),
        curve.trough_layer(),
        curve.largest_change(),
        curve.overlap(curve),
    ):
        assert np.isnan([effect.value, effect.low, effect.high]).all()
        assert effect.at_least(0).verdict == effect.at_most(0).verdict == "inconclusive"


# ---- twins and notes


def test_the_twin_is_the_change_of_mean_probability() -> None:
    generator = np.random.default_rng(0)
    baseline = generator.uniform(0.01, 1, 64)
    values = noisy(TWO_STAGES, 64, generator)
    curve = knockout(values, resampling(names(64), 0, 20), baseline)
    after = baseline[:, None] * (1 + values / 100)
    assert curve.at(0.25).twin == pytest.approx(100 * (after[:, 10].mean() / baseline.mean() - 1))
    drop, halves = curve.drop(SECOND), curve.resampling.image_of < curve.resampling.first_half
    read = [
        100 * (1 - after[~half, layer].mean() / baseline[~half].mean())
        for half in (halves, ~halves)
        for layer in [7 + values[half, 7:18].mean(axis=0).argmin()]
    ]
    assert drop.twin == pytest.approx(np.mean(read))
    assert (drop - 2.0 * drop).twin == pytest.approx(-np.mean(read))


def test_one_question_that_sways_a_mean_is_told_but_not_named() -> None:
    values = np.full((64, LAYERS), -1.0)
    values[9, :5] = -40.0
    curve = knockout(values, resampling(names(64), 0, 20))
    assert curve.drop(FIRST).notes == ("one question makes 39 % of edge",)
    assert not curve.at(0.5).notes


# ---- nonsense


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"values": np.zeros((0, 5))}, "not .60 questions, points"),
        ({"values": np.zeros((59, 5))}, "not .60 questions, points"),
        ({"values": np.zeros((60, 0)), "depth": np.zeros(0)}, "not .60 questions, points"),
        ({"values": np.full((60, 5), np.inf)}, "NaN or infinite in part"),
        ({"values": np.where(np.arange(5) == 2, np.nan, np.zeros((60, 5)))}, "NaN or infinite in part"),
        ({"depth": np.arange(4) / 4}, "depth must place 5 points"),
        ({"depth": np.arange(5) / 4}, "depth must place 5 points"),
        ({"baseline": np.zeros(60)}, "baseline"),
        ({"baseline": np.ones(3)}, "baseline"),
        ({"values": np.full((60, 5), 40.0), "depth": np.arange(5) / 4, "kind": "lens"}, "not percent"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(change: dict[str, Any], complaint: str) -> None:
    sound = exact(np.zeros(5))
    with pytest.raises(ValueError, match=complaint):
        replace(sound, **change)


def test_what_does_not_belong_together_is_refused() -> None:
    curve = exact(TWO_STAGES)
    stranger = knockout(np.tile(TWO_STAGES, (60, 1)), resampling(names(60), 1, 50))
    for compare in (
        lambda: curve.drop() - stranger.drop(),
        lambda: curve.drop(at=stranger.trough()),
        lambda: curve.rank_correlation(stranger),
        lambda: curve - stranger,
    ):
        with pytest.raises(ValueError, match="compare curves of one"):
            compare()
    with pytest.raises(ValueError, match="compare curves of one"):
        curve.overlap(stranger)
    with pytest.raises(ValueError, match="do not pool"):
        PooledCurve({})
    with pytest.raises(ValueError, match="do not pool"):
        PooledCurve({"a": curve, "b": exact(np.zeros(12))})
    with pytest.raises(ValueError, match="nothing to draw"):
        resampling([], 0)
