"""A process measures what the run lacks and nothing else, and says what takes long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from fixtures.bench import loaded_models
from fixtures.bench import plan as plan_module
from fixtures.bench.bench import NotCalibrated
from fixtures.bench.devices import Slot, Worker
from fixtures.bench.once import once
from fixtures.bench.progress import Loading
from fixtures.bench.store import hold
from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.model_flow import Request
from fixtures.models.files.source import Source
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.benches import bench, logged


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    return logged(monkeypatch, tmp_path)


# ---- what is measured


def test_the_contract_comes_first_and_nothing_twice(measurements: Callable[[], list[str]]) -> None:
    first = bench()
    first.measurement(Request("model", "QueryAttr"))
    first.measurement(Request("model", "QueryAttr"))
    bench().measurement(Request("model", "QueryAttr"))
    assert measurements() == ["model contract", "model QueryAttr"]


def test_a_model_that_fails_its_contract_is_not_measured(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixtures.instruments.contract.check", stand_in.broken_check)
    for again in (bench(), bench()):
        with pytest.raises(NotCalibrated, match="model is not calibrated: liveness: nothing moves"):
            again.measurement(Request("model", "QueryAttr"))
    assert measurements() == []


def test_who_waits_measures_something_else_meanwhile(measurements: Callable[[], list[str]]) -> None:
    bench().measurement(Request("model", "ChooseAttr"))
    job = bench().plan.measurement(Request("model", "QueryAttr"))
    more = bench(planned=[("model", "QueryAttr"), ("model", "ChooseCat")])
    with hold(Path("curves") / f"{job.entry.file}.lock"):
        more.work.advance(job)
    assert measurements()[-1] == "model ChooseCat"
    assert more.measurement(Request("model", "QueryAttr")).task == "QueryAttr"


@pytest.mark.parametrize("breaks", [False, True])
def test_who_waits_for_the_contract_loads_the_model_meanwhile_and_once(
    breaks: bool, measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    def load(source: Source, *_: object) -> Source:
        loads.append(source.name)
        if breaks:
            raise RuntimeError("the weights are broken")
        return source

    monkeypatch.setattr(Source, "load", load)
    monkeypatch.setattr(loaded_models, "slots", lambda *_: (Slot("cpu-0", "cpu", 1, exclusive=False),))
    some = bench(Worker(1, 2), planned=[("model", "QueryAttr")])
    job = some.plan.contract("model")
    with hold(Path("curves") / f"{job.entry.file}.lock"):
        for _ in range(5):
            some.work.advance(job)
    assert loads == ["model"]
    if breaks:
        with pytest.raises(RuntimeError, match="the weights are broken"):
            some.measurement(Request("model", "QueryAttr"))
    else:
        assert some.measurement(Request("model", "QueryAttr")).task == "QueryAttr"
        assert loads == ["model"]
    assert measurements() == ([] if breaks else ["model contract", "model QueryAttr"])


def test_who_holds_the_only_copy_of_the_weights_measures_all_and_lets_go(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_models, "SMALL_WEIGHTS", 0)
    monkeypatch.setattr("fixtures.bench.devices.SMALL_WEIGHTS", 0)
    one = bench(Worker(0, 2))
    one.measurement(Request("model", "ChooseAttr"))
    assert measurements() == ["model contract", "model ChooseAttr", "model QueryAttr"]
    assert one.models.loaded is None


def test_a_model_that_cannot_be_had_troubles_its_own_claims_alone(measurements: Callable[[], list[str]]) -> None:
    both = bench(models=("gone", "model"), planned=[("gone", "ChooseAttr"), ("model", "ChooseAttr")])
    stand_in.folder(Path("gone"))
    (Path("gone") / "model.safetensors").unlink()
    assert list(both.plan.models("model")) == ["model"]
    assert both.measurement(Request("model", "ChooseAttr")).model == "model"
    with pytest.raises(Exception, match=r"gone.* has no \*\.safetensors"):
        both.measurement(Request("gone", "ChooseAttr"))


def test_all_windows_that_a_claim_holds_against_each_other_are_measured_in_one_pass(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in, "LAYERS", 40)
    some = bench()
    for width in (5, 15, 1, 3):  # its own are of 3
        for edge in (IMAGE >> QUESTION, QUESTION >> LAST):
            assert some.measurement(Request("model", "ChooseAttr", edge, width)).width == width
    assert measurements() == ["model contract", *["model ChooseAttr"] * 2]
    for edge, width in ((IMAGE >> QUESTION, 4), (IMAGE >> LAST, 5)):
        assert some.measurement(Request("model", "ChooseAttr", edge, width)).width == width
    assert len(measurements()) == 5


def test_answers_are_known_before_anything_else_is_measured(measurements: Callable[[], list[str]]) -> None:
    some = bench()
    some.measurement(Request("model", "ChooseAttr", IMAGE >> QUESTION, final_sub_word=True))
    assert len(measurements()) == 3
    some.measurement(Request("model", "ChooseAttr"))
    assert len(measurements()) == 3


def test_what_is_done_once_fails_once_too() -> None:
    attempts: list[int] = []

    def work(number: int) -> int:
        attempts.append(number)
        if number < 0:
            raise ValueError(number)
        return number + 1

    recall = once(work)
    assert [recall(1), recall(1), recall(2)] == [2, 2, 3]
    for _ in range(2):
        with pytest.raises(ValueError, match="-1"):
            recall(-1)
    assert attempts == [1, 2, -1]


def test_work_that_is_done_once_takes_no_keywords() -> None:
    """A keyword would not be part of what tells two calls apart."""

    def work(task: str, decode: bool = False) -> str:
        return f"{task} {decode}"

    recall = once(work)
    assert [recall("a", False), recall("a", True)] == ["a False", "a True"]
    with pytest.raises(TypeError, match="keyword"):
        cast(Any, recall)("a", decode=True)


# ---- what is said meanwhile


def test_what_takes_long_is_said_before_it_starts(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences: list[str] = []
    monkeypatch.setattr(Source, "is_here", False)
    monkeypatch.setattr(loaded_models, "SMALL_WEIGHTS", 0)
    bench(say=sentences.append, say_once=sentences.append).measurement(Request("model", "QueryAttr"))
    fetching, loading, loaded = (
        next(number for number, line in enumerate(sentences) if line.startswith(f"model: {what}"))
        for what in (f"fetching {Path('model').resolve()} from the hub", "loading 0.0 GiB of weights to cpu", "weights")
    )
    assert fetching < loading < loaded < len(sentences) - 1


def test_what_is_here_and_small_is_not_worth_a_line(measurements: Callable[[], list[str]]) -> None:
    sentences: list[str] = []
    bench(say=sentences.append, say_once=sentences.append).measurement(Request("model", "QueryAttr"))
    assert sentences
    assert not [line for line in sentences if "fetching" in line or "weights" in line]


@pytest.mark.usefixtures("measurements")
def test_the_contract_says_when_it_starts_and_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now, sentences = [0.0], list[str]()
    monkeypatch.setattr(plan_module.time, "monotonic", lambda: now[0])

    def check(*arguments: Any) -> Any:
        now[0] += 75
        return stand_in.check(*arguments)

    monkeypatch.setattr("fixtures.instruments.contract.check", check)
    bench(say=sentences.append).measurement(Request("model", "ChooseAttr"))
    assert sentences[:2] == ["model: checking the instruments", "model: instruments checked in 75.0 s"]
    sentences.clear()
    bench(say=sentences.append).measurement(Request("model", "ChooseAttr"))
    assert sentences == []

    monkeypatch.setattr("fixtures.instruments.contract.check", stand_in.broken_check)
    refusals: list[str] = []
    with pytest.raises(NotCalibrated):
        bench(say=sentences.append, say_once=refusals.append, seed=1).measurement(Request("model", "ChooseAttr"))
    assert sentences == ["model: checking the instruments", "model: instruments found wanting in 0.0 s"]
    assert refusals == ["model is not calibrated: liveness: nothing moves"]


def test_weights_that_load_long_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 15.0, 16.0, 40.0, 41.0])
    monkeypatch.setattr("fixtures.bench.progress.time.monotonic", lambda: next(clock))
    sentences: list[str] = []
    progress = Loading("llava", 14 * 2**30, "cuda:0", sentences.append)
    for done in (10, 75, 80, 300):
        progress(done, 300)
    progress.end()
    assert sentences == [
        "llava: loading 14.0 GiB of weights to cuda:0",
        "llava: 75 of 300 parameters loaded, 45 s left",
        "llava: weights loaded in 41.0 s",
    ]
