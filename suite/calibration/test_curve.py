"""What is planted in a curve is found, what is not is not, and intervals cover what they say they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr, t

from fixtures.curve import Curve, Effect, PooledCurve, Resampling, resampling
from fixtures.effect import tails
from fixtures.flow import FIRST, LOWER_HALF, MIDDLE, SECOND, Band
from fixtures.profile import MINIMUM_IMAGES

LAYERS = 40
LAYER = np.arange(LAYERS)
EVERY = range(LAYERS)
Array = NDArray[np.float64]

TWO_STAGES = np.select([LAYER < 5, LAYER < 8, LAYER < 13], [-60.0, -8.0, -29.0], 0.0)
"""A first stage of 60 points and a second of 21 below its shoulder, as in the paper's figure 4."""

MIDDLE_STAGE = np.where((LAYER >= 14) & (LAYER < 24), -30.0, 0.0)
"""As in the paper's figure 3."""


def bump(centre: float, width: float, depth: float) -> Array:
    return -depth * np.exp(-0.5 * ((LAYER - centre) / width) ** 2)


def names(count: int, each: int = 2) -> list[str]:
    """Image ids of *count* questions, *each* to an image."""
    return [f"image{question // each}" for question in range(count)]


def knockout(values: Array, sample: Resampling, baseline: Array | None = None, label: str = "edge") -> Curve:
    points = values.shape[1]
    return Curve(label, values, np.arange(points) / points, "points", sample, baseline, "knockout")


def lens(values: Array, sample: Resampling) -> Curve:
    points = values.shape[1]
    return Curve("answer", values, np.arange(points) / (points - 1), "%", sample, None, "lens")


def exact(curve: Array, make: Callable[[Array, Resampling], Curve] = knockout) -> Curve:
    """Every question has the same *curve*."""
    return make(np.tile(curve, (60, 1)), resampling(names(60), 0, 50))


def noisy(curve: Array, questions: int, generator: np.random.Generator, spread: float = 25.0, images: int = 0) -> Array:
    """Questions around a mean *curve*: neighbouring layers and questions of one image err alike."""
    image_of = np.arange(questions) * (images or questions) // questions
    steps = generator.normal(size=(questions, curve.size + 8))
    smooth = np.stack([steps[:, layer : layer + 9].mean(axis=1) * 3 for layer in range(curve.size)], axis=1)
    common = generator.normal(size=image_of.max() + 1)[image_of][:, None] * np.abs(curve) / 60
    return curve + spread * (0.8 * smooth * (0.2 + np.abs(curve) / 60) + 0.6 * common)


# ---- resampling


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


def test_every_draw_takes_whole_images_within_their_half() -> None:
    sample = resampling(names(50), 5, 100)
    assert sample.weights.shape == (101, 50)
    assert (sample.weights[0] == 1).all()
    assert (sample.weights[:, ::2] == sample.weights[:, 1::2]).all()
    drawn = np.stack([sample.counts[1:, half].sum(axis=1) for half in sample.halves])
    assert (drawn == np.array([[12], [11]])).all()


def test_resampled_means_vary_as_means_of_images_do() -> None:
    """The variance of a mean of H images is that between them over H, not a part 1/H less."""
    values = np.random.default_rng(0).normal(size=(12, 1))
    sample = resampling(names(12, each=1), 1, 60_000)
    for half, means in zip(sample.halves, sample.means(values).halves, strict=True):
        members = np.isin(sample.image_of, np.arange(12)[half])
        assert means[1:].var() == pytest.approx(values[members].var(ddof=1) / 6, rel=0.05)


def test_percentile_levels_widen_as_students_t() -> None:
    for images in (20, 64, 128, 1000):
        low, high = tails(images)
        expected = t.ppf(0.975, images - 2)
        assert (low, high) == pytest.approx((1 - high, high))
        assert high == pytest.approx(norm.cdf(expected), abs=2e-5)


# ---- a slow judge


