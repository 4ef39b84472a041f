"""A measurement that broke off, wherever it was, gives bit by bit what one that did not gives."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.instruments.checkpoint import GENERATION, SWEEP, Checkpoint
from fixtures.measure import measure
from fixtures.measurement import Measurement
from fixtures.models import load
from fixtures.models.base import Subject
from fixtures.tasks import questions
from suite.support.runs.interruptions import Killed, break_off, same

EDGES = [IMAGE >> QUESTION, QUESTION >> LAST]
QUESTIONS = 8


@pytest.fixture(scope="module")
def subject() -> Subject:
    return load("miniature")


def run(subject: Subject, engine: str, checkpoint: Checkpoint) -> Measurement:
    return measure(subject, questions("ChooseAttr", n=QUESTIONS), EDGES, engine=engine, checkpoint=checkpoint)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_wherever_it_breaks_off_the_numbers_are_the_same(
    subject: Subject, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Checkpoint()
    expected = run(subject, engine, whole)
    assert len(whole.batches(GENERATION).done) > 1, "there are batches to break off between"
    batches = sum(len(whole.batches(name).done) for name in (GENERATION, SWEEP))
    for done in (1, batches // 2 + 1, batches - 1):
        part = Checkpoint()
        break_off(monkeypatch, after=done)
        with pytest.raises(Killed):
            run(subject, engine, part)
        continued = Checkpoint.from_arrays(part.to_arrays())
        assert sum(len(continued.batches(name).done) for name in (GENERATION, SWEEP)) == done
        break_off(monkeypatch, after=1000)
        assert same(run(subject, engine, continued), expected)
    break_off(monkeypatch, after=0)
    assert same(run(subject, engine, Checkpoint.from_arrays(whole.to_arrays())), expected), "nothing is left to do"


def test_rows_are_of_the_question_that_they_were_computed_for(subject: Subject) -> None:
    prompts = [(place, subject.encode(question)) for place, question in enumerate(questions("ChooseAttr", n=4))]
    rows = [(np.array(float(place)),) for place in range(2)]
    stage = Checkpoint().batches(SWEEP)
    stage.add(prompts[:2], rows)
    assert [float(row[0]) for row in stage.find(prompts[:2])] == [0, 1]
    assert len(stage.find(prompts[:3])) == 2, "a batch that was halved is taken up as what it was"
    for batch in (prompts[:1], prompts[1:3], prompts[::-1], [(place + 1, prompt) for place, prompt in prompts[:2]]):
        assert not stage.find(batch)
