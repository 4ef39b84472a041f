"""The two stages of a curve are seen where they are, at every depth, and nowhere else."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from fixtures.flow import FIRST, SECOND, Window, default_width
from fixtures.statistics.curve import Curve
from fixtures.statistics.resampling import Resampling, resampling
from fixtures.statistics.stages import UNSETTLED, PooledStages, Stages
from fixtures.statistics.troughs import LEAST_RISE
from suite.support.curves.stages import LAYERS, TWO_STAGES, Array, bump, exact, knockout, names, noisy

DEPTHS = (12, 16, 20, 24, 28, 32, 36, 40, 48, 60, 80)
SAMPLE = resampling(names(120), 1, 60)


def reader(reads: dict[int, float], depth: int, width: int, sample: Resampling = SAMPLE) -> Curve:
    """The curve of a model of *depth* layers that *reads* a share of its answer in few layers, with a little noise."""
    left = np.ones(depth)
    for layer, share in reads.items():
        left *= [1 - share * (layer in Window(center, width).layers(depth)) for center in range(depth)]
    draw, questions = np.random.default_rng([depth, width]), len(sample.image_of)
    size = 1 + 0.1 * draw.standard_normal((questions, 1))
    values = 100 * (left - 1) * size + draw.standard_normal((questions, depth))
    return Curve(
        "edge", values, np.arange(depth) / depth, "points", sample, None, "knockout", (), width,
        lambda narrower: reader(reads, depth, narrower, sample),
    )  # fmt: skip


def stages_of(reads: dict[int, float], depth: int) -> Stages:
    return Stages(reader(reads, depth, default_width(depth)))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shares", [(0.6, 0.24), (0.5, 0.5)])
def test_a_second_layer_is_seen_in_its_band_and_nowhere_else(depth: int, shares: tuple[float, float]) -> None:
    first, second = shares
    seen = {layer for layer in range(1, depth) if _has_second({0: first, layer: second}, depth)}
    assert seen == set(SECOND.layers(depth))


@pytest.mark.parametrize("depth", DEPTHS)
def test_one_layer_never_reads_as_two(depth: int) -> None:
    for layer in range(depth):
        prominence = stages_of({layer: 0.6}, depth).prominence()
        assert prominence.exceeds(0.0).verdict == "fails", (layer, str(prominence))


@pytest.mark.parametrize("depth", [12, 32, 40])
def test_the_first_layer_may_lie_anywhere_in_its_band(depth: int) -> None:
    for first in FIRST.layers(depth):
        for second in SECOND.layers(depth):
            assert _has_second({first: 0.6, second: 0.24}, depth), (first, second)


def _has_second(reads: dict[int, float], depth: int) -> bool:
    verdict = stages_of(reads, depth).prominence().exceeds(5.0).verdict
    assert verdict in ("holds", "fails")
    return verdict == "holds"


def test_windows_are_narrowed_only_where_wide_ones_hide_the_second_stage() -> None:
    asked: list[int] = []

    def narrower(reads: dict[int, float]) -> Stages:
        wide = reader(reads, LAYERS, 9)

        def at(width: int) -> Curve:
            asked.append(width)
            return reader(reads, LAYERS, width)

        return Stages(Curve("edge", wide.values, wide.depth, "points", SAMPLE, width=9, narrower=at))

    for reads, widths in (
        ({0: 0.6}, set()),
        ({0: 0.6, 12: 0.3}, set()),
        ({0: 0.6, 8: 0.3}, {7}),
        ({0: 0.6, 7: 0.3}, {7, 5}),
    ):
        asked.clear()
        prominence = narrower(reads).prominence()
        assert set(asked) == widths, reads
        assert (f"in windows of {min(widths)}" in prominence.label) if widths else "windows" not in prominence.label


def test_without_noise_the_stages_are_those_that_were_put_there() -> None:
    stages = Stages(exact(TWO_STAGES))
    for effect, value in (
        (stages.first_drop(), 60),
        (stages.second_drop(), 29),
        (stages.prominence(), 21),
        (stages.rebound(), 30),
        (stages.first_layer(), 2),
        (stages.second_layer(), 10),
        (exact(bump(10, 1, 40)).drop(at=stages.second_trough()), 40),
    ):
        assert (effect.value, effect.low, effect.high) == pytest.approx((value,) * 3), effect.label


def test_a_single_stage_has_nothing_to_say_of_a_second() -> None:
    stages = Stages(exact(bump(1, 2, 60)))
    assert stages.prominence().value == -LEAST_RISE
    for effect in (stages.second_drop(), stages.second_layer(), exact(TWO_STAGES).drop(at=stages.second_trough())):
        evidence = effect.at_least(0)
        assert evidence.verdict == "inconclusive"
        assert evidence.reason.startswith("nothing to locate: the prominence of edge's second trough")


def test_where_nothing_drops_there_is_no_first_stage() -> None:
    stages = Stages(exact(np.zeros(LAYERS)))
    for effect in (stages.first_layer(), stages.first_drop(), stages.rebound()):
        assert effect.at_most(4).reason.startswith("nothing to locate: edge drops")


@pytest.mark.parametrize(
    ("curve", "is_sharp"),
    [
        (TWO_STAGES, True),
        (np.full(LAYERS, -60.0), False),
        (np.linspace(-60, -25, LAYERS), False),
        (bump(1, 3, 50), True),
    ],
)
def test_a_drop_is_sharp_if_the_curve_comes_back(curve: Array, is_sharp: bool) -> None:
    assert Stages(exact(curve)).rebound().at_least(0).verdict == ("holds" if is_sharp else "fails")


def test_noise_is_no_second_stage() -> None:
    """One stage with the noise of 128 questions: more than a few wrong verdicts in two hundred would be too many."""
    wrong = 0
    for seed in range(200):
        values = noisy(bump(1, 3, 60), 128, np.random.default_rng(seed))
        wrong += (
            Stages(knockout(values, resampling(names(128), seed, 200))).prominence().exceeds(0.0).verdict == "holds"
        )
    assert wrong <= 10


def test_halves_that_disagree_settle_nothing() -> None:
    sample = resampling(names(60), 0, 50)
    is_first = (sample.image_of < sample.first_half)[:, None]
    curve = knockout(np.where(is_first, TWO_STAGES, bump(1, 2, 60)), sample)
    evidence = Stages(curve).prominence().exceeds(5.0)
    assert (evidence.verdict, evidence.reason) == ("inconclusive", UNSETTLED)


def test_a_task_without_a_second_stage_counts_as_none() -> None:
    two, one = (Stages(exact(curve)) for curve in (TWO_STAGES, bump(1, 2, 60)))
    assert PooledStages({"two": two, "one": one}).second_drop().value == pytest.approx(29 / 2)
    assert PooledStages({"one": one, "other": one}).second_drop().value == 0


def test_a_task_with_too_few_questions_counts_as_unread() -> None:
    few = Stages(knockout(np.tile(TWO_STAGES, (12, 1)), resampling(names(12), 0, 50)))
    whole = resampling(names(60), 0, 50)
    many = Stages(knockout(np.tile(TWO_STAGES, (60, 1)), whole))
    for evidence in (
        PooledStages({"many": many, "few": few}).second_drop().at_least(0),
        PooledStages({**dict.fromkeys("abcde", many), "few": few}).layers_agree(4, 2, 2 / 3),
    ):
        assert evidence.verdict == "inconclusive"
        assert "too few questions: 3 images" in evidence.sentence()


@pytest.mark.parametrize(("seconds", "verdict"), [((9, 9, 9, 10, 10, 10), "holds"), ((8, 8, 8, 17, 17, 17), "fails")])
def test_second_stages_lie_in_the_same_layers_or_do_not(seconds: tuple[int, ...], verdict: str) -> None:
    stages = {str(task): stages_of({0: 0.6, layer: 0.3}, LAYERS) for task, layer in enumerate(seconds)}
    agreement = PooledStages(stages).layers_agree(4, most_within=2, share=2 / 3)
    assert agreement.verdict == verdict


def test_an_edge_that_no_question_has_has_no_stages() -> None:
    stages = Stages(knockout(np.full((40, 12), nan), resampling(names(40), 0, 20)))
    for effect in (stages.prominence(), stages.first_drop(), stages.first_layer()):
        assert np.isnan(effect.value)
        assert effect.at_least(0).verdict == "inconclusive"
