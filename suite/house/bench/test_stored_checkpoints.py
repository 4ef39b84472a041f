"""What a measurement had done when it broke off is on disk, and the next run goes on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.bench.bench import Bench
from fixtures.bench.devices import Worker
from fixtures.bench.store import Entry, Store
from fixtures.flow import IMAGE, LAST
from fixtures.instruments.checkpoint import SWEEP
from fixtures.measurement import Measurement
from fixtures.model_flow import Request
from fixtures.tasks import questions
from suite.support.runs.benches import SELECTION, Recorder
from suite.support.runs.interruptions import Killed, break_off, same

KEY = "0123456789abcdef" * 4


def entry(key: str = KEY) -> Entry[Any]:
    return Entry(key, "miniature ChooseAttr", dict, dict)


def store_a_part(store: Store) -> None:
    """Leave what work that broke off leaves."""
    with suppress(Killed), store.checkpoint(entry()) as checkpoint:
        checkpoint.batches(SWEEP).done["0 07", "1 08"] = [(np.array([0.5]),), (np.array([0.25]),)]
        checkpoint.settled, checkpoint.is_new = 3, True
        raise Killed


def test_what_broke_off_is_on_disk_until_the_whole_is(store: Store, tmp_path: Path, sentences: list[str]) -> None:
    store_a_part(store)
    with store.checkpoint(entry()) as checkpoint:
        assert checkpoint.questions == 5
        assert [float(row[0][0]) for row in checkpoint.batches(SWEEP).done["0 07", "1 08"]] == [0.5, 0.25]
        assert checkpoint.seconds_before > 0
    assert store.read(entry()) is None, "a part is never taken for the whole"
    store.make(entry(), lambda: {"values": np.ones(2)})
    assert [path.name for path in tmp_path.glob("*.npz")] == [entry().file]
    assert not sentences


def test_another_key_takes_up_nothing(store: Store) -> None:
    store_a_part(store)
    with store.checkpoint(entry(KEY[::-1])) as checkpoint:
        assert checkpoint.questions == 0


def test_remeasuring_takes_up_nothing_older_than_the_run(store: Store, tmp_path: Path) -> None:
    store_a_part(store)
    with Store(tmp_path, since=time.time()).checkpoint(entry()) as checkpoint:
        assert checkpoint.questions == 0


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


def replace_by_another(path: Path) -> None:
    Store(path.parent).make(entry("f" * 64), lambda: {"values": np.ones(2)})
    (path.parent / entry("f" * 64).file).replace(path)


def change_a_size(path: Path) -> None:
    with np.load(path) as arrays:
        members = dict(arrays)
    np.savez(path, **{**members, f"{SWEEP}/sizes": np.array([3])})


@pytest.mark.parametrize("spoil", [truncate, replace_by_another, change_a_size])
def test_a_damaged_or_foreign_part_is_said_and_not_used(
    store: Store, tmp_path: Path, sentences: list[str], spoil: Callable[[Path], None]
) -> None:
    store_a_part(store)
    spoil(tmp_path / entry().checkpoint.file)
    with store.checkpoint(entry()) as checkpoint:
        assert checkpoint.questions == 0
    assert len(sentences) == 1
    assert sentences[0].startswith("the stored miniature ChooseAttr so far is unusable (")
    store_a_part(store)
    with store.checkpoint(entry()) as checkpoint:
        assert checkpoint.questions == 5, "it is replaced by the next"


def test_it_is_written_now_and_then(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, counts = [0.0], list[int]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    batch: Sequence[Any] = [(0, type("Prompt", (), {"question": questions("ChooseAttr", n=1)[0]}))]
    with store.checkpoint(entry()) as checkpoint:
        checkpoint.heard = counts.append
        for second in (1, 9, 10, 15, 20):
            now[0] = float(second)
            checkpoint.batches(SWEEP).add(batch, [(np.zeros(1),)])
            assert (tmp_path / entry().checkpoint.file).exists() == (second >= 10)
    assert counts == [1, 1], "at 10 and at 20 seconds"


def test_a_run_goes_on_where_another_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    selection = replace(SELECTION, models=("miniature",), tasks=("ChooseAttr",), questions=8, engine="fast")
    request = Request("miniature", "ChooseAttr", IMAGE >> LAST, width=5)

    def measured(folder: str) -> Measurement:
        """What a new run that stores in *folder* measures."""
        bench = Bench(selection, Store(tmp_path / folder), Worker(), [("miniature", "ChooseAttr")], Recorder())
        return bench.work.fetch(bench.plan.measurement(request))

    expected = measured("whole")
    break_off(monkeypatch, after=3)
    with pytest.raises(Killed):
        measured("part")
    break_off(monkeypatch, after=1000)
    assert same(measured("part"), expected)
    assert not list((tmp_path / "part").glob("*so-far*"))
