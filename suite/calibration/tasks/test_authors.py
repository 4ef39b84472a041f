"""The authors' six files hold what the paper counts; a broken one is one sentence, a broken row is counted."""

from __future__ import annotations

import ast
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.question import Box
from fixtures.tasks import TASKS, QuestionsUnavailable, load
from fixtures.tasks.gqa import authors
from fixtures.tasks.gqa import release as gqa_release
from fixtures.tasks.reading.parsing import OUTSIDE, ParsedQuestion
from suite.support.data.questions import (
    as_csv,
    as_row,
    entry_of,
    graph_of,
    make_question,
    questions_of,
    write_authors_file,
)
from suite.support.repository import AUTHORS, needs_authors_files


@needs_authors_files
def test_the_authors_files_hold_what_the_paper_counts() -> None:
    stocks = {task: load(task, AUTHORS) for task in TASKS}
    counts = {
        task: (len(stock.questions), len({q.image_id for q in stock.questions})) for task, stock in stocks.items()
    }
    assert counts == {
        "ChooseAttr": (1000, 937),
        "ChooseCat": (1000, 894),
        "ChooseRel": (964, 785),
        "CompareAttr": (570, 558),
        "LogicalObj": (991, 931),
        "QueryAttr": (1000, 934),
    }
    everything = [question for stock in stocks.values() for question in stock.questions]
    assert len({question.image_id for question in everything}) == 3818
    assert sum(question.id.startswith("0") for question in everything) == 505 + 523 + 511 + 506 + 479 + 291
    boxes = sum(thing.box_xywh is not None for question in everything for thing in question.objects)
    outside = [name for stock in stocks.values() for name in stock.unboxed.get(OUTSIDE, ())]
    assert outside == ["1594913"]
    assert sum(len(stock.clipped) for stock in stocks.values()) == 99
    assert boxes + len(outside) == 7140
    assert not any(stock.dropped for stock in stocks.values())
    absent = [question for question in stocks["LogicalObj"].questions if question.objects[1].box_xywh is None]
    assert len(absent) == 910
    assert Counter(q.answer for q in stocks["ChooseRel"].questions) == {
        "right": 486, "left": 451, "front": 16, "behind": 11,
    }  # fmt: skip
    assert Counter(q.answer for q in stocks["CompareAttr"].questions) == {"color": 510, "material": 60}
    assert Counter(q.answer for q in stocks["LogicalObj"].questions) == {"yes": 545, "no": 446}
    assert Counter(q.answer for q in stocks["QueryAttr"].questions) == {"right": 508, "left": 492}
    assert [len({q.answer for q in stocks[task].questions}) for task in ("ChooseAttr", "ChooseCat")] == [
        138,
        196,
    ]
    assert all(
        (q.true_option == q.answer != q.false_option) if q.task.startswith("Choose") else q.true_option is None
        for q in everything
    )


@needs_authors_files
@pytest.mark.parametrize("task", TASKS)
def test_programs_and_columns_of_the_authors_files_tell_the_same(task: str) -> None:
    """Their `operations` are the release's programs, so both must give the same questions."""
    columns = {question.id: question for question in load(task, AUTHORS).questions}
    with (AUTHORS / authors.FILES[task]).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            roles = authors.object_roles(task)
            graph = graph_of(
                *((row[f"{r} id"], row[f"{r} name"], box_of(row, r)) for r in roles if row[f"{r} id"] != "-"),
                size=(int(row["image_w"]), int(row["image_h"])),
            )
            steps = [(step["operation"], step["argument"]) for step in ast.literal_eval(row["operations"])]
            entry = entry_of(task, row["answer"], *steps, detailed=row["type_detailed"], image=row["img_id"])
            outline = gqa_release.outline(graph)
            assert outline
            result = gqa_release.parse(
                row["question_id"], entry | {"question": row["question"]}, {row["img_id"]: outline}
            )
            assert result.question == columns[row["question_id"]]


