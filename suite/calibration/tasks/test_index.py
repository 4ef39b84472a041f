"""A large release gives the same questions as one in memory, from files that are written once and completely."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.question import Question
from fixtures.tasks import TASKS, WORLD, QuestionsUnavailable, folders, is_curated, load, questions
from fixtures.tasks.gqa.authors import FILES
from fixtures.tasks.reading import arrow_file, index
from fixtures.tasks.reading.arrow_file import ArrowQuestions
from fixtures.tasks.reading.files import source_digest
from fixtures.tasks.source import NOT_IN_RELEASE
from suite.support.data.questions import as_csv, as_row
from suite.support.repository import ROOT

ENTRIES = "val_balanced_questions.json"
GRAPHS = "val_sceneGraphs.json"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of indices, in the test's own folder. Every file counts as large."""
    monkeypatch.setattr(folders, "QUICKLY_READ", 0)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    index._read.cache_clear()
    arrow_file._table.cache_clear()
    return tmp_path / "cache" / index.CACHE_NAME


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    folder.mkdir()
    for name in (ENTRIES, GRAPHS):
        shutil.copyfile(WORLD / name, folder / name)
    return folder


def in_memory(folder: Path, task: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "QUICKLY_READ", 10**9)
        return load(task, folder)


# The index.


@pytest.mark.parametrize("task", TASKS)
def test_an_indexed_release_is_the_one_in_memory(release: Path, task: str) -> None:
    stock, expected = load(task, release), in_memory(release, task)
    assert isinstance(stock.questions, ArrowQuestions)
    assert tuple(stock.questions) == tuple(expected.questions)
    assert (stock.dropped, stock.unboxed) == (expected.dropped, expected.unboxed)
    assert len(stock.questions) == len(expected.questions)
    assert stock.questions[-1] == expected.questions[-1]
    assert stock.questions[3:5] == list(expected.questions[3:5])


