"""Neither of bench and reports imports the other, yet both write numbers, counts and layers in the same words."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.statistics import wording
from fixtures.statistics.evidence import Bound
from reports.text import numbers, remarks

NUMBER = re.compile(r"-?\d+\.\d+")
tenths = st.floats(-9.9, 9.9)
tens = st.one_of(st.floats(10, 100), st.floats(-100, -10))
printed = st.floats(-100, 100).map(lambda end: float(f"{end:g}"))
"""Ends of a bound, which is written in six figures."""


def test_both_print_as_many_decimals_and_call_the_same_estimates_near() -> None:
    assert wording.MOST_DECIMALS == numbers.MOST_DECIMALS
    assert wording.NEARLY == remarks.NEARLY


@given(st.lists(st.integers(0, 60)))
@example([])
@example([0, 1, 2, 7])
def test_both_list_layers_in_the_same_words(layers: list[int]) -> None:
    assert wording.layers_in_words(layers) == numbers.layers_in_words(layers)


@given(st.integers(0, 10_000))
@example(1)
def test_both_count_in_the_same_words(count: int) -> None:
    assert wording.count_of(count, "question") == numbers.count_of(count, "question")


@given(st.integers(1, 2_000_000))
def test_both_round_a_number_of_questions_up_to_the_same_two_figures(needed: int) -> None:
    assert f"about {numbers.about(needed)} questions" in wording.questions_to_settle(needed, 0)


def both_round_alike(value: float, low: float, high: float, end: float, unit: str) -> None:
    bound = Bound(low=end)
    decimals = wording.decimals_for(unit, (value, low, high), bound.ends)
    sentence = wording.interval_in_words(value, low, high, unit, decimals)
    row = numbers.effect({"effect": value, "low": low, "high": high, "bound": str(bound), "unit": unit})
    assert NUMBER.findall(sentence) == NUMBER.findall(row)


@given(value=tenths, low=tenths, high=tenths, end=printed)
@example(value=0.69999, low=0.5, high=0.9, end=0.7)
def test_both_round_fine_numbers_the_same_next_to_a_bound(value: float, low: float, high: float, end: float) -> None:
    both_round_alike(value, low, high, end, "of depth")


@given(value=tens, low=tens, high=tens, end=printed)
@example(value=39.96, low=30.0, high=50.0, end=40.0)
@example(value=20.0, low=-10.0, high=50.0, end=0.0)
def test_both_round_coarse_numbers_the_same_next_to_a_bound(value: float, low: float, high: float, end: float) -> None:
    both_round_alike(value, low, high, end, "points")
