"""Questions and pictures that cannot be had trouble their own claims alone, and no model is blamed for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.flow import PADDING, QUESTION
from fixtures.model_flow import Request
from fixtures.models.files.source import Source
from fixtures.question import FilePicture, Object, Question
from fixtures.tasks import TASKS, PicturesUnavailable
from suite.support.runs.benches import bench, logged


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    return logged(monkeypatch, tmp_path)


# ---- questions


def test_a_task_that_the_source_lacks_troubles_its_own_claims_alone(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fixtures.tasks

    real = fixtures.tasks.questions

    def lacking(task: str, *arguments: Any, **options: Any) -> list[Question]:
        if task == "ChooseAttr":
            raise fixtures.tasks.QuestionsUnavailable("no such file")
        return real(task, *arguments, **options)

    monkeypatch.setattr(fixtures.tasks, "questions", lacking)
    some = bench()
    assert some.measurement(Request("model", "QueryAttr")).task == "QueryAttr"
    for _ in range(2):
        with pytest.raises(fixtures.tasks.QuestionsUnavailable, match="no such file"):
            some.measurement(Request("model", "ChooseAttr"))


def test_questions_without_boxes_are_said_once_for_all_tasks(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fixtures.tasks

    real = fixtures.tasks.questions

    def boxless(*arguments: Any, **options: Any) -> list[Question]:
        return [
            replace(question, objects=tuple(Object(thing.name, None) for thing in question.objects))
            for question in real(*arguments, **{**options, "gqa": None})
        ]

    sentences: list[str] = []
    bench(say_once=sentences.append).questions.of_task("QueryAttr")
    assert sentences == []
    monkeypatch.setattr(fixtures.tasks, "questions", boxless)
    some = bench(say_once=sentences.append, gqa="hub")
    some.questions.of_task("QueryAttr")
    some.questions.of_task("ChooseAttr")
    assert set(sentences) == {"the questions from hub have no boxes: claims about regions are unsupported"}


# ---- pictures


def lose(*image_ids: str, decoy: bytes | None = None) -> Callable[..., list[Question]]:
    """Questions as ever, with the pictures of some images gone or, with a decoy, damaged; ids "task:" for all."""
    import fixtures.tasks

    real = fixtures.tasks.questions
    Path("lost").mkdir(exist_ok=True)

    def questions(task: str, *arguments: Any, **options: Any) -> list[Question]:
        def without_picture(question: Question) -> Question:
            path = Path("lost") / f"{question.image_id}.png"
            if decoy is not None:
                path.write_bytes(decoy)
            return replace(question, picture=FilePicture(path))

        sample = real(task, *arguments, **options)
        return [without_picture(each) if {each.image_id, f"{task}:"} & {*image_ids} else each for each in sample]

    return questions


@pytest.mark.parametrize("decoy", [None, b"no picture"], ids=["missing", "damaged"])
def test_a_task_without_pictures_is_an_error_of_the_data_and_the_model_is_not_blamed(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, decoy: bytes | None
) -> None:
    monkeypatch.setattr("fixtures.tasks.questions", lose("ChooseAttr:", decoy=decoy))
    sentences: list[str] = []
    some = bench(say_once=sentences.append)
    state = "damaged in" if decoy else "missing from"
    for _ in range(2):
        with pytest.raises(PicturesUnavailable):
            some.measurement(Request("model", "ChooseAttr"))
    sentence, again = sentences
    assert sentence == again
    assert sentence.startswith(f"ChooseAttr has no picture to show: 24 of 24 pictures are {state} lost (")
    assert " and 19 more): " in sentence
    assert "model ChooseAttr" not in measurements()
    assert some.measurement(Request("model", "QueryAttr")).task == "QueryAttr"
    assert measurements() == ["model contract", "model QueryAttr"]


@pytest.mark.parametrize("decoy", [None, b"no picture"], ids=["missing", "damaged"])
def test_without_any_picture_the_model_is_not_even_loaded(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, decoy: bytes | None
) -> None:
    monkeypatch.setattr(Source, "load", lambda *_: pytest.fail("the model was loaded"))
    monkeypatch.setattr("fixtures.tasks.questions", lose(*(f"{task}:" for task in TASKS), decoy=decoy))
    with pytest.raises(PicturesUnavailable, match="pictur"):
        bench().measurement(Request("model", "QueryAttr"))
    assert measurements() == []


def test_some_pictures_are_missed_before_the_model_is_loaded_and_the_contract_asks_others(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fixtures.tasks

    first, second, third, *_ = [each.image_id for each in fixtures.tasks.questions("ChooseAttr", 24, 0)]
    monkeypatch.setattr("fixtures.tasks.questions", lose(first, second))
    monkeypatch.setattr("fixtures.tasks.questions", lose(third, decoy=b"no picture"))
    sentences: list[str] = []
    some = bench(planned=[("model", "ChooseAttr")], say=sentences.append, say_once=sentences.append)
    assert some.measurement(Request("model", "ChooseAttr")).task == "ChooseAttr"
    some.measurement(Request("model", "ChooseAttr", PADDING >> QUESTION))
    assert not {first, second, third} & {each.image_id for each in some.questions.of_contract()}
    assert sentences[:2] == [
        f"ChooseAttr: 2 of 24 pictures are missing from lost ({first}.png, {second}.png): "
        "give the folder or zip that holds them with --images",
        "model: checking the instruments",
    ]
    assert f"ChooseAttr: 1 of 24 pictures is damaged in lost ({third}.png): fetch it again" in sentences