class Judge:
    """Every statistic of one draw by loops over questions and layers, from the same weights."""

    def __init__(self, curve: Curve, draw: int) -> None:
        self.weights = curve.resampling.weights[draw].tolist()
        self.rows = (curve.values * (100 if curve.kind == "lens" else 1)).tolist()
        in_first = (curve.resampling.image_of < curve.resampling.first_half).tolist()
        self.one = self.mean([question for question, here in enumerate(in_first) if here])
        self.two = self.mean([question for question, here in enumerate(in_first) if not here])
        self.all = self.mean(range(len(in_first)))

    def mean(self, questions: Sequence[int]) -> list[float]:
        asked = [question for question in questions if not isnan(self.rows[question][0])]
        mass = sum(self.weights[question] for question in asked)
        return [
            sum(self.weights[question] * self.rows[question][point] for question in asked) / mass
            for point in range(len(self.rows[0]))
        ]

    def both_ways(self, read: Callable[[list[float], list[float]], float]) -> float:
        return (read(self.one, self.two) + read(self.two, self.one)) / 2

    def drop(self, points: Sequence[int]) -> float:
        return self.both_ways(lambda find, read: -read[min(points, key=lambda point: find[point])])

    def peak(self) -> float:
        return self.both_ways(lambda find, read: read[find.index(max(find))])

    def at_trough(self, other: Judge, points: Sequence[int]) -> float:
        def lowest(curve: list[float]) -> int:
            return min(points, key=lambda point: curve[point])

        return -(self.two[lowest(other.one)] + self.one[lowest(other.two)]) / 2

    def largest_change(self) -> float:
        def change(find: list[float], read: list[float]) -> float:
            where = max(range(len(find)), key=lambda point: abs(find[point]))
            return read[where] if find[where] > 0 else -read[where]

        return self.both_ways(change)

    def prominence(self, earlier: Sequence[int], points: Sequence[int]) -> float:
        def rise(find: list[float], read: list[float]) -> float:
            first = min(earlier, key=lambda point: find[point])
            second = min(points, key=lambda point: find[point])
            before = max(range(first + 1, second), key=lambda point: find[point], default=first)
            behind = max(range(second + 1, len(find)), key=lambda point: find[point])
            return min(read[before], read[behind]) - read[second]

        return self.both_ways(rise)

    def mass(self) -> list[float]:
        clipped = [max(0.0, -value) for value in self.all]
        across = [
            self.both_ways(lambda find, read, point=point: -read[point] if find[point] < 0 else 0.0)
            for point in range(len(self.all))
        ]
        return [one / 3 + 2 * other / 3 for one, other in zip(clipped, across, strict=True)]

    def centre(self) -> float:
        return sum(point * mass for point, mass in enumerate(self.mass())) / sum(self.mass())

    def share(self, points: Sequence[int]) -> float:
        return sum(self.mass()[point] for point in points) / sum(self.mass())

    def end(self) -> float:
        return max(point for point, value in enumerate(self.all) if value < 0.1 * min(self.all))

    def half_peak(self) -> float:
        point, half = self.all.index(max(self.all)), self.peak() / 2
        while self.all[point] > half:
            point -= 1
        return point + (half - self.all[point]) / (self.all[point + 1] - self.all[point])


