"""A prepared folder gives the same questions as its source, needs no other file, and is complete or absent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fixtures.question import UNREADABLE, Question
from fixtures.tasks import (
    TASKS,
    PicturesUnavailable,
    QuestionsUnavailable,
    check,
    is_curated,
    missing_pictures,
    prepare,
    prepared,
    questions,
)
from fixtures.tasks.__main__ import main
from fixtures.tasks.images import find_picture
from suite.support.repository import AUTHORS, ROOT, needs_authors_files


@pytest.fixture
def source(tmp_path: Path, world: Path) -> Path:
    """A copy of the world with its pictures in a folder, which a test may damage."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("val_balanced_questions.json", "val_sceneGraphs.json"):
        (folder / name).write_bytes((world / name).read_bytes())
    with zipfile.ZipFile(world / "images.zip") as archive:
        archive.extractall(folder)
    return folder


def prepared_from(gqa: Path, out: Path, number: int | None = 8, seed: int = 0, **changes: Any) -> str:
    return prepare.prepare(gqa, None, out, **({"tasks": TASKS, "number": number, "seed": seed} | changes))


def content(question: Question) -> bytes:
    assert question.picture
    return question.picture.read()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 14), seed=st.integers(0, 5), fewer=st.integers(0, 13))
def test_the_draw_and_every_smaller_one_are_the_sources_own(
    world: Path, tmp_path_factory: pytest.TempPathFactory, number: int, seed: int, fewer: int
) -> None:
    out = tmp_path_factory.mktemp("prepared") / "out"
    prepared_from(world, out, number, seed)
    for task in TASKS:
        for n in {number, max(1, number - fewer)}:
            here, there = questions(task, n, seed, out), questions(task, n, seed, world)
            assert here == there
            assert [content(one) for one in here] == [content(one) for one in there]
            assert missing_pictures(here) is None


DRAW_ALL = """
import sys
from fixtures.tasks import TASKS, check, questions

check(TASKS, sys.argv[1], seed=0)
drawn = [question for task in TASKS for question in questions(task, None, gqa=sys.argv[1])]
print(len(drawn), sorted({"datasets", "pyarrow", "torch", "numpy", "PIL"} & set(sys.modules)))
"""


