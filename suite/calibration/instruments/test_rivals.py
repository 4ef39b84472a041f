"""An answer's rivals come from all questions selected, and the lens gives each word the better of its two forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fixtures.instruments.generation import greedy_answers
from fixtures.instruments.lens import ALIKE, ALONE, FORMS, SCORES, SHARED, Lens
from fixtures.instruments.rivals import MOST_RIVALS, answers_of, rivals_of
from fixtures.measure import measure
from fixtures.models.prompt import AnswerTokens
from fixtures.question import Question
from suite.support.models.words_llava import WORD_TOKENS, TinySubject, tiny_model, tiny_question, tiny_subject

WORDS = ("left", "right", "Yes", "yes", "no", "front")


def questions_with(*answers: str, **changes: Any) -> list[Question]:
    return [tiny_question(seed, answer=answer, **changes) for seed, answer in enumerate(answers)]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30), st.randoms())
def test_the_commonest_answer_comes_first_whatever_the_order(answers: list[str], draw: Any) -> None:
    result = answers_of(questions_with(*answers))
    counts = Counter(answer.lower() for answer in answers)
    assert {word.lower(): counts[word.lower()] for word in result} == counts
    assert [(-counts[word.lower()], word.lower()) for word in result] == sorted(
        (-n, word) for word, n in counts.items()
    )
    draw.shuffle(answers)
    assert answers_of(questions_with(*answers)) == result


def test_a_word_in_two_spellings_is_one_answer_in_the_commoner() -> None:
    assert answers_of(questions_with("yes", "no", "Yes", "Yes", " no ")) == ("Yes", "no")


def test_no_more_than_the_commonest_are_rivals() -> None:
    many = [f"{number:03}" for number in range(MOST_RIVALS + 5)]
    result = answers_of(questions_with(*many, *many[5:]))
    assert result == tuple(many[5:])
    assert len(rivals_of(questions_with(many[0])[0], result)) == MOST_RIVALS
    assert len(rivals_of(questions_with(many[5])[0], result)) == MOST_RIVALS - 1


def test_a_false_option_is_the_only_rival() -> None:
    choose, open_question = questions_with("red", false_option="blue"), questions_with("red", "blue", "RED ", "green")
    assert answers_of(choose) == ()
    assert answers_of([*choose, *open_question]) == ("red", "blue", "green")
    assert rivals_of(choose[0], ("green", "blue", "red")) == ("blue",)
    assert rivals_of(open_question[2], ("green", "blue", "red")) == ("green", "blue")


# ---- what the lens makes of them


def scores(
    subject: TinySubject, question: Question, stream: torch.Tensor, answers: Sequence[str] = ()
) -> tuple[dict[str, NDArray[np.float64]], dict[str, int]]:
    """The scores [points] by word of one *question* in a *stream* [points, hidden], and what was left out."""
    lens = Lens(subject, [subject.encode(question)], answers)
    with torch.inference_mode():
        own = cast(Any, subject.unembed)(stream[None, -1])
        result = lens.collect(list(lens.read([subject.encode(question)], stream[None], own)))
    return {name: result.scores[name][0] for name in SCORES}, dict(result.left_out)


def along(*words: str) -> torch.Tensor:
    """A stream that points along the lower-case form of a word at each point [points, hidden]."""
    rows = cast(Any, tiny_model().lm_head).weight.detach()
    return torch.stack([rows[WORD_TOKENS[word]] for word in words]) * 100


READABLE = [token for place, token in enumerate(WORD_TOKENS.values()) if place % 5 > 1]

OPEN = {"answer": "w7", "false_option": None}
"""A question whose answer has the forms w7 and w8."""


def test_the_answer_leads_where_either_of_its_forms_is_planted() -> None:
    read, left_out = scores(
        tiny_subject(), tiny_question(0, **OPEN), along("w7", "w8", "w12", "w13", "w2"), ["w7", "w12"]
    )
    assert (read["answer"] > read["rival"]).tolist()[:4] == [True, True, False, False]
    assert not left_out


def test_in_a_level_stream_nothing_leads() -> None:
    for question in (tiny_question(0, **OPEN), tiny_question(0, answer="w7", false_option="w12")):
        read, _ = scores(tiny_subject(), question, torch.zeros(5, 32), ["w7", "w12", "w17"])
        assert (read["answer"] == read["rival"]).all()


def test_a_score_is_the_best_logit_of_any_form_of_any_rival() -> None:
    subject, stream = tiny_subject(), torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    logits = stream @ cast(Any, subject.unembed).weight.detach().T
    answers = ["w2", "w7", "w12", "w23"]
    read, _ = scores(subject, tiny_question(0, **OPEN), stream, answers)
    best = {
        name: logits[:, [WORD_TOKENS["w0"] + place + more for place in places for more in (0, 1)]].amax(-1).numpy()
        for name, places in {"answer": [7], "rival": [2, 12, 23]}.items()
    }
    for name in SCORES:
        np.testing.assert_allclose(read[name], best[name], rtol=1e-5)
    with_option, _ = scores(subject, tiny_question(0, answer="w7", false_option="w12"), stream, answers)
    np.testing.assert_allclose(with_option["rival"], logits[:, [16, 17]].amax(-1).numpy(), rtol=1e-5)


class Twins(TinySubject):
    """A model to which w12 begins as w7 does."""

    def answer_tokens(self, text: str) -> AnswerTokens | None:
        return super().answer_tokens("w7" if text == "w12" else text)


def test_a_rival_that_cannot_be_told_from_the_answer_is_left_out_and_counted() -> None:
    twins, stream = Twins(tiny_model()), along("w7", "w8", "w12", "w13", "w2")
    read, left_out = scores(twins, tiny_question(0, **OPEN), stream, ["w7", "w12", "w17", "w5"])
    alone, _ = scores(twins, tiny_question(0, **OPEN), stream, ["w17"])
    assert np.array_equal(read["rival"], alone["rival"])
    assert left_out == {f"rival: {ALIKE}": 1, f"rival: {SHARED}": 1}
    nobody, left_out = scores(twins, tiny_question(0, **OPEN), stream, ["w7", "w12"])
    assert np.isnan([*nobody.values()]).all()
    assert left_out == {f"rival: {ALIKE}": 1, f"answer: {ALONE}": 1}
    option, left_out = scores(twins, tiny_question(0, answer="w7", false_option="w12"), stream)
    assert np.isnan([*option.values()]).all()
    assert left_out == {f"false option: {ALIKE}": 1}
    prompt = twins.encode(tiny_question(0, answer="w7", false_option="w12"))
    curves = Lens(twins, [prompt]).readings().probabilities
    assert [np.isnan(curves[form]).all() for form in FORMS] == [False, False, True, True]


def test_where_a_form_that_answer_and_rival_share_is_best_neither_leads() -> None:
    """w8 is the capitalized form of w7 and the lower-case form of w8."""
    read, left_out = scores(tiny_subject(), tiny_question(0, **OPEN), along("w8", "w7", "w9", "w2", "w3"), ["w7", "w8"])
    assert read["answer"][0] == read["rival"][0]
    assert read["answer"][1] > read["rival"][1]
    assert read["answer"][2] < read["rival"][2]
    assert not left_out


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_the_rivals_are_those_of_all_questions_whichever_are_measured(engine: str) -> None:
    subject = tiny_subject()
    cases = [tiny_question(seed, words=2 + seed % 3) for seed in range(60)]
    greedy = greedy_answers(subject, [subject.encode(question) for question in cases], longest=2)
    right = [
        replace(question, answer=subject.decode(ids))
        for question, ids in zip(cases, greedy, strict=True)
        if len(ids) == 1 and ids[0] in READABLE
    ]
    assert len(right) > 1
    questions = [*right, *questions_with("w7", "w12", "w17")]
    whole, some = (measure(subject, questions, edges=[], at_most=most, engine=engine) for most in (None, 1))
    assert whole.rivals == some.rivals == answers_of(questions)
    assert len(some.questions) == 1
    assert np.array_equal(some.scores["rival"], whole.scores["rival"][:1], equal_nan=True)
    given_rivals = measure(subject, questions, edges=[], rivals=["w7", "w12"], engine=engine)
    assert given_rivals.rivals == ("w7", "w12")
    assert not np.array_equal(given_rivals.scores["rival"], whole.scores["rival"], equal_nan=True)
    assert measure(subject, questions, edges=[], lens=False).rivals == ()
