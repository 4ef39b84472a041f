"""Other data sets give the same questions from files and from the hub: no boxes, answers of one word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest

from fixtures.question import Object
from fixtures.tasks import (
    HUB,
    KNOWN,
    TASKS,
    PicturesUnavailable,
    QuestionsUnavailable,
    check,
    is_curated,
    load,
    missing_pictures,
    prepare,
    questions,
)
from fixtures.tasks.data_sets import sources
from fixtures.tasks.data_sets.definitions import DATA_SETS, SEVERAL_WORDS, image_id
from fixtures.tasks.reading.arrow_file import ArrowQuestions
from fixtures.tasks.reading.parsing import UNKNOWN_SIZE, UNSAFE_ID
from suite.support.data import data_sets
from suite.support.data.fake_hub import AOKVQA, Tables, clear_caches, hub_with
from suite.support.repository import ROOT

OTHERS = tuple(DATA_SETS)


@pytest.fixture(scope="module")
def published_tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return data_sets.tables(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def tables(published_tables: Tables) -> Iterator[Tables]:
    with hub_with(dict(published_tables)) as on_hub:
        yield on_hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return data_sets.write_files(tmp_path / "data")


def test_the_papers_six_come_first_and_are_the_default() -> None:
    assert (*TASKS, "POPE", "A-OKVQA", "VQAv2") == KNOWN


def test_the_readme_names_every_source() -> None:
    readme = (ROOT / "fixtures" / "README.md").read_text(encoding="utf-8")
    for task in DATA_SETS.values():
        assert f"`{task.table.repository}`" in readme
        assert f"| {task.name} |" in readme
    for name in ("coco_pope_random.json", *DATA_SETS["A-OKVQA"].files, *DATA_SETS["VQAv2"].files):
        assert f"`{name}`" in readme


# What is read of the files.


def test_pope_asks_whether_an_object_is_there(folder: Path) -> None:
    cases = questions("POPE", None, data=folder)
    assert len(cases) == 3 * 2 * len(data_sets.NUMBERS)
    apple = next(question for question in cases if question.id == "adversarial-2")
    assert (apple.text, apple.answer, apple.image_id) == ("Is there an apple in the image?", "no", "000000310196")
    assert (apple.true_option, apple.false_option) == ("no", "yes")
    assert apple.objects == (Object("apple", None),)
    assert apple.image_size == apple.image.size == (64, 48)
    assert sum(question.answer == "yes" for question in cases) == len(cases) / 2
    assert not is_curated(None, "POPE")


def test_pope_takes_those_of_its_files_that_are_there(folder: Path) -> None:
    (folder / "coco_pope_random.json").unlink()
    (folder / "coco_pope_popular.json").unlink()
    assert {question.id.partition("-")[0] for question in load("POPE", data=folder).questions} == {"adversarial"}


def test_a_okvqa_offers_its_choices_behind_the_question(folder: Path) -> None:
    stock = load("A-OKVQA", data=folder)
    cigarette, birthday = stock.questions
    assert cigarette.text == "What is in the motorcyclist's mouth, toothpick, food, popsicle stick or cigarette?"
    assert (cigarette.answer, cigarette.true_option, cigarette.false_option) == ("cigarette", "cigarette", "toothpick")
    assert birthday.text == "Which number birthday is probably being celebrated, thirty, ten, one or fourteen?"
    assert (birthday.answer, birthday.true_option, birthday.false_option) == ("thirty", "thirty", "ten")
    assert (cigarette.image_id, birthday.image_id) == ("000000461751", "000000000042")
    assert stock.dropped == {SEVERAL_WORDS: ("2BhYHZ9eGmG8cEsT4hgTBc",)}


def test_vqa_asks_for_the_answer_of_most_in_one_word(folder: Path) -> None:
    stock = load("VQAv2", data=folder)
    answers = {
        question.id: (question.answer, question.true_option, question.false_option) for question in stock.questions
    }
    assert answers == {
        "42000": ("down", None, None),
        "42001": ("yes", "yes", "no"),
        "310196000": ("2", None, None),
    }
    assert stock.dropped == {SEVERAL_WORDS: ("7000",)}
    assert {question.image_id for question in stock.questions} == {"000000000042", "000000310196"}


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (42, "000000000042"),
        ("COCO_val2014_000000000042.jpg", "000000000042"),
        ("COCO_train2014_000000000042", "000000000042"),
        ("000000000042.png", "000000000042"),
        ("2354786.jpg", "2354786"),
        ("42", "42"),
    ],
)
def test_one_image_has_one_id_however_it_is_written(reference: str | int, name: str) -> None:
    assert image_id(reference) == name


@pytest.mark.parametrize("task", OTHERS)
def test_cocos_archives_of_either_year_hold_the_pictures(folder: Path, tmp_path: Path, task: str) -> None:
    own = questions(task, None, data=folder)
    archive = data_sets.write_archive(tmp_path / "val2017.zip")
    for images in (archive, folder / "val2014", folder):
        cases = questions(task, None, data=folder, images=images)
        assert cases == own
        assert missing_pictures(cases) is None
        assert [question.image.size for question in cases] == [question.image_size for question in own]
    check([task], data=folder)


def test_a_missing_picture_costs_its_questions_alone(folder: Path) -> None:
    (folder / "val2014" / "COCO_val2014_000000000042.jpg").unlink()
    cases = questions("VQAv2", None, data=folder)
    assert {question.id: question.image_size for question in cases} == {
        "42000": UNKNOWN_SIZE,
        "42001": UNKNOWN_SIZE,
        "310196000": (64, 48),
    }
    assert (missing_pictures(cases) or "").startswith("1 of 2 pictures is missing from ")


# The hub.


@pytest.mark.parametrize("task", ["POPE", "VQAv2"])
def test_the_hub_gives_what_the_files_give(tables: Tables, folder: Path, task: str) -> None:
    of_files = questions(task, None, 5, data=folder)
    for data in (None, HUB):
        of_hub = questions(task, None, 5, data=data)
        assert of_hub == of_files
        assert [question.picture.read() for question in of_hub if question.picture] == [
            question.picture.read() for question in of_files if question.picture
        ]
        check([task], data=data)


def test_where_the_hub_tells_no_image_its_bytes_do(tables: Tables, folder: Path) -> None:
    of_files = {question.id: question for question in questions("A-OKVQA", None, data=folder)}
    of_hub = {question.id: question for question in questions("A-OKVQA", None)}
    assert {key: replace(question, image_id="") for key, question in of_hub.items()} == {
        key: replace(question, image_id="") for key, question in of_files.items()
    }
    assert len({question.image_id for question in of_hub.values()}) == 2
    table = DATA_SETS["A-OKVQA"].table
    rows: list[Any] = list(tables[table].cast_column("image", datasets.Image(decode=False)))
    tables[table] = datasets.Dataset.from_list([row | {"image": None} for row in rows[:1]] + rows[1:], features=AOKVQA)
    clear_caches()
    assert load("A-OKVQA").dropped["entry that lacks a field of its format"] == ("22jbM6gDxdaMaunuzgrsBB",)


def test_pictures_of_the_hub_belong_to_questions_of_the_hub(tables: Tables, folder: Path, tmp_path: Path) -> None:
    assert questions("POPE", 3, images=tmp_path) == questions("POPE", 3, images=HUB) == questions("POPE", 3)
    for use in (
        lambda: questions("POPE", 3, data=folder, images=HUB),
        lambda: check(["POPE"], None, HUB, data=folder),
    ):
        with pytest.raises(PicturesUnavailable, match="the hub gives pictures of POPE only with its own questions"):
            use()


@pytest.mark.parametrize("task", ["POPE", "VQAv2"])
def test_what_is_long_is_indexed(
    tables: Tables, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    expected = questions(task, None, 0, data=folder)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "QUICKLY_READ", 0)
    monkeypatch.setattr(sources, "QUICK_ROWS", 0)
    for data in (folder, HUB):
        lines: list[str] = []
        assert isinstance(load(task, data=data, say=lines.append).questions, ArrowQuestions)
        assert questions(task, None, 0, data=data) == expected
        assert len(lines) == 2
        check([task], data=data)


# What is wrong with the files.


def edit(folder: Path, name: str, change: Any) -> None:
    path = folder / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_what_is_wrong_with_an_entry_leaves_it_out(folder: Path) -> None:
    good = data_sets.pope_entries("random")[0]
    lines = [
        good,
        good | {"question_id": 2, "label": "maybe"},
        good | {"question_id": 3, "image": "../x.jpg"},
        good | {"question_id": 4, "text": " "},
        {"question_id": 5, "text": good["text"]},
        [6],
    ]
    (folder / "coco_pope_random.json").write_text("\n".join(map(json.dumps, lines)) + "\n{no json\n\n")
    stock = load("POPE", data=folder)
    assert [question.id for question in stock.questions if question.id.startswith("random")] == ["random-1"]
    assert stock.dropped == {
        "answer that is neither yes nor no": ("random-2",),
        UNSAFE_ID: ("random-3",),
        "entry without a question or an answer": ("random-4",),
        "entry that lacks a field of its format": ("random-5", "random-entry-6", "random-entry-7"),
    }


@pytest.mark.parametrize(
    "change",
    [{"correct_choice_idx": 4}, {"correct_choice_idx": -1}, {"choices": ["food", "food", "a", "b"]}, {"choices": None}],
    ids=str,
)
def test_a_choice_that_is_none_leaves_its_question_out(folder: Path, change: dict[str, Any]) -> None:
    rows = [data_sets.AOKVQA_ROWS[0] | change, data_sets.AOKVQA_ROWS[1], {"question": "no id"}]
    (folder / "aokvqa_v1p0_val.json").write_text(json.dumps(rows))
    stock = load("A-OKVQA", data=folder)
    assert [question.id for question in stock.questions] == [rows[1]["question_id"]]
    assert {identifier for ids in stock.dropped.values() for identifier in ids} == {
        rows[0]["question_id"],
        "entry-3",
    }


def test_a_question_without_an_annotation_is_left_out(folder: Path) -> None:
    annotations = [annotation for annotation in data_sets.vqa_annotations() if annotation["question_id"] != 42001]
    (folder / "v2_mscoco_val2014_annotations.json").write_text(json.dumps({"annotations": annotations}))
    assert load("VQAv2", data=folder).dropped["question without an annotation"] == ("42001",)


@pytest.mark.parametrize(
    ("task", "name", "change", "sentence"),
    [
        ("POPE", "coco_pope_random.json", lambda text: text + text, r"holds random-1 twice"),
        (
            "A-OKVQA",
            "aokvqa_v1p0_val.json",
            lambda text: text[:-9],
            r"does not hold A-OKVQA as it was published.*fetch",
        ),
        ("A-OKVQA", "aokvqa_v1p0_val.json", lambda text: '{"a": 1}', r"Expecting '\['"),
        ("VQAv2", "v2_mscoco_val2014_annotations.json", lambda text: "{}", r"it has no member 'annotations'"),
        ("VQAv2", "v2_OpenEnded_mscoco_val2014_questions.json", lambda text: "[]", r"Expecting '\{'"),
    ],
)
def test_a_broken_file_is_one_sentence(folder: Path, task: str, name: str, change: Any, sentence: str) -> None:
    edit(folder, name, change)
    with pytest.raises(QuestionsUnavailable, match=sentence) as error:
        check([task], data=folder)
    assert str(folder) in str(error.value)


def test_another_encoding_is_one_sentence(folder: Path) -> None:
    (folder / "coco_pope_random.json").write_bytes('{"text": "é"}'.encode("latin-1"))
    with pytest.raises(QuestionsUnavailable, match=r"coco_pope_random\.json is not UTF-8 \(line 1, byte 0xe9\)"):
        load("POPE", data=folder)


@pytest.mark.parametrize("task", OTHERS)
def test_a_folder_without_them_is_told_what_was_looked_for(tmp_path: Path, task: str) -> None:
    with pytest.raises(QuestionsUnavailable, match=f"has no questions of {task}: looked for ") as error:
        check([task], data=tmp_path)
    assert all(name in str(error.value) for name in DATA_SETS[task].files)


def test_one_of_two_files_is_not_enough(folder: Path) -> None:
    (folder / "v2_mscoco_val2014_annotations.json").unlink()
    with pytest.raises(
        QuestionsUnavailable, match=r"lacks v2_mscoco_val2014_annotations\.json: put it next to v2_Open"
    ):
        load("VQAv2", data=folder)


def test_a_folder_without_pictures_is_told_where_they_may_lie(folder: Path) -> None:
    (folder / "val2014").rename(folder.parent / "pictures")
    with pytest.raises(PicturesUnavailable, match=r"neither images/ nor images\.zip nor COCO's val2014/"):
        check(["POPE"], data=folder)
    check(["POPE"], data=folder, images=folder.parent / "pictures")


# Prepared.


def test_they_are_prepared_next_to_the_six_in_one_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare.prepare(None, None, out, tasks=["QueryAttr", *OTHERS], number=3, seed=2, data=folder)
    assert questions("QueryAttr", 3, 2, out) == questions("QueryAttr", 3, 2)
    assert is_curated(out)
    assert not is_curated(out, "POPE")
    for task in OTHERS:
        originals = questions(task, 3, 2, data=folder)
        for copies in (questions(task, 3, 2, out), questions(task, 3, 2, data=out)):
            assert copies == originals
            assert [question.image.size for question in copies] == [question.image_size for question in originals]
        check([task], out, seed=2)


# What a model can be asked of them.


def test_regions_are_unsupported_and_words_are_found(folder: Path) -> None:
    from fixtures.flow import FALSE_OPTION, IMAGE, OBJECTS, QUESTION, RELATED, TRUE_OPTION
    from fixtures.measure import measure
    from fixtures.models import load as model
    from fixtures.statistics.evidence import Unsupported

    subject = model("miniature")
    cases = [one for task in OTHERS for one in questions(task, 2, data=folder)]
    edges = [IMAGE >> QUESTION, RELATED >> QUESTION]
    first = measure(subject, cases, edges, lens=False)
    right = [replace(question, answer=answer) for question, answer in zip(cases, first.answers, strict=True) if answer]
    measurement = measure(subject, right, edges, lens=False)
    assert len(measurement.questions) == len(right) == len(cases)
    assert measurement.curve(IMAGE >> QUESTION).values.shape == (len(cases), subject.layers)
    with pytest.raises(Unsupported, match="no object of the question has a box"):
        measurement.curve(RELATED >> QUESTION)
    for one in cases:
        prompt = subject.encode(one)
        assert (OBJECTS in prompt.spans) == (one.task == "POPE")
        assert (TRUE_OPTION in prompt.spans) == (FALSE_OPTION in prompt.spans) == (one.task == "A-OKVQA")
