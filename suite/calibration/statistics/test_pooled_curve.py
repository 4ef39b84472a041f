"""Tasks have equal weights in a pool and are resampled together where they share images."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.flow import FIRST, SECOND
from fixtures.statistics.pooled_curve import PooledCurve, layers_agree
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
    agreement = pool.troughs_agree(9)
    assert (agreement.verdict, agreement.reason) == (
        "inconclusive",
        "nothing to compare: 1 of 2 tasks have a deepest trough of edge, at least 4 are needed",
    )
    assert pool.drop().at_least(30).verdict == "holds"


def test_troughs_agree_or_not_task_by_task() -> None:
    troughs = {"a": 10, "b": 10, "c": 11, "d": 12, "e": 13, "f": 18}
    pool = PooledCurve({task: exact(bump(layer, 1, 30)) for task, layer in troughs.items()})
    near, wide = pool.troughs_agree(4), pool.troughs_agree(7)
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
        .troughs_agree(4)
        .verdict
        for draw in range(20)
    ]
    assert verdicts.count("fails") <= 1


def test_most_tasks_may_have_to_agree_more_closely() -> None:
    layers = {
        task: exact(bump(layer, 1, 30)).trough_layer()
        for task, layer in zip("abcdef", (9, 9, 9, 10, 13, 13), strict=True)
    }
    for share, verdict in ((2 / 3, "holds"), (5 / 6, "fails")):
        agreement = layers_agree(layers, 4, most_within=1, share=share)
        assert (len(agreement.parts), agreement.verdict) == (7, verdict)


def test_tasks_without_a_trough_are_left_out_and_four_are_enough() -> None:
    curves = {task: exact(bump(layer, 1, 30)) for task, layer in zip("abcd", (9, 9, 10, 10), strict=True)}
    silent = {task: exact(0 * TWO_STAGES) for task in "ef"}
    assert PooledCurve({**curves, **silent}).troughs_agree(4).verdict == "holds"
    three = {task: curves[task] for task in "abc"}
    assert PooledCurve({**three, **silent}).troughs_agree(4).reason.startswith("nothing to compare: 3 of 5 tasks")
