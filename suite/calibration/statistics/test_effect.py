"""Effects are compared draw by draw where they were drawn together, and carry their doubts along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.statistics.effect import Effect
from suite.support.curves.effects import effect


def random_effect(seed: int, mean: float, sources: set[tuple[str, str]], **rest: object) -> Effect:
    draws = np.random.default_rng(seed).normal(mean, 1, 2001)
    draws[0] = mean
    return replace(effect(0, 0, 0, **rest), draws=draws, sources=frozenset(sources))  # type: ignore[arg-type]


ONE = {("", "seed 1")}


def test_effects_of_one_resampling_are_compared_draw_by_draw() -> None:
    a, b = (
        random_effect(0, 30, ONE, n=128, twin=29.0),
        random_effect(1, 10, ONE, n=90, layers=(5,), twin=11.0, label="drop of b"),
    )
    difference = a - 0.5 * b
    assert difference.draws == pytest.approx(a.draws - b.draws / 2)
    assert (difference.n, difference.layers, difference.twin) == (90, (0, 1, 5), pytest.approx(23.5))
    assert difference.label == "drop of image->question minus the drop of b times 0.5"
    assert (a + -a).value == (a - a).high == 0
    assert a.exceeds(b).verdict == b.is_below(a).verdict == "holds"
    assert a.is_below(b).verdict == "fails"
    assert a.exceeds(b).bound == "> 0"


def test_gates_and_notes_follow_an_effect_into_every_comparison() -> None:
    a, b = random_effect(0, 30, ONE, notes=("swayed",)), random_effect(1, 10, ONE, gates=("nothing to locate",))
    assert a.exceeds(b).verdict == "inconclusive"
    assert (2.0 * (a - b)).gates == ("nothing to locate",)
    assert (b - a).notes == ("swayed",)


def test_only_what_is_drawn_together_or_wholly_apart_is_compared() -> None:
    single, stranger = random_effect(0, 30, ONE), random_effect(1, 10, {("", "seed 2")})
    four, two = (
        random_effect(2, 20, {("a", "1"), ("b", "2")}, n=200),
        random_effect(3, 5, {("c", "3"), ("d", "4")}, n=100),
    )
    overlap = random_effect(4, 5, {("b", "2"), ("c", "3")})
    assert (four - two).n == 300
    assert (four - random_effect(5, 5, {("a", "1"), ("b", "2")}, n=190)).n == 190
    apart = single.unpaired_minus(stranger)
    assert (apart.value, apart.n) == (20, 256)
    for refused in (
        lambda: single - stranger,
        lambda: single - four,
        lambda: four - overlap,
        lambda: single.unpaired_minus(single),
        lambda: single - replace(single, unit="layers"),
        lambda: single - replace(single, draws=single.draws[:100]),
    ):
        with pytest.raises(ValueError, match="compare"):
            refused()


def test_layers_of_two_models_are_not_told_as_if_they_were_of_one() -> None:
    small, large = random_effect(0, 30, ONE, model_layers=32), random_effect(1, 10, {("", "seed 2")}, model_layers=40)
    difference = small.unpaired_minus(large)
    assert (difference.layers, difference.model_layers) == ((), 0)
    assert " of 40" not in difference.exceeds(0).sentence()


def test_draws_that_are_none_are_refused() -> None:
    for draws in (np.array([1.0]), np.array([]), np.ones((2, 2)), np.array([1.0, np.inf])):
        with pytest.raises(ValueError, match="finite draws"):
            replace(effect(0, 0, 0), draws=draws)
