"""Tasks have equal weights in a pool and are resampled together where they share images."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.flow import FIRST, LOWER_HALF, SECOND
from fixtures.statistics.pooled_curve import PooledCurve
from fixtures.statistics.resampling import resampling
from suite.support.curves.stages import TWO_STAGES, bump, exact, knockout, names


def test_tasks_weigh_equally_however_many_questions_they_have() -> None:
    deep = knockout(np.tile(TWO_STAGES, (200, 1)), resampling(names(200), 0, 20))
    shallow = knockout(np.tile(TWO_STAGES / 2, (40, 1)), resampling(names(40), 1, 20))
    pool = PooledCurve({"deep": deep, "shallow": shallow})
    effect = pool.drop(FIRST)
    assert effect.value == pytest.approx(45)
    assert (effect.n, effect.images) == (240, 120)
    assert pool.drop(at=pool.trough(SECOND)).value == pytest.approx(0.75 * 29)
    assert pool.at(0.0).value == pytest.approx(-45)


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
