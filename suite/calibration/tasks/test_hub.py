"""The hub's tables give the release's questions, with or without a folder's boxes; failing is one sentence."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
from PIL import Image

from fixtures.question import Object, PictureMissing, Question
from fixtures.tasks import (
    HUB,
    HUB_ALL,
    TASKS,
    WORLD,
    PicturesUnavailable,
    QuestionsUnavailable,
    check,
    is_curated,
    load,
    missing_pictures,
    prepare,
    questions,
    take_stock,
)
from fixtures.tasks.gqa import authors
from fixtures.tasks.gqa import hub as gqa_hub
from fixtures.tasks.reading.arrow_file import ArrowQuestions
from fixtures.tasks.reading.hub_table import HubPicture
from fixtures.tasks.reading.parsing import UNKNOWN_SIZE
from fixtures.tasks.source import NOT_IN_RELEASE
from suite.support.data.fake_hub import (
    IMAGES,
    INSTRUCTIONS,
    STEP,
    Tables,
    clear_caches,
    gqa_tables,
    hub_with,
    parquet_table,
    picture_rows,
    question_rows,
)
from suite.support.data.questions import as_csv, as_row

BALANCED, PICTURES = gqa_hub.question_table(HUB), gqa_hub.picture_table(HUB)


@pytest.fixture(scope="module")
def published_tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return gqa_tables(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def tables(published_tables: Tables) -> Iterator[Tables]:
    """The tables on the fake hub; a test may replace them."""
    with hub_with(dict(published_tables)) as on_hub:
        yield on_hub


def boxless(questions: list[Question]) -> list[Question]:
    return [
        replace(question, objects=tuple(Object(thing.name, None) for thing in question.objects))
        for question in questions
    ]


@pytest.mark.parametrize("task", TASKS)
def test_the_hubs_questions_are_the_releases_without_boxes(tables: Tables, task: str) -> None:
    originals = questions(task, 20, 3)
    cases = questions(task, 20, 3, HUB)
    assert cases == boxless(originals)
    for case, original in zip(cases, originals, strict=True):
        assert case.picture
        assert original.picture
        assert case.picture.read() == original.picture.read()
    assert load(task, HUB).unboxed.keys() == {gqa_hub.NO_BOXES}
    assert missing_pictures(cases) is None
    assert not is_curated(HUB)


def test_all_questions_are_those_that_are_not_balanced_too(tables: Tables) -> None:
    balanced, every = load("QueryAttr", HUB).questions, load("QueryAttr", HUB_ALL).questions
    assert {question.id for question in every} - {question.id for question in balanced} == {"more"}
    (more,) = (question for question in questions("QueryAttr", None, 0, HUB_ALL) if question.id == "more")
    assert more.image.size == more.image_size
    assert str(more.picture) == "lmms-lab/GQA (val_all_images): 9"


@pytest.mark.parametrize("name", [HUB, HUB_ALL])
def test_a_long_table_is_indexed_once(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    expected = {task: load(task, name) for task in TASKS}
    monkeypatch.setattr(gqa_hub, "QUICK_ROWS", 100)
    lines: list[str] = []
    for task in TASKS:
        stock = load(task, name, lines.append)
        assert isinstance(stock.questions, ArrowQuestions)
        assert sorted(stock.questions, key=lambda question: question.id) == sorted(
            expected[task].questions, key=lambda question: question.id
        )
        assert (stock.dropped, stock.unboxed) == (expected[task].dropped, expected[task].unboxed)
    assert [line.partition(")")[0] for line in lines] == [f"lmms-lab/GQA ({gqa_hub.SPLITS[name]}"] * 2
    clear_caches()
    assert questions("ChooseRel", 9, 1, name, say=lines.append)
    assert len(lines) == 2


# Boxes from a folder, questions from the hub.


@pytest.mark.parametrize("task", TASKS)
def test_scene_graphs_give_the_boxes_that_the_release_has(tables: Tables, tmp_path: Path, task: str) -> None:
    (tmp_path / "val_sceneGraphs.json").write_bytes((WORLD / "val_sceneGraphs.json").read_bytes())
    assert questions(task, 20, 3, HUB, boxes=tmp_path) == questions(task, 20, 3)
    assert load(task, HUB, boxes=tmp_path).unboxed == {}
    assert not is_curated(HUB, task, tmp_path)


def chosen_by_the_authors(folder: Path, task: str, choice: list[Question]) -> Path:
    (folder / authors.FILES[task]).write_text(as_csv([as_row(question) for question in choice]), encoding="utf-8")
    return folder


@pytest.mark.parametrize("graphs", [False, True], ids=["alone", "with scene graphs"])
def test_the_authors_files_give_their_boxes_and_choose(tables: Tables, tmp_path: Path, graphs: bool) -> None:
    if graphs:
        (tmp_path / "val_sceneGraphs.json").write_bytes((WORLD / "val_sceneGraphs.json").read_bytes())
    choice = questions("QueryAttr", 5)
    elsewhere = replace(choice[0], id="elsewhere")
    chosen_by_the_authors(tmp_path, "QueryAttr", [*choice, elsewhere])
    assert questions("QueryAttr", 9, 0, HUB, boxes=tmp_path) == choice
    stock = load("QueryAttr", HUB, boxes=tmp_path)
    assert (stock.dropped, stock.unboxed) == ({NOT_IN_RELEASE: ("elsewhere",)}, {})
    others = questions("ChooseRel", 5, 0, HUB, boxes=tmp_path)
    assert others == (questions("ChooseRel", 5) if graphs else boxless(questions("ChooseRel", 5)))
    assert not is_curated(HUB, "QueryAttr", tmp_path)
    for task in TASKS:
        (tmp_path / authors.FILES[task]).touch()
    assert is_curated(HUB, "QueryAttr", tmp_path)


def test_boxes_of_another_image_are_not_taken(tables: Tables, tmp_path: Path) -> None:
    right, wrong = questions("QueryAttr", 2)
    chosen_by_the_authors(tmp_path, "QueryAttr", [right, replace(wrong, image_id=right.image_id)])
    assert questions("QueryAttr", 2, 0, HUB, boxes=tmp_path) == [right, *boxless([wrong])]
    assert load("QueryAttr", HUB, boxes=tmp_path).unboxed == {gqa_hub.NO_BOXES: (wrong.id,)}


def test_a_folder_without_boxes_is_told_what_was_looked_for(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(
        QuestionsUnavailable, match=r"holds no boxes: looked for val_sceneGraphs\.json .*ChooseAttr\.csv"
    ):
        check(TASKS, HUB, boxes=tmp_path)


# Pictures.


def test_pictures_of_the_hub_serve_other_questions_and_only_those_asked_for_are_fetched(
    tables: Tables, tmp_path: Path
) -> None:
    own = questions("QueryAttr", 4)
    chosen_by_the_authors(tmp_path, "QueryAttr", own)
    del tables[gqa_hub.picture_table(HUB_ALL)]
    cases = questions("QueryAttr", 4, 0, tmp_path, HUB)
    assert cases == own
    assert missing_pictures(cases) is None
    assert {question.image.size for question in cases} == {own[0].image_size}
    check(["QueryAttr"], tmp_path, HUB)


def test_a_picture_that_is_not_among_the_balanced_is_sought_among_all(tables: Tables, tmp_path: Path) -> None:
    (own,) = questions("QueryAttr", 1)
    chosen_by_the_authors(tmp_path, "QueryAttr", [replace(own, image_id="9"), replace(own, id="no", image_id="no")])
    case_of = {question.image_id: question for question in questions("QueryAttr", 2, 0, tmp_path, HUB)}
    assert str(case_of["9"].picture) == "lmms-lab/GQA (val_all_images): 9"
    assert (missing_pictures(case_of.values()) or "").startswith("1 of 2 pictures is missing (no)")


def test_pictures_may_lie_elsewhere_and_tell_their_size(tables: Tables, tmp_path: Path) -> None:
    (question,) = questions("QueryAttr", 1, 0, HUB)
    Image.new("RGB", (31, 17)).save(tmp_path / f"{question.image_id}.png")
    here, away = questions("QueryAttr", 2, 0, HUB, tmp_path)
    assert here.image_size == here.image.size == (31, 17)
    assert away.image_size == UNKNOWN_SIZE
    assert (missing_pictures([here, away]) or "").startswith(f"1 of 2 pictures is missing from {tmp_path}")


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_picture_without_a_size_costs_its_question_alone(tables: Tables, content: bytes | None) -> None:
    (question,) = questions("QueryAttr", 1, 0, HUB)
    rows = [
        row | {"image": {"bytes": content, "path": "x.jpg"}} if row["id"] == question.image_id else row
        for row in picture_rows()
    ]
    tables[PICTURES] = datasets.Dataset.from_list(rows, features=IMAGES)
    clear_caches()
    both = questions("QueryAttr", 2, 0, HUB)
    assert [case.image_size == UNKNOWN_SIZE for case in both] == [True, False]
    assert set(take_stock(both, decode=True).damaged) == {question.image_id}
    with pytest.raises(PictureMissing, match=rf"lmms-lab/GQA \(val_balanced_images\): {question.image_id}"):
        _ = both[0].image


def test_a_source_that_is_there_passes_and_a_folder_of_the_name_is_a_folder(tables: Tables, tmp_path: Path) -> None:
    check(TASKS, HUB)
    with pytest.raises(QuestionsUnavailable, match="has no questions: looked for"):
        check(TASKS, tmp_path / "hub")


# What is wrong with a table.


def test_what_is_wrong_with_a_row_leaves_it_out(tables: Tables) -> None:
    rows = [row for row in question_rows() if row["types"]["detailed"] == "positionQuery"]
    rows[0]["imageId"], rows[1]["question"], rows[2]["semantic"] = "../x", None, []
    rows.append(rows[3] | {"id": "untyped", "types": None})
    tables[BALANCED] = datasets.Dataset.from_list(rows, features=INSTRUCTIONS)
    stock = load("QueryAttr", HUB)
    assert sorted(stock.dropped.values()) == sorted([(row["id"],) for row in rows[:3]])
    assert len(stock.questions) == len(rows) - 4
    with pytest.raises(QuestionsUnavailable, match="the hub holds no question of ChooseRel"):
        load("ChooseRel", HUB)


def test_an_id_that_comes_twice_is_told(tables: Tables) -> None:
    rows = question_rows(id="07")
    tables[BALANCED] = datasets.Dataset.from_list(rows, features=INSTRUCTIONS)
    with pytest.raises(QuestionsUnavailable, match="lmms-lab/GQA holds 07 twice"):
        load("QueryAttr", HUB)


def test_a_program_may_be_a_sequence(tables: Tables, tmp_path: Path) -> None:
    """`datasets` gives a list of structures, or a structure of lists if the card says sequence."""
    sequence = {name: datasets.List(kind) for name, kind in STEP.items()}
    rows = [
        row | {"semantic": {name: [step[name] for step in row["semantic"]] for name in STEP}} for row in question_rows()
    ]
    features = datasets.Features({**INSTRUCTIONS, "semantic": sequence})
    expected = questions("ChooseRel", 20, 0, HUB)
    tables[BALANCED] = parquet_table(tmp_path, "sequence", rows, features)
    clear_caches()
    assert questions("ChooseRel", 20, 0, HUB) == expected


def test_other_columns_are_told(tables: Tables) -> None:
    tables[BALANCED] = tables[BALANCED].remove_columns(["semantic", "types"])
    with pytest.raises(QuestionsUnavailable, match=r"lacks types, semantic: it has changed since"):
        check(["QueryAttr"], HUB)


def test_offline_and_never_fetched_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` itself is called, offline and with an empty cache."""
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    clear_caches()
    for task, option in (("QueryAttr", "--gqa"), ("POPE", "--data"), ("VQAv2", "--data")):
        with pytest.raises(
            QuestionsUnavailable, match=rf"cannot be fetched from the hub \(.*\): go .*{option}"
        ) as error:
            check([task], HUB)
        assert "\n" not in str(error.value)
    with pytest.raises(QuestionsUnavailable, match=r"val_balanced_images\) cannot be fetched .*--images"):
        questions("QueryAttr", 1, 0, WORLD, HUB)


