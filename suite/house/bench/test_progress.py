"""How far a run is, one process tells in whole lines, with rate and time left, in a terminal and in a log."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.bench import progress as progress_module
from fixtures.bench.console import ERASE, Console, Relay, cut
from fixtures.bench.progress import Board, Paced, Progress, State, duration, together, unfinished
from suite.support.repository import ROOT
from suite.support.runs import stand_in_model as stand_in

STATE = State("miniature ChooseAttr", "miniature", "ChooseAttr", 128, is_main=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time."""
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return lambda second: now.__setitem__(0, second)


def test_in_a_log_progress_is_a_line_in_ten_seconds(clock: Callable[[float], None], tmp_path: Path) -> None:
    lines: list[str] = []
    progress = Progress(STATE, Board(tmp_path), Paced(lines.append))
    for second in range(1, 25):
        clock(second)
        progress(second, 24)
    assert lines == [
        "miniature ChooseAttr: 53 of 128 questions, 5.33/s, 14 s left",
        "miniature ChooseAttr: 107 of 128 questions, 5.33/s, 4 s left",
    ]


def test_what_was_taken_up_is_no_measure_of_the_pace(clock: Callable[[float], None], tmp_path: Path) -> None:
    lines: list[str] = []
    progress = Progress(STATE, Board(tmp_path), lines.append)
    for second, done in ((1, 64), (2, 65), (3, 66)):
        clock(second)
        progress(done, 128)
    assert lines[-1] == "miniature ChooseAttr: 66 of 128 questions, 1/s, 62 s left"
    assert Board(tmp_path).states()[0].rate == 1


def test_all_that_are_measured_at_once_are_one_line() -> None:
    one = State("miniature ChooseAttr", "miniature", "ChooseAttr", 128, is_main=True, done=64, rate=2)
    other = State("miniature QueryAttr", "miniature", "QueryAttr", 128, is_main=True, done=118, rate=1)
    assert together([one]) == one.line
    assert together([one, other]) == (
        "miniature ChooseAttr 64 of 128, miniature QueryAttr 118 of 128: 3 questions/s, 32 s left"
    )
    assert together([STATE]) == ""


@pytest.mark.parametrize(("columns", "end"), [(24, "A: 5 of 9, 1/s, 4 s left"), (23, "... of 9, 1/s, 4 s left")])
def test_a_line_too_long_for_the_terminal_shows_its_end(columns: int, end: str) -> None:
    assert cut("A: 5 of 9, 1/s, 4 s left", columns) == end


def test_what_a_run_leaves_unfinished_is_counted_by_what_is_on_disk(tmp_path: Path) -> None:
    board, cells = Board(tmp_path), [("miniature", task) for task in ("ChooseAttr", "QueryAttr", "ChooseCat")]
    progress = Progress(STATE, board, lambda _: None)
    progress.note_on_disk(40)
    board.note(State("miniature QueryAttr", "miniature", "QueryAttr", 128, is_main=True).over())
    board.note(State("miniature ChooseCat window 1", "miniature", "ChooseCat", 128, is_main=False).over())
    (tmp_path / "progress-broken.json").write_text("{")
    assert unfinished(board.states(), cells) == [
        {"model": "miniature", "task": "ChooseAttr", "measured": 40, "asked": 128},
        {"model": "miniature", "task": "ChooseCat", "measured": 0, "asked": None},
    ]


def test_what_workers_say_is_said_once_by_the_one_that_prints(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    workers = [Console(lambda _: None, tmp_path, relayed=True) for _ in range(2)]
    relay = Relay(Console(lambda _: None, tmp_path), Board(tmp_path))
    for worker in workers:
        worker.once("three pictures\nare missing")
        worker.status("a worker's own line")
    Board(tmp_path).note(State("miniature ChooseAttr", "miniature", "ChooseAttr", 9, is_main=True, done=3, rate=1))
    assert capfd.readouterr().err == ""
    clock(20)
    relay.look()
    relay.look()
    assert capfd.readouterr().err.splitlines() == [
        "three pictures are missing", "miniature ChooseAttr: 3 of 9 questions, 1/s, 6 s left"
    ]  # fmt: skip


# ---- whole runs


SLOWLY = """
import time
from fixtures import measure
from fixtures.bench import progress
from suite.support.runs import stand_in_model
stand_in_model.install()
quickly = measure.measure
progress.SECONDS_BETWEEN_LINES = 0.6

def measured(subject, questions, edges, width=None, *, progress, **options):
    for done in range(1, 9):
        time.sleep(0.3)
        progress(done, 8)
    return quickly(subject, questions, edges, width, **options)

measure.measure = measured
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Claims of two tasks of a made-up model, each measured within seconds."""
    (tmp_path / "slowly.py").write_text(SLOWLY)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.setenv("TERM", "xterm")
    options = (
        "--model",
        stand_in.folder(tmp_path / "model"),
        "--curves",
        tmp_path / "curves",
        "--report-dir",
        tmp_path,
    )
    tasks = ("--task", "ChooseAttr", "--task", "QueryAttr", "--questions", "24", "-k", "early_drop and not sharp")
    plain = ("-q", "-p", "no:cacheprovider", "-p", "slowly", "--no-figures")
    return [sys.executable, "-m", "pytest", "suite/", *plain, *map(str, options), *tasks]


def in_a_terminal(command: list[str]) -> str:
    """What is written to a terminal of 100 columns."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen(command, cwd=ROOT, stdin=there, stdout=there, stderr=there)
    os.close(there)
    output = b""
    try:
        while part := os.read(here, 65536):
            output += part
    except OSError:
        pass  # Linux tells so that the other end was closed
    process.wait()
    os.close(here)
    return output.decode()


WHOLE = r"NAME \w+: \d+ of 24 questions, [\d.]+/s, \d+ s left|NAME .* of 24: [\d.]+ questions/s, \d+ s left"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_in_a_pipe_every_line_is_whole(command: list[str], workers: str) -> None:
    result = subprocess.run(
        [*command, "-n", workers], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert "\r" not in result.stdout
    assert "\x1b" not in result.stdout
    lines = [line for line in result.stdout.splitlines() if " left" in line]
    assert lines
    name = re.escape(command[command.index("--model") + 1])
    assert not [line for line in lines if not re.fullmatch(WHOLE.replace("NAME", name), line)]
    for task in ("ChooseAttr", "QueryAttr"):
        assert len(re.findall(f"^{name} {task}: measuring 24 questions$", result.stdout, re.MULTILINE)) == 1


@pytest.mark.parametrize("workers", ["0", "2"])
def test_on_a_terminal_how_far_it_is_stands_on_one_line(command: list[str], workers: str) -> None:
    output = in_a_terminal([*command, "-n", workers])
    progress_lines = [line for line in output.replace("\n", ERASE).split(ERASE) if " left" in line]
    assert progress_lines, "a measurement takes many times as long as the relay sleeps"
    final_lines = [line.rpartition(ERASE)[2].rstrip("\r") for line in output.split("\n")]
    assert not [line for line in final_lines if " left" in line], "each was taken back"
    assert sum("model ChooseAttr: measured in " in line for line in final_lines) == 1
    assert all(len(line) < 100 for line in progress_lines)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3540, "59 min"), (3600, "1 h 0 min"), (11100, "3 h 5 min")],
)
def test_a_time_to_wait_is_spelled_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words
