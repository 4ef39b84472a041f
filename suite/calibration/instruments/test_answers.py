"""An answer counts by the rule that was chosen, and one that was cut is said to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.instruments.answer_rules import ANSWERS, DEFAULT_ANSWERS, FULL_STOP, LONGEST_ANSWER, is_cut, is_right
from fixtures.instruments.answers import ANSWER_CUT, ANSWERED_OTHERWISE
from fixtures.instruments.generation import greedy_answers
from fixtures.measure import measure
from suite.support.models.words_llava import TinySubject, tiny_model, tiny_question, tiny_subject


@pytest.mark.parametrize(
    ("answer", "exact", "full_stop"),
    [
        ("left", True, True),
        (" Left\n", True, True),
        ("left.", False, True),
        ("Left .", False, True),
        ("left..", False, False),
        (".left", False, False),
        ("on the left.", False, False),
        ("", False, False),
        (".", False, False),
    ],
)
def test_a_full_stop_is_tolerated_where_that_was_chosen(answer: str, exact: bool, full_stop: bool) -> None:
    assert is_right(answer, "left") is is_right(answer, "left", DEFAULT_ANSWERS) is exact
    assert is_right(answer, "left", FULL_STOP) is full_stop


@given(st.text(max_size=8), st.text(max_size=8))
def test_the_tolerant_rule_only_adds(answer: str, gold: str) -> None:
    assert is_right(answer, gold, FULL_STOP) >= is_right(answer, gold)
    assert is_right(gold, gold)
    assert is_right("st. john's", "St. John's")


def test_an_unknown_rule_is_told_the_known_ones() -> None:
    for asks in (lambda: is_right("a", "a", "close"), lambda: measure(tiny_subject(), [], answers="close")):
        with pytest.raises(ValueError, match=r"'close' is no rule for answers; known: exact, full-stop"):
            asks()


class Emphatic(TinySubject):
    """It ends what it says with a full stop."""

    def decode(self, ids: Any) -> str:
        return f"{super().decode(ids)}."


def test_a_measurement_goes_by_the_rule_and_says_which() -> None:
    plain = tiny_subject()
    emphatic = Emphatic(tiny_model(), "emphatic")
    (answer,) = greedy_answers(plain, [plain.encode(tiny_question(1))])
    cases = [replace(tiny_question(1), answer=plain.decode(answer))]
    measurements = {
        (subject.name, rule): measure(subject, cases, width=3, lens=False, answers=rule)
        for subject in (plain, emphatic)
        for rule in ANSWERS
    }
    assert [len(measurement.questions) for measurement in measurements.values()] == [1, 1, 0, 1]
    assert [measurement.provenance["answers"] for measurement in measurements.values()] == [*ANSWERS] * 2
    assert measurements["emphatic", FULL_STOP].answers == (f"{cases[0].answer}.",)


def test_a_cut_answer_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    cases = [replace(tiny_question(seed, words=2 + seed % 4), answer="never said") for seed in range(10)]
    answers = greedy_answers(subject, [subject.encode(question) for question in cases])
    cut = sum(is_cut(answer) for answer in answers)
    assert 0 < cut < len(cases)
    assert cut == sum(len(answer) == LONGEST_ANSWER for answer in answers)
    assert measure(subject, cases, width=3, lens=False).set_aside == {
        ANSWER_CUT: cut,
        ANSWERED_OTHERWISE: len(cases) - cut,
    }
