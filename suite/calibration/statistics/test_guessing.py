"""Nothing holds of a model whose right answers may be guesses, and what is false of it still fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.flow import IMAGE, QUESTION
from fixtures.model_flow import Request
from fixtures.question import Question
from fixtures.statistics.effect import Effect
from fixtures.statistics.guessing import guessed
from suite.support.curves.claim_cases import cases, evidence, verdict
from suite.support.curves.paper_model import Model, bump

GUESSER = Model(right=0.5, questions=128)
FLAT = GUESSER.changed(IMAGE >> QUESTION, bump(1, 2.5, -1))


def question(number: int, answer: str, false_option: str | None = None) -> Question:
    return Question(str(number), f"i{number}", "t", "Is it?", answer, None, false_option, (), (32, 32))


def posed(answers: Sequence[str], options: bool) -> list[Question]:
    return [question(number, answer, "other" if options else None) for number, answer in enumerate(answers)]


def test_a_guess_is_either_option_or_the_commonest_answer() -> None:
    assert guessed(posed(["red", "blue", "pink", "gray"], options=True)) == 0.5
    assert guessed(posed(["color"] * 9 + ["material"], options=False)) == 0.9
    assert guessed(posed(["left"] * 3 + ["right"], options=True)) == 0.75
    assert guessed(posed(["a", "b", "c", "d"], options=False)) == 0.25
    assert guessed([]) == 0


@given(st.lists(st.sampled_from("abc"), min_size=1), st.booleans())
def test_no_guess_is_worse_than_the_commonest_answer(answers: list[str], options: bool) -> None:
    assert max(map(answers.count, answers)) / len(answers) <= guessed(posed(answers, options)) <= 1


def test_who_is_right_on_all_or_surely_on_more_is_not_in_doubt() -> None:
    for right in (0.75, 0.99):
        assert not replace(GUESSER, right=right).measured(Request("m", "ChooseAttr")).doubts
        assert not replace(GUESSER, right=right).measured(Request("m", "QueryAttr")).doubts


def test_who_is_right_by_chance_is() -> None:
    assert GUESSER.measured(Request("m", "ChooseAttr")).doubts == (
        "right answers may be guesses: the accuracy is 50.0 % [41.0, 59.0], "
        "and a guess for all would be right on 50.0 %",
    )


def test_where_no_question_was_posed_there_is_no_doubt() -> None:
    measurement = GUESSER.measured(Request("m", "QueryAttr"))
    assert not replace(
        measurement, answers=(None,) * len(measurement.asked), correct=np.zeros(len(measurement.asked), bool)
    ).doubts


@pytest.mark.parametrize(("claim", "task"), cases())
def test_of_a_guesser_no_claim_holds(claim: str, task: str) -> None:
    assert verdict(GUESSER, claim, task) != "holds"


def test_what_is_false_of_a_guesser_fails() -> None:
    assert verdict(GUESSER, "setup.accuracy", "ChooseAttr") == "fails"
    assert verdict(FLAT, "stages.early-drop", "ChooseAttr") == "fails"


def test_the_number_is_told_with_the_doubt() -> None:
    drop = evidence(GUESSER, "stages.early-drop", "ChooseAttr")
    assert (drop.verdict, drop.needed, drop.p) == ("inconclusive", None, None)
    assert drop.low > 40
    assert drop.reason.startswith("right answers may be guesses")
    assert evidence(GUESSER, "stages.early-drop", "all").reason.startswith("ChooseAttr: right answers may be guesses")


def test_doubts_follow_an_effect_into_every_comparison() -> None:
    draws = np.random.default_rng(0).normal(5, 1, 2001)
    sure = Effect(label="sure", unit="points", n=64, images=64, draws=draws)
    unsure = replace(sure, label="unsure", doubts=("a doubt",))
    for effect in (unsure, 2.0 * unsure, -unsure, sure + unsure, unsure - 0.5 * sure):
        assert effect.doubts == ("a doubt",)
    assert sure.exceeds(0.0).verdict == "holds"
    assert unsure.exceeds(0.0).verdict == "inconclusive"
    assert unsure.exceeds(9.0).verdict == "fails"
    assert unsure.recorded().verdict == "recorded"
    assert (sure.exceeds(0.0) & unsure.exceeds(0.0)).reason == "a doubt"
