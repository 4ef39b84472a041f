"""A task's questions are found by the files in a folder; if there are none, a sentence says what was looked for."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fixtures.tasks import (
    TASKS,
    WORLD,
    PicturesUnavailable,
    QuestionsUnavailable,
    check,
    load,
    missing_pictures,
    questions,
)
from fixtures.tasks.gqa import authors
from fixtures.tasks.gqa import release as gqa_release
from fixtures.tasks.gqa.groups import task_of
from fixtures.tasks.renderer import scenes
from suite.support.data.questions import as_row, make_question, write_authors_file
from suite.support.repository import ROOT


def test_the_tasks_are_those_of_the_world_and_of_the_authors_files() -> None:
    assert TASKS == scenes.TASKS == tuple(authors.FILES)


def test_a_group_needs_all_three_types() -> None:
    assert task_of("choose", "attr", "materialChoose") == "ChooseAttr"
    assert task_of("choose", "attr", "positionChoose") is None
    assert task_of("verify", "attr", "chooseAttr") is None


HEAVY_IMPORTS = """
import sys
import fixtures.tasks

heavy = ("PIL", "numpy", "datasets", "torch", "scipy", "pytest")
print([name for name in heavy if name in sys.modules])
"""


def test_importing_the_tasks_is_cheap() -> None:
    ran = subprocess.run([sys.executable, "-c", HEAVY_IMPORTS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("task", TASKS)
def test_every_question_of_the_bundled_world_can_be_asked_and_seen(task: str) -> None:
    stock = load(task)
    assert (stock.dropped, stock.unboxed) == ({}, {})
    everything = questions(task, n=None)
    assert len(everything) == len(stock.questions) >= 256
    assert missing_pictures(everything) is None
    assert all(question.image_size == question.image.size for question in everything[:3])


def test_a_world_elsewhere_is_read_alike(world: Path, tmp_path: Path) -> None:
    from_zip = questions("ChooseRel", n=None, gqa=world)
    assert len(from_zip) == 12
    with zipfile.ZipFile(world / "images.zip") as archive:
        archive.extractall(tmp_path)
    for images in (tmp_path, tmp_path / "images", world / "images.zip"):
        from_there = questions("ChooseRel", n=None, gqa=str(world), images=str(images))
        assert from_there == from_zip
        assert missing_pictures(from_there) is None
        assert from_there[0].image.tobytes() == from_zip[0].image.tobytes()


def test_a_folder_without_questions_is_told_what_was_looked_for(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(QuestionsUnavailable, match=r"looked for val_balanced_questions\.json .*QueryAttr\.csv"):
            questions("QueryAttr", gqa=folder)
    write_authors_file(tmp_path, [as_row(make_question())])
    with pytest.raises(QuestionsUnavailable, match=r"lacks .*ChooseRel\.csv: add it, or leave ChooseRel out"):
        questions("ChooseRel", gqa=tmp_path)


def test_a_source_is_checked_as_far_as_a_moment_tells(tmp_path: Path) -> None:
    check(TASKS)
    write_authors_file(tmp_path, [as_row(make_question())])
    with pytest.raises(PicturesUnavailable, match=r"holds no pictures, neither images/ nor images\.zip"):
        check(["QueryAttr"], tmp_path)
    check(["QueryAttr"], tmp_path, images=tmp_path)
    with pytest.raises(QuestionsUnavailable, match=r"lacks .*ChooseAttr\.csv, .*ChooseRel\.csv: add them, or leave"):
        check(["ChooseAttr", "QueryAttr", "ChooseRel"], tmp_path, images=tmp_path)


def test_an_unknown_task_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'Nonsense'.*ChooseAttr, ChooseCat"):
        questions("Nonsense")


def test_the_bundled_world_lies_next_to_the_code() -> None:
    assert (WORLD / gqa_release.QUESTION_FILES[0]).is_file()
