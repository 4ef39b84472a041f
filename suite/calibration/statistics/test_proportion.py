"""A proportion's interval is the exact one of as many questions as its images are worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from fixtures.statistics.proportion import Proportion


@given(hits=st.lists(st.booleans(), min_size=1, max_size=300))
def test_without_shared_images_it_is_the_exact_interval(hits: list[bool]) -> None:
    accuracy = Proportion.of("accuracy", hits, [str(image) for image in range(len(hits))])
    expected = binomtest(sum(hits), len(hits)).proportion_ci(method="exact")
    assert accuracy.value == pytest.approx(100 * sum(hits) / len(hits))
    # Between single questions the variance divides by n - 1.
    widened = 1.0 if all(hits) or not any(hits) or len(hits) == 1 else len(hits) / (len(hits) - 1)
    assert accuracy.effective_n == pytest.approx(len(hits) / widened)
    assert accuracy.low <= 100 * expected.low + 1e-9
    assert accuracy.high >= 100 * expected.high - 1e-9


def test_questions_that_stand_and_fall_with_their_image_count_once() -> None:
    right = np.arange(50) % 5 > 0
    single = Proportion.of("accuracy", right, [str(image) for image in range(50)])
    double = Proportion.of("accuracy", np.repeat(right, 2), [str(image) for image in range(50) for _ in "ab"])
    # The similarity within so many images is estimated a little less well than from single questions.
    assert double.effective_n == pytest.approx(single.effective_n, rel=0.03)
    assert double.effective_n < single.effective_n
    assert double.low <= single.low < single.high <= double.high
    assert (double.n, double.images) == (100, 50)


def test_questions_that_differ_within_images_count_no_more_than_once_each() -> None:
    accuracy = Proportion.of("accuracy", [True, False] * 40, [str(question // 2) for question in range(80)])
    assert 0.95 * 80 < accuracy.effective_n <= 80


def test_all_right_is_as_sure_as_there_are_images() -> None:
    accuracy = Proportion.of("accuracy", [True] * 128, [str(question // 2) for question in range(128)])
    assert accuracy.effective_n == 64
    assert (accuracy.value, accuracy.high) == (100, 100)
    assert accuracy.low == pytest.approx(100 * binomtest(64, 64).proportion_ci(method="exact").low, abs=0.02)
    assert accuracy.exceeds(95).verdict == "inconclusive"
    assert "%" in accuracy.exceeds(95).sentence()


def test_widened_intervals_cover_clustered_accuracies() -> None:
    generator = np.random.default_rng(0)
    images, chance = [str(question // 3) for question in range(192)], 0.9
    # Two thirds of the images have the same result on all their questions, which triples much of the variance.
    covered = naive = 0
    for _ in range(1000):
        alike = np.repeat(generator.random(64) < 2 / 3, 3)
        shared, own = np.repeat(generator.random(64) < chance, 3), generator.random(192) < chance
        accuracy = Proportion.of("accuracy", np.where(alike, shared, own), images)
        covered += accuracy.low <= 100 * chance <= accuracy.high
        plain = binomtest(round(accuracy.share * 192), 192).proportion_ci(method="exact")
        naive += plain.low <= chance <= plain.high
    assert covered >= 930
    assert naive < 880


def test_a_proportion_of_nothing_is_refused() -> None:
    for hits, images in (([], []), ([True], ["a", "b"])):
        with pytest.raises(ValueError, match="one image a question"):
            Proportion.of("accuracy", hits, images)


@pytest.mark.parametrize("in_common", [0.5, 0.9, 1.0])
def test_accuracy_on_its_bound_is_seldom_taken_for_more_however_alike_an_image_s_answers_are(in_common: float) -> None:
    """1 to 6 questions an image, of which 95 % are right, and a share of images whose answers are all alike."""
    draw, samples, wrong = np.random.default_rng(2), 600, 0
    for _ in range(samples):
        image_of = np.repeat(np.arange(128), draw.integers(1, 7, 128))[:128]
        right, alike = draw.random(128) < 0.95, (draw.random(128) < in_common)[image_of]
        hits = np.where(alike, right[image_of], draw.random(128) < 0.95)
        wrong += Proportion.of("accuracy", hits, [str(image) for image in image_of]).exceeds(95).verdict == "holds"
    assert wrong <= 0.04 * samples
