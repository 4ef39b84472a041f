"""A measurement that broke off, wherever it was, gives bit by bit what one that did not gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.bench import measurement_file
from fixtures.bench.bench import Bench
from fixtures.bench.devices import Worker
from fixtures.bench.selection import Selection
from fixtures.bench.store import Entry, Store
from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.instruments import checkpoint as checkpoint_module
from fixtures.instruments.checkpoint import GENERATION, SWEEP, Checkpoint, CompletedBatches, PromptResult
from fixtures.measure import measure
from fixtures.measurement import Measurement
from fixtures.model_flow import Request
from fixtures.models import load
from fixtures.models.base import Subject
from fixtures.tasks import questions
from suite.support.runs.benches import Recorder

EDGES = [IMAGE >> QUESTION, QUESTION >> LAST]
ASKED = 8
KEY = "0123456789abcdef" * 4


class Killed(BaseException):
    """What no work catches, as an interrupt."""


@pytest.fixture(scope="module")
def subject() -> Subject:
    return load("miniature")


def run(subject: Subject, engine: str, kept: Checkpoint) -> Measurement:
    return measure(subject, questions("ChooseAttr", n=ASKED), EDGES, engine=engine, checkpoint=kept)


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Break off when so many batches are done."""
    add = CompletedBatches.add

    def after(batches: int) -> None:
        left = [batches]

        def counted(stage: CompletedBatches, batch: Any, rows: Iterable[PromptResult]) -> None:
            if not left[0]:
                raise Killed
            left[0] -= 1
            add(stage, batch, rows)

        monkeypatch.setattr(CompletedBatches, "add", counted)

    return after


def same(one: Measurement, other: Measurement) -> bool:
    arrays, others = measurement_file.to_arrays(one), measurement_file.to_arrays(other)
    told, told_too = (json.loads(bytes(each.pop("json"))) for each in (arrays, others))
    for each in (told, told_too):
        each["provenance"].pop("seconds")
    numbers = all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)
    return arrays.keys() == others.keys() and numbers and told == told_too


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_wherever_it_breaks_off_the_numbers_are_the_same(
    subject: Subject, engine: str, kill_after: Callable[[int], None]
) -> None:
    whole = Checkpoint()
    expected = run(subject, engine, whole)
    assert len(whole.batches(GENERATION).done) > 1, "there are batches to break off between"
    batches = sum(len(whole.batches(name).done) for name in (GENERATION, SWEEP))
    for done in (1, batches // 2 + 1, batches - 1):
        cut = Checkpoint()
        kill_after(done)
        with pytest.raises(Killed):
            run(subject, engine, cut)
        taken_up = Checkpoint.from_arrays(cut.to_arrays())
        assert sum(len(taken_up.batches(name).done) for name in (GENERATION, SWEEP)) == done
        kill_after(1000)
        assert same(run(subject, engine, taken_up), expected)
    kill_after(0)
    assert same(run(subject, engine, Checkpoint.from_arrays(whole.to_arrays())), expected), "nothing is left to do"


def test_rows_are_of_the_question_that_they_were_found_of(subject: Subject) -> None:
    asked = [(place, subject.encode(question)) for place, question in enumerate(questions("ChooseAttr", n=4))]
    rows = [(np.array(float(place)),) for place in range(2)]
    stage = Checkpoint().batches(SWEEP)
    stage.add(asked[:2], rows)
    assert [float(row[0]) for row in stage.find(asked[:2])] == [0, 1]
    assert len(stage.find(asked[:3])) == 2, "a batch that was halved is taken up as what it was"
    for other in (asked[:1], asked[1:3], asked[::-1], [(place + 1, prompt) for place, prompt in asked[:2]]):
        assert not stage.find(other)


# ---- on disk


def entry(key: str = KEY) -> Entry[Any]:
    return Entry(key, "miniature ChooseAttr", dict, dict)


def stored(store: Store) -> None:
    """Leave what work that broke off leaves."""
    with suppress(Killed), store.checkpoint(entry()) as kept:
        kept.batches(SWEEP).done["0 07", "1 08"] = [(np.array([0.5]),), (np.array([0.25]),)]
        kept.settled, kept.is_new = 3, True
        raise Killed


@pytest.fixture
def sentences() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, sentences: list[str]) -> Store:
    return Store(tmp_path, say=sentences.append)


