"""Draws take whole images within halves that no claim chooses, and intervals cover what they say they do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from fixtures.flow import FIRST, MIDDLE, SECOND
from fixtures.statistics.effect import Effect
from fixtures.statistics.estimate import tails
from fixtures.statistics.resampling import Resampling, resampling
from fixtures.statistics.stages import Stages
from suite.support.curves.stages import LAYER, LAYERS, Array, bump, knockout, names

# ---- halves and draws


@given(
    images=st.lists(st.integers(0, 30), min_size=2, max_size=60),
    seeds=st.tuples(st.integers(0, 2**64), st.integers(0, 2**64)),
)
def test_the_halves_are_balanced_and_no_claims_own(images: list[int], seeds: tuple[int, int]) -> None:
    first, second = (resampling([str(image) for image in images], seed, 3) for seed in seeds)
    held = [len(set(first.image_of[first.image_of < first.first_half])), len(set(images))]
    assert abs(2 * held[0] - held[1]) <= 1
    assert (first.image_of == second.image_of).all()
    assert first.first_half == second.first_half


@given(images=st.sets(st.text("abcdef", min_size=1), min_size=4, max_size=40), left_out=st.integers(0, 39))
def test_an_image_more_or_less_moves_at_most_one_other_between_the_halves(images: set[str], left_out: int) -> None:
    def first_half(of: list[str]) -> set[str]:
        sample = resampling(of, 4, 1)
        return set(sample.images[: sample.first_half])

    everyone = sorted(images)
    gone = everyone.pop(left_out % len(everyone))
    assert len((first_half(sorted(images)) ^ first_half(everyone)) - {gone}) <= 1


def test_every_draw_takes_whole_images_within_their_half() -> None:
    sample = resampling(names(50), 5, 100)
    assert sample.weights.shape == (101, 50)
    assert (sample.weights[0] == 1).all()
    assert (sample.weights[:, ::2] == sample.weights[:, 1::2]).all()
    sizes = np.stack([sample.counts[1:, half].sum(axis=1) for half in sample.halves])
    assert (sizes == np.array([[12], [11]])).all()


def test_resampled_means_vary_as_means_of_images_do() -> None:
    """The variance of a mean of H images is that between them over H, not a part 1/H less."""
    values = np.random.default_rng(0).normal(size=(12, 1))
    sample = resampling(names(12, each=1), 1, 60_000)
    for half, means in zip(sample.halves, sample.means(values).halves, strict=True):
        members = np.isin(sample.image_of, np.arange(12)[half])
        assert means[1:].var() == pytest.approx(values[members].var(ddof=1) / 6, rel=0.05)


# ---- intervals cover the truth


def test_percentile_levels_widen_as_students_t() -> None:
    for images in (20, 64, 128, 1000):
        low, high = tails(images)
        expected = t.ppf(0.975, images - 2)
        assert (low, high) == pytest.approx((1 - high, high))
        assert high == pytest.approx(norm.cdf(expected), abs=2e-5)


def test_intervals_cover_what_they_say() -> None:
    """Questions as skewed as relative changes are, two to an image, in samples of 64 images."""
    latent = {"first": 1.3 * (LAYER < 5) - bump(11, 2, 0.5), "second": -bump(18, 4, 0.8), "silent": 0 * LAYER}

    def draw(images: int, generator: np.random.Generator) -> dict[str, Array]:
        image_of = np.repeat(np.arange(images), 2)
        susceptible = np.exp(0.8 * generator.normal(size=images)[image_of] + 0.5 * generator.normal(size=2 * images))
        answered = 2.2 + generator.normal(size=2 * images)

        def changes(effect: Array) -> Array:
            error = 0.3 * generator.normal(size=(2 * images, LAYERS))
            after = answered[:, None] - 3 * susceptible[:, None] * effect + error
            return 100 * ((1 + np.exp(-answered[:, None])) / (1 + np.exp(-after)) - 1)

        return {name: changes(effect) for name, effect in latent.items()}

    def read(changes: dict[str, Array], sample: Resampling) -> dict[str, Effect]:
        first, second, silent = (knockout(changes[name], sample) for name in latent)
        return {
            "drop": second.drop(),
            "paired difference": first.drop(FIRST) - second.drop(),
            "prominence": Stages(first).prominence(),
            "share": second.share(MIDDLE),
            "centre": first.centre(),
            "difference of centres": second.centre() - first.centre(),
            "value at a trough": second.drop(at=first.trough(SECOND)),
            "largest change of nothing": silent.largest_change(),
        }

    generator = np.random.default_rng(7)
    truth = read(draw(20_000, generator), resampling(names(40_000), 0, 1))
    trials = 300
    covered = dict.fromkeys(truth, 0)
    for seed in range(trials):
        effects = read(draw(64, generator), resampling(names(128), seed, 400))
        for name, effect in effects.items():
            covered[name] += effect.low <= truth[name].value <= effect.high
    # A coverage of 0.95 falls below 0.91 in one of 400 such simulations.
    assert all(count >= 0.91 * trials for count in covered.values()), covered
    assert covered["drop"] <= 0.985 * trials
    assert covered["paired difference"] <= 0.985 * trials
