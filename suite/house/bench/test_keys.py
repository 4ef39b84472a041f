"""A stored value is found again by all that it depends on, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.bench import keys as keys_module
from fixtures.bench import loaded_models
from fixtures.bench.devices import Worker
from fixtures.bench.keys import contents
from fixtures.flow import PADDING, QUESTION
from fixtures.model_flow import Request
from fixtures.models.files.source import Source
from fixtures.question import FilePicture, Object, Question
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.benches import bench, logged

CHOOSE = Request("model", "ChooseAttr")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    return logged(monkeypatch, tmp_path)


# ---- models, libraries and devices


@pytest.mark.parametrize(
    "changes",
    [
        {"questions": 23}, {"seed": 1}, {"window": 5}, {"prompt": "paper"}, {"dtype": "float64"},
        {"device": "cuda"}, {"engine": "fast"}, {"answers": "full-stop"}, {"measured": 5},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.usefixtures("measured")
def test_another_way_of_measuring_is_another_key(changes: dict[str, Any]) -> None:
    keys = [each.plan.measurement(CHOOSE).entry.key for each in (bench(), bench(**changes))]
    assert keys[0] != keys[1]


@pytest.mark.usefixtures("measured")
def test_what_changes_no_number_changes_no_key() -> None:
    same = [bench(), bench(red=("fails",)), bench(Worker(1, 4)), bench(tasks=("ChooseAttr",))]
    assert len({each.plan.measurement(CHOOSE).entry.key for each in same}) == 1


@pytest.mark.usefixtures("measured")
def test_edge_width_task_and_contract_have_their_own_keys() -> None:
    one = bench()
    jobs = [
        one.plan.contract("model"),
        one.plan.measurement(CHOOSE),
        one.plan.measurement(Request("model", "QueryAttr")),
        one.plan.measurement(replace(CHOOSE, edge=PADDING >> QUESTION)),
        one.plan.measurement(replace(CHOOSE, width=5)),
    ]
    assert len({job.entry.key for job in jobs}) == len({job.entry.file for job in jobs}) == len(jobs)


@pytest.mark.usefixtures("measured")
def test_other_weights_and_other_libraries_are_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bench().plan.contract("model").entry.key
    with monkeypatch.context() as patch:
        patch.setattr(keys_module, "versions", lambda: {"torch": "99"})
        libraries = bench().plan.contract("model").entry.key
    (Path("model") / "model.safetensors").write_bytes(b"fine-tuned")
    weights = bench().plan.contract("model").entry.key
    assert len({before, libraries, weights}) == 3


def test_another_accelerator_measures_anew(measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """It rounds otherwise, which must not pass for what the first one found."""
    monkeypatch.setattr("fixtures.bench.devices.cuda_devices", lambda: 1)
    for name in ("NVIDIA A100", "NVIDIA H200", "NVIDIA A100"):
        monkeypatch.setattr("fixtures.bench.devices.cuda_names", lambda name=name: (name,))
        bench(device="cuda").measurement(Request("model", "QueryAttr"))
    assert measured() == ["model contract", "model QueryAttr"] * 2


def test_a_large_models_fingerprint_is_taken_once_while_its_files_stay(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def fingerprint(source: Source) -> str:
        taken.append(source.name)
        return (source.folder() / "model.safetensors").read_text()

    monkeypatch.setattr(Source, "fingerprint", fingerprint)
    monkeypatch.setattr(loaded_models, "SMALL_WEIGHTS", 0)
    assert [bench().models.fingerprint("model") for _ in range(2)] == [stand_in.WEIGHTS.decode()] * 2
    assert len(taken) == 1
    (Path("model") / "model.safetensors").write_text("fine-tuned")
    assert bench().models.fingerprint("model") == "fine-tuned"


# ---- questions


QUESTION_ASKED = Question(
    "07",
    "1",
    "ChooseAttr",
    "Is it red or blue?",
    "red",
    "red",
    "blue",
    (Object("ball", (0, 0, 4, 4)),),
    (8, 8),
)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "7"}, {"image_id": "2"}, {"text": "Is it blue or red?"}, {"answer": "blue"},
        {"true_option": "Red"}, {"false_option": None}, {"image_size": (8, 9)}, {"objects": ()},
        {"objects": (Object("ball", None),)}, {"objects": (Object("ball", (0, 0, 4, 5)),)},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_a_model_sees_of_a_question_is_content(change: dict[str, Any]) -> None:
    assert contents([QUESTION_ASKED]) != contents([replace(QUESTION_ASKED, **change)])


def test_a_picture_is_its_bytes_wherever_they_lie(tmp_path: Path) -> None:
    for name, content in {"a.png": b"pixels", "b.png": b"pixels", "c.png": b"other pixels"}.items():
        (tmp_path / name).write_bytes(content)
    a, b, c, absent, none = (
        contents([replace(QUESTION_ASKED, picture=picture)])
        for picture in (*(FilePicture(tmp_path / f"{name}.png") for name in "abcd"), None)
    )
    assert a == b != c
    assert a != absent == none
