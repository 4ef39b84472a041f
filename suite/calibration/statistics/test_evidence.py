"""A verdict follows from the interval and the bound alone, and its sentence says all that it rests on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.statistics.estimate import Estimate
from fixtures.statistics.evidence import ON_THE_BOUND, Bound, Evidence, Inconclusive, Unsupported, Verdict, journal
from fixtures.statistics.wording import layers_in_words
from suite.support.curves.effects import effect


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
    drop = effect(low + width / 2, low, low + width)
    opposite = {"holds": "fails", "fails": "holds", "inconclusive": "inconclusive"}
    assert drop.is_below(bound).verdict == opposite[drop.at_least(bound).verdict]
    assert drop.exceeds(bound).verdict == opposite[drop.at_most(bound).verdict]


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


@pytest.mark.parametrize("value", [40.0, 40.3])
def test_a_number_on_its_bound_says_that_none_may(value: float) -> None:
    on_it = effect(value, 30, 60).at_least(40)
    assert (on_it.verdict, on_it.reason) == ("inconclusive", ON_THE_BOUND)
    assert (on_it & effect(50, 30, 60).at_least(40)).reason == ON_THE_BOUND
    assert effect(50, 45, 60).at_least(40).reason == ""


# ---- sentences


def test_a_sentence_stands_alone() -> None:
    drop = effect(62.34, 57, 67.91, images=121, says="image->question drops")
    assert drop.at_least(40).sentence() == (
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
    ("evidence", "numbers"),
    [
        (effect(45, 39.97, 60).at_least(40), "45.00 points [39.97, 60.00]"),
        (effect(45, 40, 60).at_least(40), "45.0 points [40.0, 60.0]"),
        (effect(0.71, 0.66, 0.8, unit="").at_least(2 / 3), "0.71 [0.66, 0.80]"),
        (effect(0.71, 0.6659, 0.8, unit="").at_least(2 / 3), "0.710 [0.666, 0.800]"),
        (effect(-0.01, -2, 3).exceeds(1), "0.0 points [-2.0, 3.0]"),
    ],
)
def test_no_rounding_contradicts_a_verdict(evidence: Evidence, numbers: str) -> None:
    assert f" is {numbers} at" in evidence.sentence()


def test_layers_are_spelled_in_runs() -> None:
    assert [layers_in_words(layers) for layers in ((3,), (0, 1), (7, 0, 2, 1), ())] == ["3", "0-1", "0-2, 7", ""]


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