def test_every_statistic_is_that_of_a_slow_loop_over_the_same_draws() -> None:
    generator = np.random.default_rng(3)
    sample = resampling([f"image{generator.integers(30)}" for _ in range(60)], 9, 15)
    values, beside = (noisy(curve, 60, generator) for curve in (TWO_STAGES, MIDDLE_STAGE))
    values[generator.integers(60, size=9)] = np.nan
    curve, other = knockout(values, sample), knockout(beside, sample)
    answer = lens(generator.uniform(0, 0.5, (60, LAYERS + 1)) * np.linspace(0, 1, LAYERS + 1), sample)
    first, second, middle = (band.layers(LAYERS) for band in (FIRST, SECOND, MIDDLE))
    judges, besides, answers = ([Judge(each, draw) for draw in range(16)] for each in (curve, other, answer))
    expected: list[tuple[Effect, list[float]]] = [
        (curve.drop(FIRST), [judge.drop(first) for judge in judges]),
        (curve.drop(), [judge.drop(EVERY) for judge in judges]),
        (
            curve.drop(at=other.trough(SECOND)),
            [j.at_trough(o, second) for j, o in zip(judges, besides, strict=True)],
        ),
        (
            curve.drop() - other.drop(),
            [j.drop(EVERY) - o.drop(EVERY) for j, o in zip(judges, besides, strict=True)],
        ),
        (curve.largest_change(), [judge.largest_change() for judge in judges]),
        (curve.prominence(), [judge.prominence(first, second) for judge in judges]),
        (curve.centre(), [judge.centre() for judge in judges]),
        (curve.share(MIDDLE), [judge.share(middle) for judge in judges]),
        (curve.trough_layer(SECOND), [min(second, key=judge.all.__getitem__) for judge in judges]),
        (curve.end(), [judge.end() for judge in judges]),
        (curve.mean(MIDDLE), [sum(judge.all[point] for point in middle) / len(middle) for judge in judges]),
        (curve.at(0.5), [judge.all[20] for judge in judges]),
        (answer.peak(), [judge.peak() for judge in answers]),
        (answer.peak_layer(), [judge.all.index(max(judge.all)) for judge in answers]),
        (answer.half_peak(), [judge.half_peak() for judge in answers]),
    ]
    for effect, slow in expected:
        assert effect.draws == pytest.approx(np.array(slow, dtype=np.float64), abs=1e-9), effect.label


# ---- what is planted is found


