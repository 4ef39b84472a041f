"""A measurement keeps what was answered correctly, in order, counts the rest, and survives on disk."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from fixtures.bench import measurement_file
from fixtures.flow import EDGES, IMAGE, LAST, OTHER, QUESTION, RELATED
from fixtures.instruments.answers import ANSWERED_OTHERWISE, BEYOND, ONE_SUB_WORD, PICTURE_MISSING
from fixtures.instruments.engines.fast import sweep
from fixtures.instruments.generation import greedy_answers
from fixtures.instruments.lens import ALONE, FORMS, NORMED, SHARED, Lens
from fixtures.measure import NothingLeft, TooWide, measure
from fixtures.measurement import Measurement
from fixtures.question import Question
from fixtures.statistics.evidence import Inconclusive, Unsupported
from suite.support.models.words_llava import (
    END,
    FIRST_WORD,
    WORD_TOKENS,
    TinySubject,
    tiny_model,
    tiny_question,
    tiny_subject,
)


class Loud(TinySubject):
    """It answers in capitals, between spaces."""

    def decode(self, ids: Sequence[int]) -> str:
        return f" {super().decode(ids).upper()} "


READABLE = [token for token in WORD_TOKENS.values() if (token - FIRST_WORD) % 5 > 1]


@pytest.fixture(scope="module")
def subject() -> TinySubject:
    return tiny_subject()


@pytest.fixture(scope="module")
def words(subject: TinySubject) -> list[Question]:
    """Questions of several lengths whose gold answer is what the model says: one word."""
    cases = [tiny_question(seed, words=2 + seed % 3, objects=seed % 2) for seed in range(120)]
    greedy = greedy_answers(subject, [subject.encode(question) for question in cases])
    questions = [replace(question, answer=subject.decode(ids)) for question, ids in zip(cases, greedy, strict=True)]
    return [question for question in questions if question.answer in WORD_TOKENS]


@pytest.fixture(scope="module")
def known(words: list[Question]) -> list[Question]:
    """Eight of them that the lens can read."""
    return [question for question in words if WORD_TOKENS[question.answer] in READABLE][:8]


@pytest.fixture(scope="module")
def result(subject: TinySubject, known: list[Question]) -> Measurement:
    """Eight known questions, and among them one of each kind that is set aside."""
    wrong = replace(known[0], id="wrong", answer="w0" if known[0].answer != "w0" else "w1")
    unreadable = replace(known[1], id="unreadable", text="zebra")
    blind = replace(known[2], id="blind", image_id="")
    return measure(subject, [wrong, *known[:3], unreadable, blind, *known[3:]], width=3)


def test_generation_is_greedy_and_stops_at_an_end_token(subject: TinySubject) -> None:
    prompts = [subject.encode(tiny_question(seed, words=2 + seed % 4)) for seed in range(10)]
    answers = greedy_answers(subject, prompts, longest=5)
    assert {len(greedy) for greedy in answers} > {0, 5}
    for prompt, greedy in zip(prompts, answers, strict=True):
        ids = prompt.tensors["input_ids"]
        expected: list[int] = []
        with torch.inference_mode():
            while len(expected) < 5:
                tensors = {**prompt.tensors, "input_ids": ids, "attention_mask": torch.ones_like(ids)}
                token = int(cast(Any, subject.model)(**tensors).logits[0, -1].argmax())
                if token == END:
                    break
                expected.append(token)
                ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
        assert list(greedy) == expected


def test_a_checkpoints_own_sampling_is_not_used(subject: TinySubject, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = [subject.encode(tiny_question(seed)) for seed in range(10)]
    expected = greedy_answers(subject, prompts)
    settings = cast(Any, subject.model).generation_config
    for name, value in {"do_sample": True, "repetition_penalty": 5.0, "num_beams": 3}.items():
        monkeypatch.setattr(settings, name, value)
    assert greedy_answers(subject, prompts) == expected


def test_correct_answers_are_kept_in_order_and_the_rest_is_counted(result: Measurement, known: list[Question]) -> None:
    assert result.questions == tuple(known)
    assert result.set_aside == {ANSWERED_OTHERWISE: 1, PICTURE_MISSING: 1, "unknown word": 1}
    assert result.correct.tolist() == [False, *[True] * 3, False, False, *[True] * 5]
    assert [result.answers[place] for place in (0, 4, 5)] == [known[0].answer, None, None]
    assert np.flatnonzero(~result.posed).tolist() == [4, 5]
    assert all(
        greedy == question.answer
        for question, greedy, right in zip(result.asked, result.answers, result.correct, strict=True)
        if right
    )


def test_an_answer_counts_stripped_and_in_lower_case(subject: TinySubject, known: list[Question]) -> None:
    in_capitals = [replace(known[0], answer=f" {known[0].answer.upper()} ")]
    assert measure(subject, in_capitals, edges=[], lens=False).correct.all()
    result = measure(Loud(tiny_model()), known[:1], edges=[], lens=False)
    assert result.correct.all()
    assert result.answers == (known[0].answer.upper(),)


def test_the_numbers_are_the_instruments_own(subject: TinySubject, result: Measurement) -> None:
    prompts = [subject.encode(question) for question in result.questions]
    swept = sweep(subject, prompts, EDGES, 3)
    expected = swept.knocked
    assert (result.model, result.task, result.layers, result.width) == ("tiny", "ChooseAttr", 4, 3)
    assert result.edges == EDGES
    assert np.array_equal(result.baseline, swept.baseline)
    for place, edge in enumerate(EDGES):
        assert np.array_equal(result.knocked[edge], expected[:, place], equal_nan=True)
        change = (expected[:, place] / result.baseline[:, None] - 1) * 100
        np.testing.assert_allclose(result.curve(edge).values, change, rtol=1e-9, atol=1e-9)
    lenses = Lens(subject, prompts, result.rivals).readings()
    assert sorted(result.lenses) == sorted(form + suffix for form in FORMS for suffix in ("", NORMED))
    for name, values in lenses.probabilities.items():
        assert np.array_equal(result.lenses[name], values, equal_nan=True)
        assert np.array_equal(result.ranks[name], lenses.ranks[name], equal_nan=True)
    for name, values in lenses.scores.items():
        assert np.array_equal(result.scores[name], values, equal_nan=True)
    assert np.array_equal(result.lens("lowercase").values, result.lenses["lowercase"])
    assert np.array_equal(result.lens("lowercase", normed=True).values, result.lenses["lowercase_normed"])


def test_a_first_token_is_the_answers_own(subject: TinySubject, result: Measurement) -> None:
    """p1 and the lens at the last point read the same output; the answers here are one lower-case word."""
    np.testing.assert_allclose(result.lenses["lowercase"][:, -1], result.baseline, rtol=1e-5)
    assert (result.ranks["lowercase"][:, -1] == 0).all()


def test_questions_without_an_edge_are_rows_of_nan(result: Measurement) -> None:
    without = [not question.objects for question in result.questions]
    assert 0 < sum(without) < len(without)
    for edge in (RELATED >> QUESTION, OTHER >> QUESTION):
        assert np.array_equal(np.isnan(result.knocked[edge]), np.repeat(np.array(without)[:, None], 4, axis=1))
    assert not np.isnan(result.knocked[IMAGE >> QUESTION]).any()
    counts = {"no object of it is in the picture": sum(without)}
    assert result.edge_left_out == {RELATED >> QUESTION: counts, OTHER >> QUESTION: counts}


def test_an_edge_that_no_question_has_says_why(subject: TinySubject, known: list[Question]) -> None:
    bare = [question for question in known if not question.objects]
    result = measure(subject, bare, edges=[RELATED >> QUESTION, QUESTION >> LAST], lens=False)
    assert list(result.knocked) == [QUESTION >> LAST]
    with pytest.raises(Unsupported, match="related->question on ChooseAttr: no object of it is in the picture"):
        result.curve(RELATED >> QUESTION)
    with pytest.raises(KeyError, match="image->last was not measured; measured: question->last"):
        result.curve(IMAGE >> LAST)
    with pytest.raises(KeyError, match="lens lowercase was not measured"):
        result.lens("lowercase")


def test_words_that_the_lens_cannot_read_are_counted(subject: TinySubject, words: list[Question]) -> None:
    ambiguous = next(question for question in words if (WORD_TOKENS[question.answer] - FIRST_WORD) % 5 == 0)
    read = next(question for question in words if WORD_TOKENS[question.answer] in READABLE)
    result = measure(subject, [read, ambiguous], edges=[])
    assert result.lens_left_out == {f"answer: {SHARED}": 1, f"rival: {SHARED}": 1, f"answer: {ALONE}": 1}
    assert np.isnan(result.lenses["lowercase"]).all(axis=1).tolist() == [False, True]


def test_a_model_that_knows_nothing_is_measured_without_curves(subject: TinySubject, known: list[Question]) -> None:
    wrong = [replace(known[0], text="zebra"), replace(known[1], answer="w0w1")]
    result = measure(subject, wrong)
    assert result.set_aside == {"unknown word": 1, ANSWERED_OTHERWISE: 1}
    assert result.questions == ()
    assert result.correct.tolist() == [False, False]
    for read in (lambda: result.curve(QUESTION >> LAST), lambda: result.lens("lowercase")):
        with pytest.raises(Inconclusive, match="tiny answers none of 1 questions of ChooseAttr correctly"):
            read()


def test_questions_that_cannot_be_asked_at_all_are_an_error(subject: TinySubject, known: list[Question]) -> None:
    with pytest.raises(NothingLeft, match=r"any of 1 questions of ChooseAttr \(1 unknown word\): check"):
        measure(subject, [replace(known[0], text="zebra")])
    with pytest.raises(NothingLeft, match="none was given"):
        measure(subject, [])


def test_a_lens_that_no_question_can_be_read_with_says_why(subject: TinySubject, known: list[Question]) -> None:
    result = measure(subject, [replace(question, false_option=None) for question in known], edges=[])
    with pytest.raises(Unsupported, match=r"P\(false_lowercase\) on ChooseAttr: no question has such a word"):
        result.lens("false_lowercase")


def test_unknown_engines_and_empty_windows_are_refused(subject: TinySubject, known: list[Question]) -> None:
    with pytest.raises(ValueError, match="'warp' is no engine; known: fast, reference"):
        measure(subject, known, engine="warp")
    with pytest.raises(ValueError, match="a window of 0 layers"):
        measure(subject, known, width=0)
    with pytest.raises(TooWide, match=r"^tiny has 4 layers: give 4 or fewer$"):
        measure(subject, known, width=5)


def test_a_defect_of_the_encoder_is_no_property_of_the_question(subject: TinySubject, known: list[Question]) -> None:
    with pytest.raises(AttributeError):
        measure(subject, [*known, cast(Any, None)])


def test_a_measurement_survives_its_way_to_disk(result: Measurement) -> None:
    file = io.BytesIO()
    np.savez(file, **cast(Any, measurement_file.to_arrays(result)))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = measurement_file.from_arrays({name: arrays[name] for name in arrays.files})
    for name in (field.name for field in fields(Measurement)):
        before, after = getattr(result, name), getattr(again, name)
        if name in {"knocked", "lenses", "ranks", "scores"}:
            assert list(before) == list(after)
            assert all(np.array_equal(before[key], after[key], equal_nan=True) for key in before)
        elif isinstance(before, np.ndarray):
            assert np.array_equal(before, after)
        else:
            assert before == after, name
    assert np.array_equal(again.curve(IMAGE >> LAST).values, result.curve(IMAGE >> LAST).values)


def test_arrays_that_are_no_measurement_are_refused(result: Measurement) -> None:
    arrays = measurement_file.to_arrays(result)
    older = np.frombuffer(arrays["json"].tobytes().replace(b'"schema": 2', b'"schema": 0'), dtype=np.uint8)
    with pytest.raises(ValueError, match="schema 0, this version reads 2"):
        measurement_file.from_arrays({**arrays, "json": older})
    for arrays_with_damage in (
        {},
        {"json": arrays["json"]},
        {**arrays, "json": arrays["json"][:40]},
        {**arrays, "correct": arrays["correct"][1:]},
    ):
        with pytest.raises(ValueError, match=r"."):
            measurement_file.from_arrays(arrays_with_damage)


def test_a_measurement_says_where_it_comes_from(result: Measurement) -> None:
    expected = {
        "engine": "fast",
        "dtype": "float32",
        "device": "cpu",
        "fingerprint": "random",
        "prompt_style": "words",
    }
    assert expected.items() <= result.provenance.items()
    assert {"python", "numpy", "torch", "transformers", "prompts_sha256", "seconds"} < set(result.provenance)


def test_the_default_window_is_the_papers_share_of_depth(known: list[Question]) -> None:
    assert measure(tiny_subject(), known[:1], edges=[LAST >> LAST], lens=False).width == 1


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_windows_of_other_widths_are_measured_with_the_first(engine: str, known: list[Question]) -> None:
    subject, edges = tiny_subject(layers=5, dtype=torch.float64), [IMAGE >> LAST, QUESTION >> LAST, RELATED >> LAST]
    cases = [replace(one, answer=subject.decode(greedy)) for one, greedy in zip(
        known, greedy_answers(subject, [subject.encode(one) for one in known]), strict=True)]  # fmt: skip
    result = measure(subject, cases, edges, 3, other_widths=(1, 5, 3), lens=False, engine=engine)
    assert (result.width, list(result.other_widths)) == (3, [1, 5])
    for width in (3, 1, 5):
        alone = measure(subject, cases, edges, width, lens=False, engine=engine)
        own = result.in_windows_of(width)
        assert (own.width, own.other_widths) == (width, {})
        assert own.knocked.keys() == alone.knocked.keys()
        for edge, p2 in alone.knocked.items():
            np.testing.assert_allclose(own.knocked[edge], p2, rtol=1e-12)
    assert result.among(cases[:2]).in_windows_of(5).curve(IMAGE >> LAST).n == 2
    np.testing.assert_equal(
        measurement_file.from_arrays(measurement_file.to_arrays(result)).other_widths, result.other_widths
    )
    with pytest.raises(TooWide):
        measure(subject, cases, edges, 3, other_widths=(6,))
    with pytest.raises(ValueError, match="0 layers knocks nothing"):
        measure(subject, cases, edges, 3, other_widths=(0,))


def test_no_more_are_measured_than_are_wanted_and_the_rest_is_counted(
    subject: TinySubject, known: list[Question]
) -> None:
    cases = [replace(known[0], id="wrong", answer="w0" if known[0].answer != "w0" else "w1"), *known]
    whole, some = (measure(subject, cases, [IMAGE >> LAST], at_most=most) for most in (None, 3))
    assert some.questions == tuple(known[:3])
    assert (some.correct == whole.correct).all()
    assert some.answers == whole.answers
    assert some.set_aside == {ANSWERED_OTHERWISE: 1, BEYOND: len(known) - 3}
    np.testing.assert_allclose(some.knocked[IMAGE >> LAST], whole.knocked[IMAGE >> LAST][:3], rtol=1e-5)
    for most in (0, -1):
        with pytest.raises(ValueError, match=f"{most} questions are too few to measure"):
            measure(subject, cases, [IMAGE >> LAST], at_most=most)
    again = measure(subject, cases, [IMAGE >> LAST], at_most=5, earlier=some)
    assert (again.questions, again.set_aside[BEYOND]) == (tuple(known[:5]), len(known) - 5)
    assert measure(subject, cases, [IMAGE >> LAST], at_most=99).set_aside == whole.set_aside == {ANSWERED_OTHERWISE: 1}


# The final sub-word, and what is taken over


@pytest.fixture(scope="module")
def several(subject: TinySubject) -> list[Question]:
    """Questions whose gold answer is what the model says: several words."""
    cases = [tiny_question(seed, words=2 + seed % 3) for seed in range(40)]
    greedy = greedy_answers(subject, [subject.encode(question) for question in cases])
    return [replace(each, answer=subject.decode(ids)) for each, ids in zip(cases, greedy, strict=True) if len(ids) > 1]


def test_the_final_sub_word_is_read_given_those_before_it(subject: TinySubject, several: list[Question]) -> None:
    """p1 is what the model's own forward gives the last token of its answer behind the others."""
    result = measure(subject, several[:6], [IMAGE >> LAST], final_sub_word=True, lens=False)
    assert result.questions == tuple(several[:6])
    for question, p1 in zip(result.questions, result.baseline, strict=True):
        prompt = subject.encode(question)
        ids = greedy_answers(subject, [prompt])[0]
        longer = torch.tensor([[*prompt.input_ids, *ids[:-1]]])
        tensors = {**prompt.tensors, "input_ids": longer, "attention_mask": torch.ones_like(longer)}
        with torch.inference_mode():
            own = cast(Any, subject.model)(**tensors).logits[0, -1].softmax(dim=-1)
        assert int(own.argmax()) == ids[-1]
        assert p1 == pytest.approx(float(own.max()), rel=1e-5)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_a_knockout_reaches_the_final_sub_word(subject: TinySubject, several: list[Question], engine: str) -> None:
    result, first = (
        measure(subject, several[:4], [IMAGE >> LAST], final_sub_word=final, lens=False, engine=engine)
        for final in (True, False)
    )
    assert np.abs(result.curve(IMAGE >> LAST).values).max() > 1
    assert not np.allclose(result.knocked[IMAGE >> LAST], first.knocked[IMAGE >> LAST])
    assert first.among(several[:2]).questions == tuple(several[:2])