def test_it_needs_no_other_file_and_no_heavy_library(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "carried"
    prepared_from(world, out)
    ran = subprocess.run(
        [sys.executable, "-c", DRAW_ALL, str(out)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "48 []"
    assert "CC BY 4.0" in (out / prepared.NOTICE).read_text()
    assert {path.name for path in out.iterdir()} == {prepared.CARD, prepared.NOTICE, "images"}


def test_a_prepared_folder_is_prepared_into_a_smaller_one(world: Path, tmp_path: Path) -> None:
    prepared_from(world, tmp_path / "large", 10)
    prepared_from(tmp_path / "large", tmp_path / "small", 4)
    for task in TASKS:
        assert questions(task, 4, 0, tmp_path / "small") == questions(task, 4, 0, world)
    prepared_from(tmp_path / "large", tmp_path / "same", None)
    with pytest.raises(QuestionsUnavailable, match=r"that seed 0 draws, not those of seed 3: give --seed 0, or "):
        questions("QueryAttr", 4, 3, tmp_path / "same")


def test_fewer_than_asked_for_is_said_in_a_line(world: Path, tmp_path: Path) -> None:
    out, lines = tmp_path / "out", list[str]()
    prepared_from(world, out, 3, tasks=["QueryAttr"])
    assert len(questions("QueryAttr", 3, 0, out, say=lines.append)) == 3
    assert lines == []
    assert len(questions("QueryAttr", 5, 0, out, say=lines.append)) == 3
    assert lines == [f"{out} holds 3 questions of QueryAttr, and 5 were asked for: all of them are taken"]
    lines.clear()
    prepared_from(world, out, 13, tasks=["QueryAttr"], say=lines.append)
    assert lines == [f"{world} holds 12 questions of QueryAttr, and 13 were asked for: all of them are taken"]


def test_the_curated_stay_curated(world: Path, tmp_path: Path) -> None:
    prepare.prepare(None, None, tmp_path / "bundled", tasks=["QueryAttr"], number=2, seed=0)
    prepared_from(world, tmp_path / "release", 2)
    assert (is_curated(tmp_path / "bundled"), is_curated(tmp_path / "release")) == (True, False)


def test_another_seed_is_refused_unless_the_task_is_held_whole(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepared_from(world, out, 12, tasks=["QueryAttr"])
    assert questions("QueryAttr", 5, 9, out) == questions("QueryAttr", 5, 9, world)
    prepared_from(world, out, 11, tasks=["QueryAttr"])
    assert questions("QueryAttr", 5, 0, out) == questions("QueryAttr", 5, 0, world)
    for asks in (lambda: questions("QueryAttr", 5, 9, out), lambda: check(["QueryAttr"], out, seed=9)):
        with pytest.raises(QuestionsUnavailable, match=r"holds the questions of QueryAttr that seed 0 draws, not "):
            asks()
    with pytest.raises(QuestionsUnavailable, match=r"was prepared without ChooseRel: prepare it again with this task"):
        questions("ChooseRel", 5, 0, out)


@needs_authors_files
def test_the_authors_questions_are_carried_field_for_field(tmp_path: Path) -> None:
    names = {question.image_id for task in TASKS for question in questions(task, 64, gqa=AUTHORS)}
    (tmp_path / "images").mkdir()
    for name in names:
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / f"{name}.jpg")
    out = tmp_path / "out"
    prepare.prepare(AUTHORS, tmp_path / "images", out, tasks=TASKS, number=64, seed=0)
    assert is_curated(out)
    for task in TASKS:
        assert questions(task, 64, 0, out) == questions(task, 64, 0, AUTHORS)
        assert questions(task, 9, 0, out) == questions(task, 9, 0, AUTHORS)


# Interruptions.

PREPARE_SLOWLY = """
import sys, time
from pathlib import Path
from fixtures.tasks import TASKS, prepare

copy_one = prepare._copy_one

def slowly(*arguments):
    copy_one(*arguments)
    print("copied", flush=True)
    time.sleep(0.2)

prepare._copy_one = slowly
prepare.prepare(sys.argv[1], None, Path(sys.argv[2]), tasks=TASKS, number=8, seed=0)
"""


def test_killed_half_way_nothing_opens_and_the_next_run_goes_on(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", PREPARE_SLOWLY, str(source), str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        for _ in range(3):
            assert child.stdout.readline() == "copied\n"
        os.kill(child.pid, signal.SIGKILL)
    assert not out.exists()
    part = tmp_path / ".out.part"
    with pytest.raises(QuestionsUnavailable):
        questions("QueryAttr", gqa=part)
    times = {path: path.stat().st_mtime_ns for path in (part / "images").glob("[!.]*")}
    assert len(times) >= 3
    time.sleep(0.02)
    prepared_from(source, out)
    assert not part.exists()
    for path, written in times.items():
        assert (out / "images" / path.name).stat().st_mtime_ns == written, "copied once"
    assert questions("QueryAttr", 8, 0, out) == questions("QueryAttr", 8, 0, source)
    assert not list((out / "images").glob(".*"))


@pytest.mark.parametrize("moment", ["write the card", "unlink the plan", "make way", "rename"])
def test_wherever_it_ends_the_next_run_finishes(
    source: Path, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    prepared_from(source, out, 3)
    targets = {
        "write the card": ("write_bytes", lambda path: path.name == prepared.CARD),
        "unlink the plan": ("unlink", lambda path: path.name == prepare.PLAN),
        "make way": ("rename", lambda path: path == out),
        "rename": ("rename", lambda path: path.name == ".out.part"),
    }
    method, hit = targets[moment]
    real: Callable[..., Any] = getattr(Path, method)

    def failing(path: Path, *arguments: Any, **more: Any) -> Any:
        if hit(path):
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, failing)
        with pytest.raises(OSError, match="No space left"):
            prepared_from(source, out, 8)
    prepared_from(source, out, 8)
    assert questions("ChooseRel", 8, 0, out) == questions("ChooseRel", 8, 0, source)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_begun_for_another_draw_it_is_begun_anew(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_put", lambda part, out: None)
        prepared_from(source, out, 8, seed=1)
    prepared_from(source, out, 2, seed=0, tasks=["QueryAttr"])
    assert len(list((out / "images").iterdir())) == 2


def test_the_same_draw_is_not_written_twice(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "is prepared: 48 questions of 6 tasks about " in prepared_from(source, out)
    before = out.stat().st_ino
    assert "holds this draw already: 48 questions" in prepared_from(source, out)
    assert out.stat().st_ino == before
    next((out / "images").iterdir()).unlink()
    assert "is prepared" in prepared_from(source, out)
    assert missing_pictures(questions("QueryAttr", gqa=out)) is None


def test_progress_is_said_on_long_work(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "SECONDS_BETWEEN_LINES", 0)
    lines: list[str] = []
    prepared_from(source, tmp_path / "out", 2, tasks=["QueryAttr"], say=lines.append)
    assert lines == ["1 of 2 pictures copied, 0 s left", "2 of 2 pictures copied, 0 s left"]


# What is not a prepared folder, or no longer one.


@pytest.mark.parametrize("content", ["notes.txt", "images", "prepared.json and notes.txt"])
def test_a_folder_that_it_did_not_write_is_left_alone(source: Path, tmp_path: Path, content: str) -> None:
    out = tmp_path / "out"
    if content == "images":
        (out / "images").mkdir(parents=True)
    elif content == "notes.txt":
        out.mkdir()
    else:
        prepared_from(source, out, 2)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(
        prepare.NotPrepared, match=r"holds files that were not prepared \(.*notes\.txt.*\): choose another"
    ):
        prepared_from(source, out)
    assert (out / "notes.txt").read_text() == "mine"


def test_other_places_are_refused_in_a_sentence(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / ".taken.part").mkdir()
    (tmp_path / ".taken.part" / "mine").write_text("")
    for out, sentence in (
        ("file", "is not a folder"),
        ("link", "is not a folder"),
        ("nowhere/out", "nowhere is not a folder: make it"),
        ("taken", "in the way and was not prepared"),
    ):
        with pytest.raises(prepare.NotPrepared, match=sentence):
            prepared_from(source, tmp_path / out)
    (tmp_path / "empty").mkdir()
    prepared_from(source, tmp_path / "empty", 2)
    assert is_curated(tmp_path / "empty") is False


def test_missing_and_damaged_pictures_end_it_by_name_and_mended_it_goes_on(source: Path, tmp_path: Path) -> None:
    first, second = questions("QueryAttr", 2, gqa=source)
    paths = [source / "images" / f"{one.image_id}.png" for one in (first, second)]
    whole = [path.read_bytes() for path in paths]
    paths[0].unlink()
    paths[1].write_bytes(whole[1][:-40])
    with pytest.raises(PicturesUnavailable, match=rf"1 of \d+ pictures is missing .*{first.image_id}"):
        prepared_from(source, tmp_path / "out")
    paths[0].write_bytes(whole[0])
    with pytest.raises(PicturesUnavailable, match=rf"1 of \d+ pictures is damaged .*{second.image_id}\.png"):
        prepared_from(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    paths[1].write_bytes(whole[1])
    prepared_from(source, tmp_path / "out")
    assert content(questions("QueryAttr", 2, gqa=tmp_path / "out")[1]) == whole[1]


def test_a_picture_that_the_zip_holds_damaged_is_named(source: Path, tmp_path: Path) -> None:
    (one,) = questions("QueryAttr", 1, gqa=source)
    archive = tmp_path / "images.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(f"{one.image_id}.png", content(one))
    archive.write_bytes(archive.read_bytes().replace(b"IDAT", b"IDAX"))
    picture = find_picture(archive, one.image_id)
    assert picture
    with pytest.raises(UNREADABLE):
        picture.read()
    with pytest.raises(PicturesUnavailable, match=r"1 of 1 picture is damaged in .*images\.zip"):
        prepare.prepare(source, archive, tmp_path / "out", tasks=["QueryAttr"], number=1, seed=0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda card: card[: len(card) // 2], "is damaged or not the card"),
        (lambda card: card.replace(b'"left"', b'"right"'), "does not match its fingerprint"),
        (lambda card: card.replace(b'"layout": 1', b'"layout": 2'), "has layout 2, but this version reads layout 1"),
        (lambda card: b"[]", "is damaged or not the card"),
        (lambda card: b"{}", "is damaged or not the card"),
        (lambda card: card.replace(b'"image_id": "', b'"image_id": "../'), "fingerprint"),
    ],
)
def test_a_changed_card_is_one_sentence(
    world: Path, tmp_path: Path, change: Callable[[bytes], bytes], sentence: str
) -> None:
    out = tmp_path / "out"
    prepared_from(world, out, 2)
    card = out / prepared.CARD
    card.write_bytes(change(card.read_bytes()))
    for asks in (lambda: questions("QueryAttr", gqa=out), lambda: check(TASKS, out), lambda: is_curated(out)):
        with pytest.raises(QuestionsUnavailable, match=sentence):
            asks()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image_id": "../secret"}, "not a plain file name"),
        ({"text": "\ud800"}, "half of a surrogate pair"),
        ({"task": "ChooseRel"}, "another task"),
        ({"more": 1}, "other fields"),
    ],
)
def test_a_card_forged_with_a_right_fingerprint_leads_nowhere(
    world: Path, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    out = tmp_path / "out"
    prepared_from(world, out, 1, tasks=["QueryAttr"])
    card = json.loads((out / prepared.CARD).read_bytes())
    card.pop("fingerprint")
    card["questions"]["QueryAttr"][0] |= change
    forgery = {"fingerprint": prepared._fingerprint(card), **card}
    (out / prepared.CARD).write_text(json.dumps(forgery))
    with pytest.raises(QuestionsUnavailable, match=sentence):
        questions("QueryAttr", gqa=out)


# The command.


def test_the_command_prepares_and_says_how_to_use_it(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["prepare", "--gqa", str(world), "--out", str(out), "--questions", "3", "--seed", "2"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.endswith("MB; give it with --gqa and --seed 2\n")
    assert len(questions("QueryAttr", None, 2, out)) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--gqa", "{}/nowhere", "--out", "{}/out"], "has no questions: looked for"),
        (["--out", "{}/no/out"], "is not a folder: make it first"),
        (["--images", "{}", "--out", "{}/out"], "pictures are missing from"),
    ],
)
def test_what_it_cannot_do_is_one_line_and_no_folder(
    tmp_path: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare", "--task", "QueryAttr", *(one.format(tmp_path) for one in arguments)]) == 2
    output = capsys.readouterr()
    assert sentence in output.err
    assert output.err.count("\n") == 1
    assert not output.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["0", "-1", "many", "³"])
def test_a_number_that_is_none_is_told(tmp_path: Path, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["prepare", "--out", str(tmp_path / "out"), "--questions", number])
    assert ending.value.code == 2
    assert "give a whole number of 1 or more" in capsys.readouterr().err
