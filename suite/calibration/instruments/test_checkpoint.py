"""A measurement that broke off, wherever it was, gives bit by bit what one that did not gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.instruments.checkpoint import GENERATION, SWEEP, Checkpoint
from fixtures.instruments.generation import greedy_answers
from fixtures.measure import measure
from fixtures.measurement import Measurement
from fixtures.question import Question
from suite.support.models.words_llava import WORD_TOKENS, TinySubject, tiny_question, tiny_subject
from suite.support.runs.interruptions import Killed, break_off, same

EDGES = [IMAGE >> QUESTION, QUESTION >> LAST]
QUESTIONS = 8


@pytest.fixture(scope="module")
def subject() -> TinySubject:
    return tiny_subject()


@pytest.fixture(scope="module")
def questions(subject: TinySubject) -> list[Question]:
    """Questions of several lengths that the tiny model answers in one word, which is taken as right."""
    cases = [tiny_question(seed, words=2 + seed % 3) for seed in range(120)]
    greedy = greedy_answers(subject, [subject.encode(question) for question in cases])
    answered = [replace(question, answer=subject.decode(ids)) for question, ids in zip(cases, greedy, strict=True)]
    return [question for question in answered if question.answer in WORD_TOKENS][:QUESTIONS]


def run(subject: TinySubject, questions: list[Question], engine: str, checkpoint: Checkpoint) -> Measurement:
    return measure(subject, questions, EDGES, engine=engine, checkpoint=checkpoint)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_wherever_it_breaks_off_the_numbers_are_the_same(
    subject: TinySubject, questions: list[Question], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Checkpoint()
    expected = run(subject, questions, engine, whole)
    assert len(expected.questions) == QUESTIONS
    assert all(len(whole.batches(name).done) > 1 for name in (GENERATION, SWEEP)), "there is where to break off"
    batches = sum(len(whole.batches(name).done) for name in (GENERATION, SWEEP))
    for done in (1, batches // 2 + 1, batches - 1):
        part = Checkpoint()
        break_off(monkeypatch, after=done)
        with pytest.raises(Killed):
            run(subject, questions, engine, part)
        continued = Checkpoint.from_arrays(part.to_arrays())
        assert sum(len(continued.batches(name).done) for name in (GENERATION, SWEEP)) == done
        break_off(monkeypatch, after=1000)
        assert same(run(subject, questions, engine, continued), expected)
    break_off(monkeypatch, after=0)
    done_before = Checkpoint.from_arrays(whole.to_arrays())
    assert same(run(subject, questions, engine, done_before), expected), "nothing is left to do"


def test_rows_are_of_the_question_that_they_were_computed_for(subject: TinySubject, questions: list[Question]) -> None:
    prompts = [(place, subject.encode(question)) for place, question in enumerate(questions[:4])]
    rows = [(np.array(float(place)),) for place in range(2)]
    stage = Checkpoint().batches(SWEEP)
    stage.add(prompts[:2], rows)
    assert [float(row[0]) for row in stage.find(prompts[:2])] == [0, 1]
    assert len(stage.find(prompts[:3])) == 2, "a batch that was halved is taken up as what it was"
    for batch in (prompts[:1], prompts[1:3], prompts[::-1], [(place + 1, prompt) for place, prompt in prompts[:2]]):
        assert not stage.find(batch)
