"""Benches whose instruments are a stand-in that logs what it measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.bench.bench import Bench
from fixtures.bench.devices import Worker
from fixtures.bench.selection import Selection
from fixtures.bench.store import Store
from suite.support.runs import stand_in_model as stand_in

SELECTION = Selection(
    models=("model",), tasks=("ChooseAttr", "QueryAttr"), questions=24, seed=0, gqa=None, images=None,
    window=None, prompt=None, device="cpu", dtype="auto", revision=None, trust_remote_code=False,
    engine="reference", curves=None, remeasure=False, expected=None, red=(),
)  # fmt: skip


def logged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    """Installs a stand-in for the instruments, with its models and curves in *tmp_path*.

    The result lists what it has measured so far.
    """
    log = tmp_path / "log"
    log.touch()
    stand_in.install(monkeypatch.setattr)
    monkeypatch.setenv(stand_in.LOG, str(log))
    monkeypatch.chdir(tmp_path)
    stand_in.folder(tmp_path / "model")
    stand_in.folder(tmp_path / "other")
    (tmp_path / "curves").mkdir()
    return lambda: [line.partition(" ")[2] for line in log.read_text().splitlines()]


def silent(_: str) -> None: ...


@dataclass(frozen=True)
class Recorder:
    """A console that hands its sentences to *say* and *say_once*, and shows no progress."""

    say: Callable[[str], None] = silent
    say_once: Callable[[str], None] = silent

    def __call__(self, sentence: str, /) -> None:
        self.say(sentence)

    def once(self, sentence: str, /) -> None:
        self.say_once(sentence)

    def status(self, line: str, /) -> None: ...


def bench(
    worker: Worker | None = None,
    planned: Sequence[tuple[str, str]] | None = None,
    say: Callable[[str], None] = silent,
    say_once: Callable[[str], None] = silent,
    **changes: Any,
) -> Bench:
    planned = planned or [("model", task) for task in SELECTION.tasks]
    selection, store = replace(SELECTION, **changes), Store(Path("curves"))
    return Bench(selection, store, worker or Worker(), planned, Recorder(say, say_once))