def test_curves_without_noise_give_back_what_was_planted() -> None:
    curve, middle = exact(TWO_STAGES), exact(MIDDLE_STAGE)
    planted: list[tuple[Effect, float]] = [
        (curve.drop(), 60),
        (curve.drop(FIRST), 60),
        (curve.drop(SECOND), 29),
        (curve.prominence(), 21),
        (curve.largest_change(), 60),
        (curve.trough_layer(), 0),
        (curve.trough_layer(SECOND), 8),
        (curve.end(), 12),
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


@pytest.mark.parametrize("layers", [3, 4, 6, 12, 32])
def test_bands_and_shoulders_exist_in_models_of_any_depth(layers: int) -> None:
    curve = exact(np.where(np.arange(layers) == SECOND.layers(layers)[0], -30.0, 0.0))
    assert curve.prominence().value == pytest.approx(30)


def test_the_first_trough_is_a_shoulder_where_nothing_lies_between_alone() -> None:
    assert exact(np.array([-60.0, -20.0, 0.0])).prominence().value == pytest.approx(-40)
    falling = np.array([-5.0, -10.0, -20.0, -40.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert exact(falling).prominence().value == pytest.approx(20)


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


def test_no_second_trough_has_no_prominence() -> None:
    curves = [noisy(bump(0, 8, 60), 64, np.random.default_rng(seed)) for seed in range(100)]
    sample = resampling(names(64), 0, 1)
    assert np.mean([knockout(values, sample).prominence().value for values in curves]) < 0


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


# ---- intervals cover the truth


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
            "prominence": first.prominence(),
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
    kept = [*np.flatnonzero(halves)[:4], *np.flatnonzero(~halves)[:24]]
    values[np.setdiff1d(np.arange(60), kept)] = np.nan
    effect = knockout(values, sample).drop()
    empty = int((sample.weights[:, kept[:4]].sum(axis=1) == 0).sum())
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
        curve.prominence(),
    ):
        assert np.isnan([effect.value, effect.low, effect.high]).all()
        assert effect.at_least(0).verdict == effect.at_most(0).verdict == "inconclusive"


# ---- identities

STATISTICS: dict[str, Callable[[Curve], Effect]] = {
    "drop": Curve.drop,
    "prominence": Curve.prominence,
    "largest change": Curve.largest_change,
    "centre": Curve.centre,
    "share": lambda curve: curve.share(MIDDLE),
    "trough layer": lambda curve: curve.trough_layer(SECOND),
    "end": Curve.end,
}
IN_POINTS = ("drop", "prominence", "largest change")

some_sample = st.integers(0, 2**32).map(
    lambda seed: noisy(TWO_STAGES, 48, np.random.default_rng(seed), spread=15, images=24)
)


@settings(max_examples=25, deadline=None)
@given(values=some_sample, order=st.permutations(range(48)))
def test_the_order_of_questions_does_not_matter(values: Array, order: list[int]) -> None:
    images = np.array(names(48))
    curve, other = (
        knockout(values[rows], resampling(images[rows].tolist(), 4, 50)) for rows in (list(range(48)), order)
    )
    for name, statistic in STATISTICS.items():
        assert statistic(other).draws == pytest.approx(statistic(curve).draws), name


@settings(max_examples=25, deadline=None)
@given(values=some_sample)
def test_asking_every_question_twice_adds_no_information(values: Array) -> None:
    images = names(48)
    curve = knockout(values, resampling(images, 4, 50))
    doubled = knockout(np.tile(values, (2, 1)), resampling(images * 2, 4, 50))
    for name, statistic in STATISTICS.items():
        assert statistic(doubled).draws == pytest.approx(statistic(curve).draws), name


@settings(max_examples=25, deadline=None)
@given(values=some_sample, factor=st.floats(0.5, 3))
def test_points_scale_with_the_values_and_layers_do_not(values: Array, factor: float) -> None:
    sample = resampling(names(48), 4, 50)
    for name, statistic in STATISTICS.items():
        expected = statistic(knockout(values, sample)).draws * (factor if name in IN_POINTS else 1)
        assert statistic(knockout(values * factor, sample)).draws == pytest.approx(expected), name


@settings(max_examples=25, deadline=None)
@given(values=some_sample, prefix=st.text("abc", min_size=1, max_size=3))
def test_names_of_images_halve_them_and_tell_nothing_else(values: Array, prefix: str) -> None:
    curve = knockout(values, resampling(names(48), 4, 50))
    renamed = knockout(values, resampling([prefix + image for image in names(48)], 4, 50))
    for whole in (Curve.mean, Curve.trough_layer, Curve.end):
        assert whole(renamed).value == pytest.approx(whole(curve).value)


@given(images=st.sets(st.text("abcdef", min_size=1), min_size=4, max_size=40), left_out=st.integers(0, 39))
def test_an_image_more_or_less_moves_at_most_one_other_between_the_halves(images: set[str], left_out: int) -> None:
    def first_half(of: list[str]) -> set[str]:
        sample = resampling(of, 4, 1)
        return set(sample.images[: sample.first_half])

    everyone = sorted(images)
    gone = everyone.pop(left_out % len(everyone))
    assert len((first_half(sorted(images)) ^ first_half(everyone)) - {gone}) <= 1


def test_tasks_that_share_their_images_are_drawn_together() -> None:
    values = np.random.default_rng(0).normal(-30, 20, (60, 1)) + np.zeros((60, 40))
    union = resampling(names(60), 4, 400)
    alike = {task: knockout(values, union.of(names(60))) for task in "ab"}
    apart = {task: knockout(values, resampling(names(60), seed, 400)) for seed, task in enumerate("ab")}
    one, together, independent = (
        np.ptp(pool.mean().interval)
        for pool in (PooledCurve({"a": alike["a"]}), PooledCurve(alike), PooledCurve(apart))
    )
    assert together == pytest.approx(one, rel=0.05)
    assert independent < 0.85 * one


@settings(max_examples=25, deadline=None)
@given(values=some_sample)
def test_a_pool_of_one_curve_is_the_curve(values: Array) -> None:
    curve = knockout(values, resampling(names(48), 4, 50))
    pool = PooledCurve({"one": curve, "other": curve})
    pooled: dict[str, Effect] = {
        "drop": pool.drop(),
        "prominence": pool.prominence(),
        "largest change": pool.largest_change(),
        "centre": pool.centre(),
        "share": pool.share(MIDDLE),
        "trough layer": pool.trough_layer(SECOND),
        "end": pool.end(),
    }
    for name, statistic in STATISTICS.items():
        assert pooled[name].draws == pytest.approx(statistic(curve).draws), name


def test_curves_rank_alike_as_scipy_says() -> None:
    generator = np.random.default_rng(5)
    sample = resampling(names(60), 0, 20)
    curve, other = (knockout(np.round(noisy(TWO_STAGES, 60, generator), -1), sample) for _ in range(2))
    expected = [spearmanr(*pair)[0] for pair in zip(curve.means.whole, other.means.whole, strict=True)]
    assert curve.rank_correlation(other).draws == pytest.approx(expected)


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


# ---- pools


def test_tasks_weigh_equally_however_many_questions_they_have() -> None:
    deep = knockout(np.tile(TWO_STAGES, (200, 1)), resampling(names(200), 0, 20))
    shallow = knockout(np.tile(TWO_STAGES / 2, (40, 1)), resampling(names(40), 1, 20))
    pool = PooledCurve({"deep": deep, "shallow": shallow})
    effect = pool.drop(FIRST)
    assert effect.value == pytest.approx(45)
    assert (effect.n, effect.images) == (240, 120)
    assert pool.drop(at=pool.trough(SECOND)).value == pytest.approx(0.75 * 29)
    assert pool.at(0.0).value == pytest.approx(-45)


def test_a_task_with_nothing_to_locate_gates_its_pool() -> None:
    sample = resampling(names(60), 0, 20)
    pool = PooledCurve(
        {"one": knockout(np.tile(TWO_STAGES, (60, 1)), sample), "none": knockout(np.zeros((60, 40)), sample)}
    )
    assert pool.centre().at_least(0).reason.startswith("none: nothing to locate")
    assert pool.trough_distance().at_most(9).verdict == "inconclusive"
    assert pool.drop().at_least(30).verdict == "holds"


def test_the_distance_between_tasks_is_the_farthest_from_their_median() -> None:
    troughs = {"a": 10, "b": 10, "c": 11, "d": 12, "e": 13, "f": 18}
    curves = {task: exact(bump(layer, 1, 30)) for task, layer in troughs.items()}
    pool = PooledCurve(curves)
    assert pool.trough_distance(LOWER_HALF).value == pytest.approx(6.5)
    assert pool.trough_distance(LOWER_HALF, nearest=4).value == pytest.approx(1.5)
    with pytest.raises(ValueError, match="7 of 6 tasks"):
        pool.trough_distance(nearest=7)


def test_troughs_agree_or_not_task_by_task() -> None:
    troughs = {"a": 10, "b": 10, "c": 11, "d": 12, "e": 13, "f": 18}
    pool = PooledCurve({task: exact(bump(layer, 1, 30)) for task, layer in troughs.items()})
    near, wide = pool.troughs_agree(4, LOWER_HALF), pool.troughs_agree(7, LOWER_HALF)
    assert [part.value for part in wide.parts] == pytest.approx([1.5, 1.5, 0.5, 0.5, 1.5, 6.5])
    assert (near.verdict, wide.verdict) == ("fails", "holds")
    assert [part.verdict for part in near.parts] == ["holds"] * 5 + ["fails"]


def test_tasks_whose_two_troughs_are_alike_are_never_refuted_by_their_noise() -> None:
    twice, generator = bump(2, 1, 17) + bump(12, 1, 20), np.random.default_rng(3)
    verdicts = [
        PooledCurve(
            {
                task: knockout(twice + generator.normal(0, 25, (128, 40)), resampling(names(128), draw, 200))
                for task in "abcdef"
            }
        )
        .troughs_agree(4, LOWER_HALF)
        .verdict
        for draw in range(20)
    ]
    assert verdicts.count("fails") <= 1


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
    with pytest.raises(ValueError, match="too few for a trough"):
        exact(np.array([-60.0, -20.0])).prominence()
    with pytest.raises(ValueError, match="do not pool"):
        PooledCurve({})
    with pytest.raises(ValueError, match="do not pool"):
        PooledCurve({"a": curve, "b": exact(np.zeros(12))})
    with pytest.raises(ValueError, match="nothing to draw"):
        resampling([], 0)