def test_what_broke_off_is_on_disk_until_the_whole_is(store: Store, tmp_path: Path, sentences: list[str]) -> None:
    stored(store)
    with store.checkpoint(entry()) as kept:
        assert kept.questions == 5
        assert [float(row[0][0]) for row in kept.batches(SWEEP).done["0 07", "1 08"]] == [0.5, 0.25]
        assert kept.seconds_before > 0
    assert store.read(entry()) is None, "a part is never taken for the whole"
    store.make(entry(), lambda: {"values": np.ones(2)})
    assert [path.name for path in tmp_path.glob("*.npz")] == [entry().file]
    assert not sentences


def test_another_key_takes_up_nothing(store: Store) -> None:
    stored(store)
    with store.checkpoint(entry(KEY[::-1])) as kept:
        assert kept.questions == 0


def test_remeasuring_takes_up_nothing_older_than_the_run(store: Store, tmp_path: Path) -> None:
    stored(store)
    with Store(tmp_path, since=checkpoint_module.time.time()).checkpoint(entry()) as kept:
        assert kept.questions == 0


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


def _foreign(path: Path) -> None:
    Store(path.parent).make(entry("f" * 64), lambda: {"values": np.ones(2)})
    (path.parent / entry("f" * 64).file).replace(path)


def _unfitting(path: Path) -> None:
    with np.load(path) as arrays:
        members = dict(arrays)
    np.savez(path, **{**members, f"{SWEEP}/sizes": np.array([3])})


@pytest.mark.parametrize("spoil", [_truncated, _foreign, _unfitting])
def test_a_damaged_or_foreign_part_is_said_and_not_used(
    store: Store, tmp_path: Path, sentences: list[str], spoil: Callable[[Path], None]
) -> None:
    stored(store)
    spoil(tmp_path / entry().checkpoint.file)
    with store.checkpoint(entry()) as kept:
        assert kept.questions == 0
    assert len(sentences) == 1
    assert sentences[0].startswith("the stored miniature ChooseAttr so far is unusable (")
    stored(store)
    with store.checkpoint(entry()) as kept:
        assert kept.questions == 5, "it is replaced by the next"


def test_it_is_written_now_and_then(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, counts = [0.0], list[int]()
    monkeypatch.setattr(checkpoint_module.time, "monotonic", lambda: now[0])
    batch: Sequence[Any] = [(0, type("Prompt", (), {"question": questions("ChooseAttr", n=1)[0]}))]
    with store.checkpoint(entry()) as kept:
        kept.heard = counts.append
        for second in (1, 9, 10, 15, 20):
            now[0] = float(second)
            kept.batches(SWEEP).add(batch, [(np.zeros(1),)])
            assert (tmp_path / entry().checkpoint.file).exists() == (second >= 10)
    assert counts == [1, 1], "at 10 and at 20 seconds"


def test_a_run_goes_on_where_another_was_killed(tmp_path: Path, kill_after: Callable[[int], None]) -> None:
    selection = Selection(
        models=("miniature",), tasks=("ChooseAttr",), questions=ASKED, seed=0, gqa=None, images=None,
        window=None, prompt=None, device="cpu", dtype="auto", revision=None, trust_remote_code=False,
        engine="fast", curves=None, remeasure=False, expected=None, red=(),
    )  # fmt: skip

    def bench(folder: str) -> Bench:
        store = Store(tmp_path / folder, say=sentences.append)
        return Bench(
            selection, store, Worker(), [("miniature", "ChooseAttr")], Recorder(sentences.append, sentences.append)
        )

    sentences: list[str] = []
    wanted = Request("miniature", "ChooseAttr", IMAGE >> LAST, width=5)

    def fetch(measuring: Bench) -> Measurement:
        return measuring.work.fetch(measuring.plan.measurement(wanted))

    expected = fetch(bench("whole"))
    kill_after(3)
    with pytest.raises(Killed):
        fetch(bench("cut"))
    kill_after(1000)
    assert same(fetch(bench("cut")), expected)
    assert not list((tmp_path / "cut").glob("*so-far*"))
