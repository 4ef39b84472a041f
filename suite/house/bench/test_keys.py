"""A stored value is found again by all that it depends on, and by nothing else."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.bench import keys as keys_module
from fixtures.bench import loaded_models
from fixtures.bench.devices import Worker
from fixtures.bench.keys import contents, instruments
from fixtures.flow import PADDING, QUESTION
from fixtures.model_flow import Request
from fixtures.models.files.source import Source
from fixtures.question import FilePicture, Object, Question
from suite.support.repository import ROOT
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.benches import bench, logged

FIXTURES = ROOT / "fixtures"
CHOOSE = Request("model", "ChooseAttr")


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
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
@pytest.mark.usefixtures("measurements")
def test_another_way_of_measuring_is_another_key(changes: dict[str, Any]) -> None:
    keys = [each.plan.measurement(CHOOSE).entry.key for each in (bench(), bench(**changes))]
    assert keys[0] != keys[1]


@pytest.mark.usefixtures("measurements")
def test_what_changes_no_number_changes_no_key() -> None:
    same = [bench(), bench(red=("fails",)), bench(Worker(1, 4)), bench(tasks=("ChooseAttr",))]
    assert len({each.plan.measurement(CHOOSE).entry.key for each in same}) == 1


@pytest.mark.usefixtures("measurements")
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


@pytest.mark.usefixtures("measurements")
def test_other_weights_and_other_libraries_are_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bench().plan.contract("model").entry.key
    with monkeypatch.context() as patch:
        patch.setattr(keys_module, "versions", lambda: {"torch": "99"})
        libraries = bench().plan.contract("model").entry.key
    (Path("model") / "model.safetensors").write_bytes(b"fine-tuned")
    weights = bench().plan.contract("model").entry.key
    assert len({before, libraries, weights}) == 3


def test_another_accelerator_measures_anew(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rounds otherwise, which must not pass for what the first one found."""
    monkeypatch.setattr("fixtures.bench.devices.cuda_devices", lambda: 1)
    for name in ("NVIDIA A100", "NVIDIA H200", "NVIDIA A100"):
        monkeypatch.setattr("fixtures.bench.devices.cuda_names", lambda name=name: (name,))
        bench(device="cuda").measurement(Request("model", "QueryAttr"))
    assert measurements() == ["model contract", "model QueryAttr"] * 2


def test_a_large_models_fingerprint_is_taken_once_while_its_files_stay(
    measurements: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprints: list[str] = []

    def fingerprint(source: Source) -> str:
        fingerprints.append(source.name)
        return (source.folder() / "model.safetensors").read_text()

    monkeypatch.setattr(Source, "fingerprint", fingerprint)
    monkeypatch.setattr(loaded_models, "SMALL_WEIGHTS", 0)
    assert [bench().models.fingerprint("model") for _ in range(2)] == [stand_in.WEIGHTS.decode()] * 2
    assert len(fingerprints) == 1
    (Path("model") / "model.safetensors").write_text("fine-tuned")
    assert bench().models.fingerprint("model") == "fine-tuned"


# ---- questions


@pytest.mark.usefixtures("measurements")
def test_the_rivals_are_of_all_questions_selected_and_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Request("model", "QueryAttr"), CHOOSE, replace(CHOOSE, task="QueryAttr", edge=PADDING >> QUESTION)]
    one = bench()
    rivals = [one.measurement(request).rivals for request in requests]
    counts = Counter(question.answer for question in one.questions.of_task("QueryAttr"))
    assert rivals == [tuple(sorted(counts, key=lambda word: (-counts[word], word))), (), ()]
    assert len(rivals[0]) > 1
    monkeypatch.setattr("fixtures.instruments.rivals.answers_of", lambda questions: ("others",))
    keys = [[each.plan.measurement(request).entry.key for request in requests] for each in (one, bench())]
    assert [before == after for before, after in zip(*keys, strict=True)] == [False, False, True]


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


# ---- sources

FOLDERS = ("instruments", "models", "tasks")
MODULES = ("flow.py", "question.py", "refusal.py", "measure.py", "measurement.py", "bench/measurement_file.py")
MEASURING = [
    *(path.relative_to(FIXTURES) for folder in FOLDERS for path in sorted((FIXTURES / folder).rglob("*.py"))),
    Path("models/registry.toml"),
    *map(Path, MODULES),
]
"""The sources that a number may depend on, found here without the patterns that the key uses."""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources, to edit."""
    copy = tmp_path / "fixtures"
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.png", "*.zip", "*.npz")
    shutil.copytree(FIXTURES, copy, ignore=ignored)
    return copy


def digest(copy: Path) -> str:
    """The digest of the sources in *copy*, past the cache, which an edit would not reach."""
    return instruments.__wrapped__(copy)


def test_an_edit_to_any_source_that_measures_changes_the_digest(sources: Path) -> None:
    before = digest(sources)
    assert before == instruments(), "the copy is whole"
    assert len({path.parts[0] for path in MEASURING}) == 9, "four folders and five modules"
    for path in MEASURING:
        original = (sources / path).read_bytes()
        (sources / path).write_bytes(original + b"\n# edited\n")
        assert digest(sources) != before, path
        (sources / path).write_bytes(original)
    assert digest(sources) == before


@pytest.mark.parametrize("folder", ["instruments", "instruments/new", "models", "models/new", "tasks", "tasks/new"])
def test_a_new_source_and_a_new_name_change_the_digest(sources: Path, folder: str) -> None:
    digests = [digest(sources)]
    (sources / folder).mkdir(exist_ok=True)
    (sources / folder / "added.py").write_text("")
    digests.append(digest(sources))
    (sources / folder / "added.py").rename(sources / folder / "renamed.py")
    digests.append(digest(sources))
    assert len(set(digests)) == 3


@pytest.mark.parametrize("path", ["instruments", "models/registry.toml", "tasks", "flow.py", "measurement.py"])
def test_sources_that_are_not_found_are_an_error(sources: Path, path: str) -> None:
    (sources / path).rename(sources.parent / "elsewhere")
    with pytest.raises(FileNotFoundError, match="name the folders whose sources count"):
        digest(sources)


@pytest.mark.usefixtures("measurements")
def test_the_contract_and_every_measurement_hold_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [bench().plan.contract("model").entry.key, bench().plan.measurement(CHOOSE).entry.key]
    monkeypatch.setattr(keys_module, "instruments", lambda: "edited")
    after = [bench().plan.contract("model").entry.key, bench().plan.measurement(CHOOSE).entry.key]
    assert not set(before) & set(after)
