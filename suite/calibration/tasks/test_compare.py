"""The authors' files and the release are compared by question id; differences are counted and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.question import Object, Question
from fixtures.tasks import TASKS, WORLD, questions
from fixtures.tasks.__main__ import main
from fixtures.tasks.compare import compare
from fixtures.tasks.gqa.authors import FILES, object_roles
from suite.support.data.questions import as_csv, as_row
from suite.support.repository import AUTHORS, needs_authors_files


def writable(task: str) -> list[Question]:
    """The world's questions that the authors' columns can hold."""
    return [one for one in questions(task, None) if len(one.objects) == len(object_roles(task))]


def moved(question: Question, by: float) -> Question:
    first, *others = question.objects
    assert first.box_xywh
    x, y, width, height = first.box_xywh
    return replace(question, objects=(Object(first.name, (x + by, y, width, height)), *others))


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        ({"answer": "green"}, "answer"),
        ({"false_option": "green"}, "options"),
        ({"text": "Why?"}, "text"),
        ({"image_id": "x"}, "image"),
        ({"image_size": (1, 1)}, "image size"),
        ({"objects": (Object("thing", None),)}, "boxes"),
    ],
)
def test_one_difference_is_one_in_its_aspect(change: dict[str, Any], aspect: str) -> None:
    ours = questions("ChooseAttr", 5)
    theirs = [replace(ours[0], **change), *ours[1:4]]
    comparison = compare("ChooseAttr", ours, theirs)
    assert (comparison.both, comparison.agreeing, comparison.absent) == (4, 3, ())
    assert comparison.differing[aspect] == (ours[0].id,)


def test_boxes_may_be_rounded_and_no_more() -> None:
    (ours,) = questions("QueryAttr", 1)
    assert compare("QueryAttr", [ours], [moved(ours, 1.0)]).agreeing == 1
    assert compare("QueryAttr", [ours], [moved(ours, 1.5)]).differing["boxes"] == (ours.id,)


def test_the_command_prints_a_table_and_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for task in TASKS:
        rows = [as_row(question) for question in writable(task)[:6]]
        if task == "QueryAttr":
            rows[0]["question"] = "Why?"
            rows += [row | {"question_id": f"new{at}"} for at, row in enumerate(rows)]
        (tmp_path / FILES[task]).write_text(as_csv(rows))
    assert main(["compare", "--gqa", str(WORLD), "--authors", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = {line.split()[0]: line.split()[1:] for line in lines[2:8]}
    assert lines[0].startswith("Questions by task")
    looks = "image text answer options objects boxes image size"
    assert " ".join(lines[1].split()) == f"task in both agree {looks} not in the release"
    assert counts["QueryAttr"] == ["6", "5", "0", "1", "0", "0", "0", "0", "0", "6"]
    assert counts["ChooseAttr"] == ["6", "6", "0", "0", "0", "0", "0", "0", "0", "0"]
    assert lines[8] == f"QueryAttr, text: {writable('QueryAttr')[0].id}"
    assert lines[9:] == ["QueryAttr, not in the release: new0, new1, new2 and 3 more"]


def test_what_cannot_be_compared_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--gqa", str(tmp_path), "--authors", str(tmp_path)]) == 2
    assert "holds no release of GQA to compare with" in capsys.readouterr().err
    assert main(["compare", "--gqa", str(WORLD), "--authors", str(tmp_path)]) == 2
    output = capsys.readouterr()
    assert "holds none of the authors' files" in output.err
    assert not output.out


def test_files_that_share_nothing_are_no_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = as_row(writable("QueryAttr")[0]) | {"question_id": "elsewhere"}
    (tmp_path / FILES["QueryAttr"]).write_text(as_csv([row]))
    assert main(["compare", "--gqa", str(WORLD), "--authors", str(tmp_path)]) == 2
    assert "holds none of the authors' questions" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--gqa", "--images", "--out"])
def test_an_empty_path_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["prepare", "--out", "carried", option, ""])
    assert f"argument {option}: it is empty" in capsys.readouterr().err


@needs_authors_files
def test_the_authors_files_agree_with_themselves() -> None:
    for task in TASKS:
        cases = questions(task, None, gqa=AUTHORS)
        assert compare(task, cases, cases).agreeing == len(cases)
