"""A verdict follows from the interval and the bound alone, and its sentence says all that it rests on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from fixtures.effect import Effect, Estimate
from fixtures.evidence import Bound, Evidence, Inconclusive, Unsupported, Verdict, journal, spelled
from fixtures.proportion import Proportion


def effect(value: float, low: float, high: float, label: str = "drop of image->question", **rest: object) -> Effect:
    """An effect with this interval, of many images."""
    draws = np.array([value] + [low] * 1000 + [high] * 1000, dtype=np.float64)
    about: dict[str, object] = {
        "unit": "points",
        "n": 128,
        "images": 10_000,
        "model_layers": 12,
        "layers": (0, 1),
    }
    return Effect(label=label, draws=draws, **{**about, **rest})  # type: ignore[arg-type]


@pytest.fixture
def entries() -> Iterator[list[Evidence]]:
    entered: list[Evidence] = []
    token = journal.set(entered)
    yield entered
    journal.reset(token)


# ---- verdicts

TABLE: list[tuple[Callable[[Estimate], Evidence], dict[tuple[float, float], Verdict]]] = [
    (
        lambda it: it.at_least(40),
        {
            (41, 60): "holds",
            (40, 60): "holds",
            (39, 60): "inconclusive",
            (20, 40): "inconclusive",
            (20, 39): "fails",
        },
    ),
    (
        lambda it: it.at_most(40),
        {
            (20, 39): "holds",
            (20, 40): "holds",
            (20, 41): "inconclusive",
            (40, 60): "inconclusive",
            (41, 60): "fails",
        },
    ),
    (
        lambda it: it.exceeds(0),
        {(1, 2): "holds", (0, 2): "inconclusive", (-1, 2): "inconclusive", (-2, 0): "fails", (0, 0): "fails"},
    ),
    (
        lambda it: it.is_below(0),
        {
            (-2, -1): "holds",
            (-2, 0): "inconclusive",
            (-1, 2): "inconclusive",
            (0, 2): "fails",
            (0, 0): "fails",
        },
    ),
    (
        lambda it: it.within(20, 40),
        {
            (20, 40): "holds",
            (25, 30): "holds",
            (19, 30): "inconclusive",
            (30, 41): "inconclusive",
            (10, 50): "inconclusive",
            (10, 20): "inconclusive",
            (10, 19): "fails",
            (41, 50): "fails",
        },
    ),
]


@pytest.mark.parametrize(
    ("claim", "interval", "verdict"),
    [(claim, interval, verdict) for claim, rows in TABLE for interval, verdict in rows.items()],
)
def test_a_claim_holds_or_fails_as_its_whole_interval_does(
    claim: Callable[[Estimate], Evidence], interval: tuple[float, float], verdict: Verdict
) -> None:
    low, high = interval
    evidence = claim(effect((low + high) / 2, low, high))
    assert evidence.verdict == verdict
    assert (evidence.low, evidence.high) == pytest.approx((low, high))


@given(low=st.floats(-100, 100), width=st.floats(0, 50), bound=st.floats(-100, 100))
def test_no_interval_is_on_both_sides_of_a_bound(low: float, width: float, bound: float) -> None:
    found = effect(low + width / 2, low, low + width)
    opposite = {"holds": "fails", "fails": "holds", "inconclusive": "inconclusive"}
    assert found.is_below(bound).verdict == opposite[found.at_least(bound).verdict]
    assert found.exceeds(bound).verdict == opposite[found.at_most(bound).verdict]


def test_what_is_no_bound_is_refused() -> None:
    for claim in (
        lambda: effect(1, 0, 2).at_least(nan),
        lambda: effect(1, 0, 2).within(3, 2),
        lambda: effect(1, 0, 2).at_most(float("inf")),
    ):
        with pytest.raises(ValueError, match="bounds nothing"):
            claim()


# ---- asserting


def test_asserting_enters_the_journal_and_gives_the_verdict(entries: list[Evidence]) -> None:
    holds, fails, open_ = (effect(50, low, 60).at_least(bound) for low, bound in ((45, 40), (45, 70), (30, 40)))
    recorded = effect(50, 45, 60).recorded()
    unsupported = replace(holds, verdict="unsupported", reason="its image has no patches of its own")
    assert holds
    assert not fails
    assert recorded
    with pytest.raises(Inconclusive, match="would settle it"):
        assert open_
    with pytest.raises(Unsupported, match="no patches of its own"):
        assert unsupported
    assert [entry.verdict for entry in entries] == [
        "holds",
        "fails",
        "recorded",
        "inconclusive",
        "unsupported",
    ]


def test_outside_a_test_nothing_is_entered() -> None:
    assert journal.get() is None
    assert effect(50, 45, 60).at_least(40)


def test_joining_enters_nothing_before_it_is_asserted(entries: list[Evidence]) -> None:
    whole = effect(50, 45, 60).at_least(40) & effect(50, 45, 60).at_most(70) & effect(1, 0.5, 2).exceeds(0)
    assert not entries
    assert whole
    assert entries == [whole]
    assert len(whole.parts) == 3


# ---- composites

HOLDS, FAILS, OPEN = (effect(50, low, 60).at_least(bound) for low, bound in ((45, 40), (45, 70), (30, 40)))
UNSUPPORTED = replace(HOLDS, verdict="unsupported")
RECORDED = effect(50, 45, 60).recorded()


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ((HOLDS, HOLDS), "holds"),
        ((HOLDS, FAILS), "fails"),
        ((OPEN, FAILS), "fails"),
        ((UNSUPPORTED, FAILS), "fails"),
        ((HOLDS, OPEN), "inconclusive"),
        ((HOLDS, UNSUPPORTED), "unsupported"),
        ((OPEN, UNSUPPORTED), "unsupported"),
        ((HOLDS, RECORDED), "holds"),
        ((RECORDED, RECORDED), "recorded"),
    ],
)
def test_a_row_holds_if_all_parts_hold_and_fails_if_any_fails(
    parts: tuple[Evidence, Evidence], verdict: Verdict
) -> None:
    one, other = parts
    assert (one & other).verdict == (other & one).verdict == verdict
    assert (one & (other & one)).parts == (one, other, one)


def test_the_headline_is_the_deciding_part_nearest_its_bound() -> None:
    near, far = effect(50, 40, 60).at_least(35), effect(500, 400, 600).at_least(35)
    assert (near.distance, far.distance) == pytest.approx((1.5, 4.65))
    assert (far & near).value == 50
    missed, badly = effect(50, 40, 60).at_least(70), effect(50, 40, 60).at_least(90)
    assert (badly & near & missed).bound == ">= 70"
    assert (near & OPEN).bound == OPEN.bound
    assert effect(50, 40, 60).within(20, 65).distance == pytest.approx(1.5)


def test_a_composite_needs_what_its_neediest_part_does() -> None:
    little, much = effect(50, 30, 60).at_least(40), effect(44, 30, 60).at_least(40)
    assert little.needed is not None
    assert much.needed is not None
    assert (little & much & HOLDS).needed == much.needed > little.needed
    gated = effect(50, 30, 60, gates=("nothing to locate",)).at_least(40)
    assert (little & gated).needed is None
    assert (little & gated).reason == "nothing to locate"


# ---- how many questions would settle it


@pytest.mark.parametrize(
    ("evidence", "needed"),
    [
        (effect(50, 30, 60).at_least(40), 128 * 4),
        (effect(30, 20, 50).at_least(40), 128 * 4),
        (effect(50, 44, 64).at_most(57), 512),
        (effect(30, 10, 50).within(20, 45), 128 * 4),
        (effect(44, 30, 60).within(40, 90), 128 * 14**2 // 4**2),
        (effect(40, 30, 60).at_least(40), None),
        (effect(40.0001, 30, 60).at_least(40), None),
        (effect(40.3, 30, 60).at_least(40), None),
        (effect(41, 30, 60).at_least(40), 128 * 11**2),
        (effect(50, 45, 60).at_least(40), None),
        (effect(50, 45, 60).at_least(70), None),
        (effect(50, 30, 60, gates=("nothing to locate",)).at_least(40), None),
    ],
)
def test_half_widths_shrink_with_the_root_of_the_questions(evidence: Evidence, needed: int | None) -> None:
    assert evidence.needed == needed


@given(value=st.floats(-50, 50), below=st.floats(0.1, 50), above=st.floats(0.1, 50), bound=st.floats(-50, 50))
def test_so_many_questions_do_settle_it(value: float, below: float, above: float, bound: float) -> None:
    evidence = effect(value, value - below, value + above).at_least(bound)
    if evidence.needed is not None:
        shrunk = (128 / evidence.needed) ** 0.5
        low, high = value - below * shrunk, value + above * shrunk
        assert low >= bound - 1e-6 or high <= bound + 1e-6


# ---- sentences


def test_a_sentence_stands_alone() -> None:
    found = effect(62.34, 57, 67.91, images=121, says="image->question drops")
    assert found.at_least(40).sentence() == (
        "image->question drops 62.3 points [57.0, 67.9] at layers 0-1 of 12 (128 questions, 121 images);"
        " the claim needs >= 40: holds"
    )


def test_sentences_say_what_would_settle_a_claim() -> None:
    evidence = effect(45, 36, 54, n=128, label="centre of related->question", unit="layers", layers=()).at_least(40)
    assert evidence.sentence() == (
        "the centre of related->question is 45.0 layers [36.0, 54.0] of 12 (128 questions, 10000 images);"
        " the claim needs >= 40: inconclusive, about 420 questions would settle it"
    )
    gated = effect(45, 36, 54, gates=("nothing to locate: so and so",)).at_least(40)
    assert gated.sentence() == (
        "the drop of image->question cannot be read (128 questions, 10000 images);"
        " the claim needs >= 40: inconclusive, nothing to locate: so and so"
    )
    assert repr(gated) == gated.sentence()


def test_composite_sentences_tell_every_part_the_deciding_ones_first() -> None:
    sentence = (HOLDS & FAILS).sentence()
    assert sentence == f"fails (1 of 2 parts): {FAILS.sentence()}; and {HOLDS.sentence()}"


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (effect(45, 39.97, 60).at_least(40), "45.00 points [39.97, 60.00]"),
        (effect(45, 40, 60).at_least(40), "45.0 points [40.0, 60.0]"),
        (effect(0.71, 0.66, 0.8, unit="").at_least(2 / 3), "0.71 [0.66, 0.80]"),
        (effect(0.71, 0.6659, 0.8, unit="").at_least(2 / 3), "0.710 [0.666, 0.800]"),
        (effect(-0.01, -2, 3).exceeds(1), "0.0 points [-2.0, 3.0]"),
    ],
)
def test_no_rounding_contradicts_a_verdict(evidence: Evidence, told: str) -> None:
    assert f" is {told} at" in evidence.sentence()


def test_layers_are_spelled_in_runs() -> None:
    assert [spelled(layers) for layers in ((3,), (0, 1), (7, 0, 2, 1), ())] == ["3", "0-1", "0-2, 7", ""]


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (Bound(low=40), ">= 40"),
        (Bound(high=2.5), "<= 2.5"),
        (Bound(low=0, strict=True), "> 0"),
        (Bound(high=0, strict=True), "< 0"),
        (Bound(20, 40), "in [20, 40]"),
    ],
)
def test_bounds_are_written_as_in_the_register(bound: Bound, text: str) -> None:
    assert str(bound) == text


def test_evidence_travels_as_plain_json_in_ascii() -> None:
    nothing = effect(nan, nan, nan, twin=nan).at_least(0)
    whole = (
        effect(np.float64(3), 1, 5, twin=np.float64(2), notes=("a note",), layers=(np.int64(4),)).exceeds(0) & nothing
    )
    plain = whole.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["sentence"].isascii()
    assert [part["value"] for part in plain["parts"]] == [3.0, None]
    assert [part["twin"] for part in plain["parts"]] == [2.0, None]
    assert plain["notes"] == ["a note"]
    assert plain["verdict"] == "inconclusive"
    for part in plain["parts"]:
        assert {type(number) for number in part["layers"]} <= {int}
        assert type(part["n"]) is int


# ---- arithmetic


def drawn(seed: int, mean: float, sources: set[tuple[str, str]], **rest: object) -> Effect:
    draws = np.random.default_rng(seed).normal(mean, 1, 2001)
    draws[0] = mean
    return replace(effect(0, 0, 0, **rest), draws=draws, sources=frozenset(sources))  # type: ignore[arg-type]


ONE = {("", "seed 1")}


def test_effects_of_one_resampling_are_compared_draw_by_draw() -> None:
    a, b = (
        drawn(0, 30, ONE, n=128, twin=29.0),
        drawn(1, 10, ONE, n=90, layers=(5,), twin=11.0, label="drop of b"),
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
    a, b = drawn(0, 30, ONE, notes=("swayed",)), drawn(1, 10, ONE, gates=("nothing to locate",))
    assert a.exceeds(b).verdict == "inconclusive"
    assert (2.0 * (a - b)).gates == ("nothing to locate",)
    assert (b - a).notes == ("swayed",)


def test_only_what_is_drawn_together_or_wholly_apart_is_compared() -> None:
    single, stranger = drawn(0, 30, ONE), drawn(1, 10, {("", "seed 2")})
    four, two = drawn(2, 20, {("a", "1"), ("b", "2")}, n=200), drawn(3, 5, {("c", "3"), ("d", "4")}, n=100)
    overlap = drawn(4, 5, {("b", "2"), ("c", "3")})
    assert (four - two).n == 300
    assert (four - drawn(5, 5, {("a", "1"), ("b", "2")}, n=190)).n == 190
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
    small, large = drawn(0, 30, ONE, model_layers=32), drawn(1, 10, {("", "seed 2")}, model_layers=40)
    difference = small.unpaired_minus(large)
    assert (difference.layers, difference.model_layers) == ((), 0)
    assert " of 40" not in difference.exceeds(0).sentence()


def test_draws_that_are_none_are_refused() -> None:
    for draws in (np.array([1.0]), np.array([]), np.ones((2, 2)), np.array([1.0, np.inf])):
        with pytest.raises(ValueError, match="finite draws"):
            replace(effect(0, 0, 0), draws=draws)


# ---- proportions


@given(hits=st.lists(st.booleans(), min_size=1, max_size=300))
def test_without_shared_images_it_is_the_exact_interval(hits: list[bool]) -> None:
    found = Proportion.of("accuracy", hits, [str(image) for image in range(len(hits))])
    expected = binomtest(sum(hits), len(hits)).proportion_ci(method="exact")
    assert found.value == pytest.approx(100 * sum(hits) / len(hits))
    # Between single questions the variance divides by n - 1.
    widened = 1.0 if all(hits) or not any(hits) or len(hits) == 1 else len(hits) / (len(hits) - 1)
    assert found.effective_n == pytest.approx(len(hits) / widened)
    assert found.low <= 100 * expected.low + 1e-9
    assert found.high >= 100 * expected.high - 1e-9


def test_questions_that_stand_and_fall_with_their_image_count_once() -> None:
    right = np.arange(50) % 5 > 0
    single = Proportion.of("accuracy", right, [str(image) for image in range(50)])
    double = Proportion.of("accuracy", np.repeat(right, 2), [str(image) for image in range(50) for _ in "ab"])
    assert double.effective_n == pytest.approx(single.effective_n)
    assert (double.low, double.high) == pytest.approx((single.low, single.high))
    assert (double.n, double.images) == (100, 50)


def test_questions_that_differ_within_images_count_no_more_than_once_each() -> None:
    found = Proportion.of("accuracy", [True, False] * 40, [str(question // 2) for question in range(80)])
    assert found.effective_n == 80


def test_all_right_is_as_sure_as_there_are_images() -> None:
    found = Proportion.of("accuracy", [True] * 128, [str(question // 2) for question in range(128)])
    assert found.effective_n == 64
    assert (found.value, found.high) == (100, 100)
    assert found.low == pytest.approx(100 * binomtest(64, 64).proportion_ci(method="exact").low)
    assert found.exceeds(95).verdict == "inconclusive"
    assert "%" in found.exceeds(95).sentence()


def test_widened_intervals_cover_clustered_accuracies() -> None:
    generator = np.random.default_rng(0)
    images, chance = [str(question // 3) for question in range(192)], 0.9
    # Two thirds of the images fare alike in all their questions, which triples much of the variance.
    covered = naive = 0
    for _ in range(1000):
        alike = np.repeat(generator.random(64) < 2 / 3, 3)
        shared, own = np.repeat(generator.random(64) < chance, 3), generator.random(192) < chance
        found = Proportion.of("accuracy", np.where(alike, shared, own), images)
        covered += found.low <= 100 * chance <= found.high
        plain = replace(found, effective_n=192.0)
        naive += plain.low <= 100 * chance <= plain.high
    assert covered >= 930
    assert naive < 880


def test_a_proportion_of_nothing_is_refused() -> None:
    for hits, images in (([], []), ([True], ["a", "b"])):
        with pytest.raises(ValueError, match="one image a question"):
            Proportion.of("accuracy", hits, images)


# p-values


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
    found = [effect.p(float(bound)) for bound in range(8)]
    assert found == sorted(found, reverse=True)
    assert found[2] == pytest.approx(0.0455, abs=0.02)
    assert 0 < found[7] < 1e-9
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
    found = Proportion.of("accuracy", [True] * 190 + [False] * 10, [str(number) for number in range(200)])
    assert found.p(95.0) == 1
    assert found.p(found.low) == pytest.approx(0.05, abs=1e-6)
    assert found.p(found.high) == pytest.approx(0.05, abs=1e-6)


def test_a_skewed_statistic_is_judged_by_its_resamples() -> None:
    """Where none of them reaches the bound, the claim is decided, however far the other tail spreads."""
    draws = np.concatenate([[1.0], np.random.default_rng(0).exponential(1, 2000)])
    judged = Effect(label="effect", unit="points", n=400, images=400, draws=draws).exceeds(-0.006)
    assert judged.verdict == "holds"
    assert judged.p is not None
    assert judged.p < 0.05