def box_of(row: dict[str, str], role: str) -> Box:
    x, y, w, h = (float(row[f"{role} {side}"]) for side in "xywh")
    return x, y, w, h


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(TASKS))
def test_a_row_comes_back_as_the_question_it_was(data: st.DataObject, task: str) -> None:
    question = data.draw(questions_of(task))
    (row,) = csv.DictReader(io.StringIO(as_csv([as_row(question)]), newline=""))
    assert authors.parse(row["question_id"], row, task) == ParsedQuestion(question)


@settings(max_examples=15, deadline=None)
@given(st.data(), st.sampled_from(TASKS))
def test_a_file_comes_back_as_the_questions_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, task: str
) -> None:
    cases = data.draw(st.lists(questions_of(task), min_size=1, max_size=5, unique_by=lambda question: question.id))
    folder = write_authors_file(tmp_path_factory.mktemp("csv"), [as_row(question) for question in cases], task)
    assert list(load(task, folder).questions) == cases


# What is broken.


def test_one_bad_row_is_left_out_and_counted(tmp_path: Path) -> None:
    def row(identifier: str, **changes: str) -> dict[str, str]:
        return as_row(make_question(identifier)) | {name.replace("_of_", " "): value for name, value in changes.items()}

    rows = [
        row("01"),
        row("02", image_w="wide"),
        row("03", image_h="0"),
        row("04", image_w="9" * 5000),
        row("05", central_object_of_x="-"),
        row("06") | {"central object x": "-"},
        row("07") | {"central object w": "nan"},
        row("08", type_detailed="twoCommon"),
        row("09", question=" "),
        row("10") | {"central object x": "70"},
        row("11") | {"central object x": "48"},
    ]
    text = as_csv([{name: one[name] for name in rows[0]} for one in rows])
    folder = write_authors_file(tmp_path, "\ufeff" + text + "12,short\n\n")
    stock = load("QueryAttr", folder)
    assert [question.id for question in stock.questions] == ["01", "05", "10", "11"]
    assert stock.questions[-1].objects[0].box_xywh == (48.0, 2.0, 2.0, 4.0)
    assert stock.unboxed == {OUTSIDE: ("10",)}
    assert stock.clipped == ("11",)
    lines = text.count("\n") + 1
    assert list(stock.dropped.values()) == [
        ("02", "03", "04"),
        ("06", "07"),
        ("08",),
        ("09",),
        (f"line {lines}",),
    ]


def test_a_choice_without_its_answer_is_left_out(tmp_path: Path) -> None:
    good = make_question("01", task="ChooseAttr", true_option="left", false_option="right")
    rows = [as_row(good), as_row(good) | {"question_id": "02", "true option": "right"}]
    stock = load("ChooseAttr", write_authors_file(tmp_path, rows, "ChooseAttr"))
    assert stock.questions == (good,)
    assert list(stock.dropped.values()) == [("02",)]


def broken_files() -> Iterator[tuple[str, bytes, str]]:
    row = as_row(make_question())
    whole = as_csv([row])
    yield "id twice", as_csv([row, row]).encode(), "holds 07 twice"
    without = {name: value for name, value in row.items() if name not in {"img_id", "central object h"}}
    yield "columns", as_csv([without]).encode(), "lacks the columns 'img_id', 'central object h'"
    yield (
        "column",
        as_csv([{k: v for k, v in row.items() if k != "answer"}]).encode(),
        "lacks the column 'answer'",
    )
    yield "encoding", whole.replace("cat", "chât").encode("latin-1"), "not UTF-8 .line 2, byte 0xe2"
    yield "quote", (whole + '08,"never closed\n').encode(), "not a CSV file from line"
    yield "empty", b"", "is empty"


@pytest.mark.parametrize(
    ("content", "sentence"), [case[1:] for case in broken_files()], ids=[case[0] for case in broken_files()]
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / authors.FILES["QueryAttr"]).write_bytes(content)
    with pytest.raises(QuestionsUnavailable, match=sentence):
        load("QueryAttr", tmp_path)
