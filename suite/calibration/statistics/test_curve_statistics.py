"""A curve's statistics are those of slow loops over the same draws, and mind neither order nor names of questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from fixtures.flow import FIRST, MIDDLE, SECOND
from fixtures.statistics.curve import Curve
from fixtures.statistics.effect import Effect
from fixtures.statistics.pooled_curve import PooledCurve
from fixtures.statistics.resampling import resampling
from suite.support.curves.stages import LAYERS, MIDDLE_STAGE, TWO_STAGES, Array, knockout, lens, names, noisy

EVERY = range(LAYERS)

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
        finite = [question for question in questions if not isnan(self.rows[question][0])]
        mass = sum(self.weights[question] for question in finite)
        return [
            sum(self.weights[question] * self.rows[question][point] for question in finite) / mass
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

    def passed(self, fraction: float) -> float:
        wanted = fraction * sum(self.mass())
        for point, mass in enumerate(self.mass()):
            if mass >= wanted:
                return point - 0.5 + wanted / mass
            wanted -= mass
        raise AssertionError("nothing passes")

    def overlap(self, other: Judge) -> float:
        ones, others = self.mass(), other.mass()
        return sum(min(one / sum(ones), two / sum(others)) for one, two in zip(ones, others, strict=True))

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
        (curve.centre(), [judge.centre() for judge in judges]),
        (curve.share(MIDDLE), [judge.share(middle) for judge in judges]),
        (curve.median(), [judge.passed(0.5) for judge in judges]),
        (curve.end(), [judge.passed(0.9) for judge in judges]),
        (curve.overlap(other), [j.overlap(o) for j, o in zip(judges, besides, strict=True)]),
        (curve.mean(MIDDLE), [sum(judge.all[point] for point in middle) / len(middle) for judge in judges]),
        (curve.at(0.5), [judge.all[20] for judge in judges]),
        (answer.peak(), [judge.peak() for judge in answers]),
        (answer.peak_layer(), [judge.all.index(max(judge.all)) for judge in answers]),
        (answer.half_peak(), [judge.half_peak() for judge in answers]),
    ]
    for effect, slow in expected:
        assert effect.draws == pytest.approx(np.array(slow, dtype=np.float64), abs=1e-9), effect.label


def test_curves_rank_alike_as_scipy_says() -> None:
    generator = np.random.default_rng(5)
    sample = resampling(names(60), 0, 20)
    curve, other = (knockout(np.round(noisy(TWO_STAGES, 60, generator), -1), sample) for _ in range(2))
    expected = [spearmanr(*pair)[0] for pair in zip(curve.means.whole, other.means.whole, strict=True)]
    assert curve.rank_correlation(other).draws == pytest.approx(expected)


# ---- identities


STATISTICS: dict[str, Callable[[Curve], Effect]] = {
    "drop": Curve.drop,
    "largest change": Curve.largest_change,
    "centre": Curve.centre,
    "share": lambda curve: curve.share(MIDDLE),
    "median": Curve.median,
    "end": Curve.end,
}
IN_POINTS = ("drop", "largest change")

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
    for whole in (Curve.mean, Curve.trough_layer):
        assert whole(renamed).value == pytest.approx(whole(curve).value)


@settings(max_examples=25, deadline=None)
@given(values=some_sample)
def test_a_pool_of_one_curve_is_the_curve(values: Array) -> None:
    curve = knockout(values, resampling(names(48), 4, 50))
    pool = PooledCurve({"one": curve, "other": curve})
    pooled: dict[str, Effect] = {
        "drop": pool.drop(),
        "largest change": pool.largest_change(),
        "centre": pool.centre(),
        "share": pool.share(MIDDLE),
        "median": pool.median(),
        "end": pool.end(),
    }
    for name, statistic in STATISTICS.items():
        assert pooled[name].draws == pytest.approx(statistic(curve).draws), name
