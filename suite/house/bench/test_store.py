"""What is measured is measured once, by one process, whatever others do and whatever became of its file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.bench.store import Entry, Store, hold, packed, unpacked, why_unwritable
from suite.support.repository import ROOT

PATIENCE = 30.0
"""Seconds after which another process that never comes is a failure."""

KEY = "0123456789abcdef" * 4


def entry(key: str = KEY) -> Entry[Any]:
    return Entry(key, "miniature ChooseAttr", packed, unpacked)


def never() -> Any:
    raise AssertionError("it is stored")


# ---- one process


def test_what_was_made_is_read_and_not_made_again(store: Store) -> None:
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: {"p": 0.1}) == {"p": 0.1}
    assert store.read(entry()) == {"p": 0.1}
    assert store.make(entry(), never) is None


def test_arrays_come_back_bit_by_bit(tmp_path: Path) -> None:
    arrays = {
        "knocked/image->question": np.random.default_rng(0).normal(size=(5, 12)),
        "correct": np.ones(3, bool),
    }
    arrays["knocked/image->question"][0] = np.nan
    curves = Entry[dict[str, Any]](KEY, "curves", dict, dict)
    Store(tmp_path).make(curves, lambda: arrays)
    read = Store(tmp_path).read(curves)
    assert read is not None
    assert read.keys() == arrays.keys()
    assert all(read[name].tobytes() == arrays[name].tobytes() for name in arrays)


def test_another_key_is_another_entry(store: Store) -> None:
    store.make(entry(), lambda: 1)
    assert store.read(entry(KEY[::-1])) is None


def test_objects_are_neither_written_nor_read(store: Store, tmp_path: Path, sentences: list[str]) -> None:
    with_objects = Entry[Any](
        KEY, "miniature ChooseAttr", lambda value: {"thing": np.array([value], dtype=object)}, dict
    )
    with pytest.raises(ValueError, match="allow_pickle"):
        store.make(with_objects, object)
    assert store.read(with_objects) is None
    np.savez(tmp_path / entry().file, store=np.array([object()], dtype=object))
    assert store.make(entry(), lambda: 1) == 1
    assert len(sentences) == 1


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_made_anew_and_said_once(
    store: Store, tmp_path: Path, sentences: list[str], part: float
) -> None:
    store.make(entry(), lambda: list(range(1000)))
    path = tmp_path / entry().file
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: "anew") == "anew"
    assert store.read(entry()) == "anew"
    (sentence,) = sentences
    assert sentence.startswith("the stored miniature ChooseAttr is unusable (")
    assert sentence.endswith("): made anew")


def test_no_flipped_bit_changes_a_value(store: Store, tmp_path: Path) -> None:
    value = list(range(200))
    store.make(entry(), lambda: value)
    path = tmp_path / entry().file
    good = path.read_bytes()
    read: list[Any] = []
    for place in range(0, len(good), 11):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        read.append(store.read(entry()))
    # What does not go unread is a byte that changes nothing, such as a zip's dates.
    assert read.count(None) > len(read) / 2
    assert read.count(None) + read.count(value) == len(read)


def header(**fields: Any) -> Any:
    return packed({"layout": 1, "key": KEY, "written": 0, **fields})["json"]


FOREIGN: dict[str, bytes | dict[str, Any]] = {
    "text": b"something else",
    "empty zip": b"PK\x05\x06" + bytes(18),
    "no header": {"values": np.zeros(3)},
    "numbers for a header": {"store": np.zeros(3)},
    "half a header": {"store": packed({"layout": 1})["json"]},
    "a list for a header": {"store": packed([1])["json"]},
    "another layout": {"store": header(layout=0)},
    "another key": {"store": header(key="other")},
    "no date": {"store": header(written="now")},
    "no value": {"store": header()},
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_replaced(store: Store, tmp_path: Path, sentences: list[str], content: Any) -> None:
    path = tmp_path / entry().file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) == 1
    assert len(sentences) == 1


def test_a_value_that_no_longer_decodes_is_made_anew(store: Store, sentences: list[str]) -> None:
    store.make(entry(), lambda: {"schema": 1})

    def refuse(arrays: Any) -> Any:
        raise ValueError(f"schema {unpacked(arrays)['schema']}, this version reads 2")

    newer = Entry(KEY, "miniature ChooseAttr", packed, refuse)
    assert store.read(newer) is None
    assert store.make(newer, lambda: {"schema": 2}) == {"schema": 2}
    assert "this version reads 2" in sentences[0]


def test_remeasuring_does_not_count_what_is_older_than_the_run(tmp_path: Path) -> None:
    Store(tmp_path).make(entry(), lambda: "old")
    store = Store(tmp_path, since=time.time())
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: "new") == "new"
    assert store.read(entry()) == "new"
    assert store.make(entry(), never) is None


def test_an_archive_is_read_and_never_written(tmp_path: Path) -> None:
    archive, folder = tmp_path / "archive", tmp_path / "spare"
    archive.mkdir()
    folder.mkdir()
    Store(archive).make(entry(), lambda: 1)
    before = sorted(archive.iterdir())
    store = Store(folder, archive)
    assert store.read(entry()) == 1
    assert store.make(entry(), never) is None
    assert store.make(entry(KEY[::-1]), lambda: 2) == 2
    assert sorted(archive.iterdir()) == before


def test_a_disk_that_is_full_costs_the_file_alone(
    store: Store, tmp_path: Path, sentences: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) is None
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("*.npz"))
    assert "No space left on device" in sentences[0]


def test_a_folder_that_vanishes_under_the_run_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "gone")
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) == 1


def test_a_folder_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert why_unwritable(tmp_path / "new" / "folder") is None
    assert why_unwritable(file) is not None
    assert why_unwritable(file / "below") is not None
    assert not list((tmp_path / "new" / "folder").iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_says_why(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    assert why_unwritable(tmp_path) == "Permission denied"


# ---- several processes


RACER = """
import sys, time
from pathlib import Path
from fixtures.bench.store import Entry, Store, packed, unpacked
folder = Path(sys.argv[1])
entry = Entry("{key}", "miniature ChooseAttr", packed, unpacked)
store = Store(folder)
(folder / sys.argv[2]).touch()
while len(list(folder.glob("racer-*"))) < 2:
    time.sleep(0.01)