def test_prepared_it_is_carried_field_for_field(tables: Tables, tmp_path: Path) -> None:
    prepare.prepare(HUB, None, tmp_path / "out", tasks=TASKS, number=5, seed=0)
    for task in TASKS:
        assert questions(task, 5, 0, tmp_path / "out") == questions(task, 5, 0, HUB)
        first = questions(task, 1, 0, tmp_path / "out")[0]
        assert first.image_size == Image.open(io.BytesIO(first.picture.read() if first.picture else b"")).size


def test_prepared_with_boxes_and_from_pictures_of_the_hub(tables: Tables, tmp_path: Path) -> None:
    boxes = chosen_by_the_authors(tmp_path, "QueryAttr", questions("QueryAttr", 5))
    prepare.prepare(HUB, None, tmp_path / "one", tasks=["QueryAttr"], number=5, seed=0, boxes=boxes)
    prepare.prepare(boxes, HUB, tmp_path / "other", tasks=["QueryAttr"], number=5, seed=0)
    one, other = (questions("QueryAttr", 5, 0, tmp_path / name) for name in ("one", "other"))
    assert one == other == questions("QueryAttr", 5)
    assert all(isinstance(each.picture, HubPicture) for each in questions("QueryAttr", 5, 0, boxes, HUB))


def test_pictures_that_a_folder_lacks_are_sought_nowhere_else(tables: Tables, tmp_path: Path) -> None:
    chosen_by_the_authors(tmp_path, "QueryAttr", questions("QueryAttr", 2))
    with pytest.raises(PicturesUnavailable, match="holds no pictures, neither"):
        check(["QueryAttr"], tmp_path)