@pytest.mark.parametrize(("n", "seed"), [(1, 0), (17, 3), (None, 0)])
def test_a_draw_is_the_same_and_makes_no_more_questions_than_drawn(
    release: Path, n: int | None, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids: list[str] = []
    make = arrow_file._question

    def make_and_note(plain: dict[str, Any]) -> Question:
        ids.append(plain["id"])
        return make(plain)

    monkeypatch.setattr(arrow_file, "_question", make_and_note)
    sample = questions("ChooseAttr", n, seed, release)
    assert len(ids) == (n or 288)
    with monkeypatch.context() as patch:
        patch.setattr(folders, "QUICKLY_READ", 10**9)
        assert sample == questions("ChooseAttr", n, seed, release)


def test_what_was_left_out_is_counted_from_the_index_too(release: Path) -> None:
    entries = json.loads((release / ENTRIES).read_bytes())
    graphs = json.loads((release / GRAPHS).read_bytes())
    first = questions("QueryAttr", None, gqa=WORLD)[0]
    entries["cut"] = entries[first.id] | {"question": " "}
    entries["away"] = entries[first.id] | {"imageId": "../x"}
    graphs[first.image_id]["objects"]["wide"] = {"name": "cat", "x": -5, "y": 0, "w": 20, "h": 20}
    entries["wide"] = entries[first.id] | {"semantic": [{"operation": "select", "argument": "cat (wide)"}]}
    entries["boxless"] = entries[first.id] | {"semantic": [{"operation": "select", "argument": "cat (none)"}]}
    (release / ENTRIES).write_text(json.dumps(entries))
    (release / GRAPHS).write_text(json.dumps(graphs | {"../x": graphs[first.image_id]}))
    stock = load("QueryAttr", release)
    assert sorted(ids for ids in stock.dropped.values()) == [("away",), ("cut",)]
    assert list(stock.unboxed.values()) == [("boxless",)]
    assert stock.clipped == ("wide",)
    by_id = {question.id: question for question in stock.questions}
    assert by_id["boxless"].objects[0].box_xywh is None


def test_datasets_opens_the_index(release: Path) -> None:
    from datasets import Dataset

    stock = load("CompareAttr", release)
    assert isinstance(stock.questions, ArrowQuestions)
    table = Dataset.from_file(str(stock.questions.path), in_memory=True)
    assert table["id"][:] == [question.id for question in stock.questions]


def test_it_is_made_once_and_anew_when_a_file_changes(
    release: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(index, "SECONDS_BETWEEN_LINES", 0)
    load("QueryAttr", release, lines.append)
    assert len(lines) >= 3
    assert lines[0].startswith(f"{release / ENTRIES}: indexing ")
    assert " MB, 0 s left" in lines[-2]
    assert lines[-1].endswith(f", to {cache}")
    index._read.cache_clear()
    load("ChooseRel", release, lines.append)
    (old,) = cache.glob("*-*")
    before = len(lines)
    os.utime(release / GRAPHS, ns=(1, 1))
    assert load("QueryAttr", release, lines.append).questions
    assert len(lines) > before
    (new,) = cache.glob("*-*")
    assert new != old, "the old one is removed"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of all modules that an index depends on, in the layout of `fixtures`."""
    folder = tmp_path / "fixtures"
    only_modules = shutil.ignore_patterns("world", "__pycache__")
    shutil.copytree(ROOT / "fixtures" / "tasks", folder / "tasks", ignore=only_modules)
    shutil.copyfile(ROOT / "fixtures" / "question.py", folder / "question.py")
    return folder


def test_an_edit_of_any_module_that_reads_questions_makes_the_index_anew(sources: Path) -> None:
    digest = index.readers_digest(sources)
    assert digest == index.readers_digest()
    modules = [sources / "question.py", *(sources / "tasks").rglob("*.py")]
    assert len(modules) > 25
    for module in modules:
        source = module.read_bytes()
        module.write_bytes(source + b"#")
        assert index.readers_digest(sources) != digest, module
        module.write_bytes(source)
    assert index.readers_digest(sources) == digest


def test_a_renamed_module_makes_the_index_anew(sources: Path) -> None:
    digest = index.readers_digest(sources)
    (sources / "tasks" / "reading" / "parsing.py").rename(sources / "tasks" / "reading" / "parser.py")
    assert index.readers_digest(sources) != digest


def test_sources_that_are_not_there_are_an_error(sources: Path) -> None:
    (sources / "question.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no file like question\.py"):
        index.readers_digest(sources)


def test_the_digest_is_part_of_an_indexs_name(
    release: Path, cache: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("QueryAttr", release)
    (before,) = cache.glob("*-*")
    (sources / "question.py").write_text("# edited")
    monkeypatch.setattr(index, "readers_digest", lambda: source_digest(sources, index.SOURCE_PATTERNS))
    index._read.cache_clear()
    load("QueryAttr", release)
    (after,) = cache.glob("*-*")
    assert after != before


@pytest.mark.parametrize("name", ["QueryAttr.arrow", index.CARD])
def test_a_damaged_index_is_made_anew(release: Path, cache: Path, name: str) -> None:
    expected = questions("QueryAttr", 5, gqa=release)
    (folder,) = cache.glob("*-*")
    (folder / name).write_bytes((folder / name).read_bytes()[:-9])
    index._read.cache_clear()
    arrow_file._table.cache_clear()
    assert questions("QueryAttr", 5, gqa=release) == expected


def test_what_was_not_finished_is_not_opened(release: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(self: arrow_file.ArrowWriter, question: Question) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(arrow_file.ArrowWriter, "add", end)
        with pytest.raises(KeyboardInterrupt):
            load("QueryAttr", release)
    assert not list(cache.glob("*-*"))
    (cache / "left-over.part").mkdir()
    assert len(load("QueryAttr", release).questions) == 288


def test_where_the_cache_takes_nothing_another_folder_serves(release: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    assert len(load("QueryAttr", release).questions) == 288
    assert list((tmp_path / "temporary").glob("crossmodal-flow-*/*/QueryAttr.arrow"))


def test_where_nothing_can_be_written_it_is_one_sentence(release: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    (tmp_path / "temporary").rmdir()
    (tmp_path / "temporary").write_text("")
    with pytest.raises(QuestionsUnavailable, match=r"no folder can hold one .*: set HF_DATASETS_CACHE"):
        load("QueryAttr", release)


def test_another_users_temporary_folder_is_not_trusted(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("")
    load("QueryAttr", release)
    index._read.cache_clear()
    own = index.cache_folders()
    monkeypatch.setattr(index, "cache_folders", lambda: own)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(QuestionsUnavailable, match="it belongs to another user"):
        load("QueryAttr", release)


@pytest.mark.parametrize("content", ["[1]", '{"1": {', '{"07": 1, "07": 2}'])
def test_a_broken_large_release_is_one_sentence_and_leaves_no_index(release: Path, cache: Path, content: str) -> None:
    (release / ENTRIES).write_text(content)
    with pytest.raises(QuestionsUnavailable, match=r"is not a JSON object .*line 1|holds 07 twice"):
        load("QueryAttr", release)
    assert not list(cache.glob("*-*"))


DRAW_FROM_AN_INDEX = """
import sys
from fixtures.tasks import folders, questions

folders.QUICKLY_READ = 0
drawn = questions("QueryAttr", 9, gqa=sys.argv[1], say=lambda line: print(line, file=sys.stderr))
print([question.id for question in drawn])
"""

PEAK_MEMORY = """
import sys
from pathlib import Path
from fixtures.tasks import folders, load

folders.QUICKLY_READ = 0
load("QueryAttr", sys.argv[1])
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
"""Prints the largest memory that the process held, in kB."""


def test_two_processes_share_one_index(release: Path, cache: Path) -> None:
    command = [sys.executable, "-c", DRAW_FROM_AN_INDEX, str(release)]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in "12"
    ]
    outputs = [process.communicate() for process in both]
    assert outputs[0][0] == outputs[1][0] != ""
    assert sum(lines.count("indexed in") for _, lines in outputs) == 1
    assert len(list(cache.glob("*-*"))) == 1


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not tell a process its peak memory"
)
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file that is larger by 70 MB takes no more memory than its additional ids."""
    entries = json.loads((WORLD / ENTRIES).read_bytes())
    templates = [
        f'"{{}}{key}": {json.dumps(one)[:-1]}, "fullAnswer": "{"x" * 20_000}"}}' for key, one in entries.items()
    ]
    peaks: list[int] = []
    for copies in (1, 3):
        folder = tmp_path / f"{copies}"
        folder.mkdir()
        shutil.copyfile(WORLD / GRAPHS, folder / GRAPHS)
        with (folder / ENTRIES).open("w") as file:
            file.write("{")
            for copy in range(copies):
                file.writelines(
                    f"{',' if copy + at else ''}{one.replace('{}', str(copy), 1)}" for at, one in enumerate(templates)
                )
            file.write("}")
        ran = subprocess.run(
            [sys.executable, "-c", PEAK_MEMORY, str(folder)], cwd=ROOT, capture_output=True, check=True
        )
        peaks.append(int(ran.stdout))
    assert (folder / ENTRIES).stat().st_size > 100e6
    assert peaks[1] - peaks[0] < 30_000, "kB"


# The authors' choice among a release.


def test_the_authors_files_next_to_a_release_choose_by_id(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = {task: tuple(load(task, release).questions) for task in TASKS}
    choice = every["QueryAttr"][4:7]
    rows = [as_row(question) for question in choice]
    (release / FILES["QueryAttr"]).write_text(as_csv([*rows, rows[0] | {"question_id": "elsewhere"}]))
    for limit in (0, 10**9):
        monkeypatch.setattr(folders, "QUICKLY_READ", limit)
        stock = load("QueryAttr", release)
        assert tuple(stock.questions) == choice
        assert stock.dropped[NOT_IN_RELEASE] == ("elsewhere",)
        assert questions("QueryAttr", 2, 5, release) == questions("QueryAttr", None, 5, release)[:2]
        assert tuple(load("ChooseRel", release).questions) == every["ChooseRel"]
    assert not is_curated(release)
    for task in TASKS:
        (release / FILES[task]).touch()
    assert is_curated(release)