def work():
    with (folder / "made").open("a") as lines:
        lines.write(sys.argv[2] + "\\n")
    time.sleep(0.5)
    return "made once"
while (found := store.read(entry) or store.make(entry, work)) is None:
    time.sleep(0.02)
print(found)
"""

HOLDER = """
import sys, time
from pathlib import Path
from fixtures.bench.store import Entry, Store, packed, unpacked
folder = Path(sys.argv[1])
def work():
    (folder / "holding").touch()
    time.sleep(60)
Store(folder).make(Entry("{key}", "miniature ChooseAttr", packed, unpacked), work)
"""


def start(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", code.replace("{key}", KEY), *map(str, arguments)]
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def until(path: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < ends, f"{path} does not come"
        time.sleep(0.02)


def test_two_processes_that_race_make_it_once(tmp_path: Path) -> None:
    racers = [start(RACER, tmp_path, f"racer-{number}") for number in range(2)]
    assert [racer.communicate(timeout=PATIENCE)[0] for racer in racers] == ["made once\n"] * 2
    assert len((tmp_path / "made").read_text().splitlines()) == 1


def test_a_process_that_is_killed_at_work_holds_up_nobody(tmp_path: Path, store: Store, sentences: list[str]) -> None:
    holder = start(HOLDER, tmp_path)
    try:
        until(tmp_path / "holding")
        assert store.make(entry(), never) is None
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate(timeout=PATIENCE)
    assert store.make(entry(), lambda: "by another") == "by another"
    assert store.read(entry()) == "by another"
    assert not sentences


def test_half_a_file_of_a_killed_process_is_in_nobodys_way(store: Store, tmp_path: Path, sentences: list[str]) -> None:
    (tmp_path / f"{entry().file}.part").write_bytes(b"PK half")
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) == 1
    assert not sentences
    assert not list(tmp_path.glob("*.part"))


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    def work_under_the_lock() -> None:
        with hold(tmp_path / "lock") as mine:
            assert mine
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work_under_the_lock()
    with hold(tmp_path / "lock") as mine:
        assert mine