def test_answers_of_one_sub_word_have_no_final_one(subject: TinySubject, known: list[Question]) -> None:
    short = [
        replace(question, answer=subject.decode(greedy_answers(subject, [subject.encode(question)], longest=1)[0]))
        for question in known
    ]
    one = [question for question in short if len(greedy_answers(subject, [subject.encode(question)])[0]) == 1]
    result = measure(subject, [*one, *known[:2]], [IMAGE >> LAST], final_sub_word=True, lens=False)
    assert result.set_aside.get(ONE_SUB_WORD, 0) == len(one) + sum(
        len(greedy_answers(subject, [subject.encode(question)])[0]) == 1 for question in known[:2]
    )
    assert len(result.questions) + sum(result.set_aside.values()) == len(result.asked)


def test_answers_are_taken_over_from_an_earlier_measurement(
    subject: TinySubject, known: list[Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [*known, replace(known[0], id="wrong", answer="w0")]
    anew = measure(subject, cases, [IMAGE >> QUESTION], lens=False)
    first = measure(subject, cases, [QUESTION >> LAST])
    monkeypatch.setattr(
        "fixtures.instruments.generation.greedy_answers", lambda *_, **__: pytest.fail("nothing is to be generated")
    )
    again = measure(subject, cases, [IMAGE >> QUESTION], lens=False, earlier=first)
    assert again.answers == anew.answers
    assert (again.correct == anew.correct).all()
    assert again.set_aside == anew.set_aside
    assert (again.knocked[IMAGE >> QUESTION] == anew.knocked[IMAGE >> QUESTION]).all()
    with pytest.raises(pytest.fail.Exception, match="nothing is to be generated"):
        measure(subject, cases[1:], [IMAGE >> QUESTION], lens=False, earlier=first)


def test_all_that_was_asked_is_kept_or_counted_whatever_was_known(
    subject: TinySubject, several: list[Question], known: list[Question]
) -> None:
    cases = [*several[:4], *known[:3], replace(known[0], id="wrong", answer="w0" if known[0].answer != "w0" else "w1")]
    for first in (
        None,
        *(measure(subject, cases, [IMAGE >> LAST], final_sub_word=final, lens=False) for final in (True, False)),
    ):
        for final in (True, False):
            for most in (None, 2):
                result = measure(
                    subject, cases, [IMAGE >> LAST], earlier=first, final_sub_word=final, at_most=most, lens=False
                )
                assert len(result.questions) + sum(result.set_aside.values()) == len(cases)
                assert result.set_aside[ANSWERED_OTHERWISE] == 1


def test_a_picture_that_is_lost_meanwhile_is_counted_as_that(subject: TinySubject, known: list[Question]) -> None:
    first = measure(subject, known, [IMAGE >> LAST])
    now = [replace(known[0], image_id=""), *known[1:]]  # the tiny models' sign of a picture that cannot be had
    result = measure(subject, now, [IMAGE >> LAST], earlier=replace(first, asked=tuple(now)))
    assert (result.questions, result.set_aside) == (tuple(known[1:]), {PICTURE_MISSING: 1})


def test_a_final_sub_word_stands_behind_the_answer_that_was_right(
    subject: TinySubject, several: list[Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = several[:4]
    first = measure(subject, cases, [IMAGE >> LAST], lens=False)
    greedy = greedy_answers(subject, [subject.encode(question) for question in cases])
    twice = [(*greedy[0], *greedy[0]), *greedy[1:]]
    monkeypatch.setattr("fixtures.instruments.generation.greedy_answers", lambda *_, **__: twice)
    result = measure(subject, cases, [IMAGE >> LAST], earlier=first, final_sub_word=True, lens=False)
    assert (result.questions, result.set_aside) == (tuple(cases[1:]), {ANSWERED_OTHERWISE: 1})


def test_what_was_read_of_a_final_sub_word_survives_its_way_to_disk(
    subject: TinySubject, several: list[Question], known: list[Question]
) -> None:
    result = measure(subject, [known[0], *several[:3], known[1]], [IMAGE >> LAST], final_sub_word=True, lens=False)
    again = measurement_file.from_arrays(measurement_file.to_arrays(result))
    assert again.questions == result.questions
    assert len(again.questions) < int(again.correct.sum()) + len(again.set_aside)
    assert (again.knocked[IMAGE >> LAST] == result.knocked[IMAGE >> LAST]).all()
