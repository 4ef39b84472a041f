"""Bad input that is found quickly ends the run with one sentence; what is found later is one line for each claim."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.bench import devices
from fixtures.models.files.weights import damage
from fixtures.models.miniature import WEIGHTS as MINIATURE
from fixtures.tasks import WORLD
from fixtures.tasks.gqa import authors
from fixtures.tasks.prepare import prepare
from suite.support.repository import HEAVY, ROOT
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.small_runs import PLUGIN, Run, runner, usage_error, without_cuda

CLAIMS = """
import pytest
from fixtures.flow import IMAGE, QUESTION

@pytest.mark.claim(id="routes.first")
def test_first(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.mark.claim(id="routes.second", tasks=("QueryAttr", "all"))
def test_second(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs CLAIMS on a stand-in, and a test of nothing."""
    without_cuda(monkeypatch)
    pytester.makepyfile(test_other="def test_nothing(): pass")
    return runner(pytester, monkeypatch, CLAIMS, "--questions", "8")


def refusal(result: pytest.RunResult) -> str:
    """The one sentence of a run that was refused before any test."""
    result.assert_outcomes()
    return usage_error(result)


def with_half_a_file(folder: Path) -> Path:
    """A copy of the miniature with half of its weights."""
    shutil.copytree(MINIATURE, folder)
    weights = folder / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)
    return folder


def in_workers(pytester: pytest.Pytester, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the tests in the folder in two workers, outside this process."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", "-n", "2", *arguments],
        cwd=pytester.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


# ---- before any test


@pytest.mark.parametrize(
    ("device", "there", "says"),
    [
        ("cuda", 0, "--device cuda: the driver knows no CUDA device here: choose auto or cpu"),
        ("cuda:3", 0, "--device cuda:3: the driver knows no CUDA device here: choose auto or cpu"),
        ("cuda:3", 1, "--device cuda:3: there is no such device, only cuda:0 alone: choose one, auto or cpu"),
        ("cuda:3", 3, "--device cuda:3: there is no such device, only cuda:0 to cuda:2: choose one, auto or cpu"),
    ],
)
def test_a_device_that_is_not_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, device: str, there: int, says: str
) -> None:
    monkeypatch.setattr(devices, "cuda_devices", lambda: there)
    assert refusal(run("--device", device)) == says


@pytest.mark.parametrize(
    ("device", "there", "build"),
    [("auto", 0, "2.13.0"), ("cpu", 0, "2.13.0+cpu"), ("cuda", 1, "2.13.0"), ("cuda:1", 2, "2.13.0+cu128")],
)
def test_a_device_that_may_be_there(monkeypatch: pytest.MonkeyPatch, device: str, there: int, build: str) -> None:
    monkeypatch.setattr(devices.metadata, "version", lambda _: build)
    monkeypatch.setattr(devices, "cuda_devices", lambda: there)
    assert devices.why_no_device(device) is None


def test_a_build_without_cuda_is_named_and_one_whose_devices_are_not_cudas_is_left_to_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices.metadata, "version", lambda _: "2.13.0+cpu")
    assert "torch 2.13.0+cpu is built without CUDA" in str(devices.why_no_device("cuda:0"))
    monkeypatch.setattr(devices.metadata, "version", lambda _: "2.13.0+rocm6.4")
    assert devices.why_no_device("cuda:7") is None


def test_a_window_wider_than_the_model(run: Run) -> None:
    sentence = refusal(run("--model", "miniature", "--window", "99"))
    assert sentence == "--window 99: miniature has 12 layers: give 12 or fewer"


@pytest.mark.parametrize(("name", "layers"), [("planted", 40), ("planted:small", 32), ("planted:one-stage", 40)])
def test_a_window_wider_than_a_model_that_is_made_when_loaded(run: Run, name: str, layers: int) -> None:
    sentence = refusal(run("--model", name, "--window", str(layers + 1)))
    assert sentence == f"--window {layers + 1}: {name} has {layers} layers: give {layers} or fewer"
    assert run("--model", name, "--window", str(layers), "-k", "nothing").ret == pytest.ExitCode.OK


def test_a_folder_that_holds_no_questions(run: Run, pytester: pytest.Pytester) -> None:
    pytester.mkdir("empty")
    assert refusal(run("--gqa", "empty")).startswith(f"--gqa: {pytester.path / 'empty'} has no questions: looked for ")


def test_a_folder_that_lacks_files_of_selected_tasks(run: Run, pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("authors")
    (folder / authors.FILES["ChooseAttr"]).write_text("nonsense")
    assert refusal(run("--gqa", "authors", "--task", "QueryAttr", "--task", "ChooseRel")) == (
        f"--gqa: {folder} lacks {authors.FILES['QueryAttr']}, {authors.FILES['ChooseRel']}: "
        "add them, or leave QueryAttr and ChooseRel out"
    )
    assert "lacks the columns" in refusal(run("--gqa", "authors", "--task", "ChooseAttr"))


@pytest.mark.parametrize("name", ["val_balanced_questions.json", "val_sceneGraphs.json"])
def test_questions_that_are_no_json(run: Run, pytester: pytest.Pytester, name: str) -> None:
    folder = shutil.copytree(WORLD, pytester.path / "world")
    os.truncate(folder / name, 1000)
    assert f"{folder / name} is not a JSON object of GQA's release (" in refusal(run("--gqa", "world"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"1": ' + b" " * 9000, "does not end with }, so it was cut"),
        (b" " * 9000 + b"<html>", "does not begin with {"),
    ],
)
def test_large_files_are_not_read_but_looked_at(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    monkeypatch.setattr("fixtures.tasks.folders.QUICKLY_READ", 0)
    monkeypatch.setattr("fixtures.tasks.folders.require_questions", lambda *_: pytest.fail("a large file was read"))
    folder = shutil.copytree(WORLD, pytester.path / "world")
    assert run("--gqa", "world", "-k", "nothing").ret == pytest.ExitCode.OK
    (folder / "val_sceneGraphs.json").write_bytes(content)
    assert says in refusal(run("--gqa", "world"))


def test_a_prepared_folder_is_checked_for_the_seed_and_the_tasks(run: Run, pytester: pytest.Pytester) -> None:
    out = pytester.path / "prepared"
    prepare(None, None, out, tasks=["QueryAttr"], number=3, seed=1)
    asks = ("--gqa", "prepared", "--task", "QueryAttr")
    assert run(*asks, "--seed", "1", "-k", "nothing").ret == pytest.ExitCode.OK
    assert "give --seed 1, or prepare another folder with --seed 0" in refusal(run(*asks))
    assert f"{out} was prepared without ChooseRel" in refusal(run("--gqa", "prepared", "--task", "ChooseRel"))


def test_a_folder_of_questions_without_pictures(run: Run, pytester: pytest.Pytester) -> None:
    folder = shutil.copytree(WORLD, pytester.path / "world")
    (folder / "images.zip").unlink()
    assert refusal(run("--gqa", "world")) == (
        f"--gqa: {folder} holds no pictures, neither images/ nor images.zip: give the folder or zip with --images"
    )


def test_the_hub_that_cannot_be_reached(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """This asks the real `datasets`, offline and with an empty cache."""
    import huggingface_hub.constants

    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", pytester.path / "cache")
    sentence = refusal(run("--gqa", "hub"))
    assert sentence.startswith("--gqa: lmms-lab/GQA (val_balanced_instructions) cannot be fetched from the hub (")
    assert sentence.endswith("): go online once, or give a folder with --gqa")


def test_weights_that_are_cut(run: Run, pytester: pytest.Pytester) -> None:
    with_half_a_file(pytester.path / "cut")
    sentence = refusal(run("--model", "cut"))
    assert sentence.startswith("--model cut cannot be loaded: model.safetensors has ")
    assert sentence.endswith("; restore its files")


@pytest.mark.parametrize("absent", ["processor_config.json", "tokenizer.json"])
def test_a_model_that_was_saved_without_its_processor(run: Run, pytester: pytest.Pytester, absent: str) -> None:
    folder = Path(shutil.copytree(MINIATURE, pytester.path / "bare"))
    for path in folder.glob("*processor_config.json" if "processor" in absent else "tokenizer*"):
        path.unlink()
    sentence = refusal(run("--model", "bare"))
    assert sentence.startswith(f"--model bare has no {'processor' if 'processor' in absent else 'tokenizer'} (")
    assert sentence.endswith("into its folder (processor.save_pretrained)")


@pytest.mark.parametrize(
    "name", ["processor_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_model_whose_settings_are_cut(run: Run, pytester: pytest.Pytester, name: str) -> None:
    path = Path(shutil.copytree(MINIATURE, pytester.path / "cut")) / name
    if not path.is_file():
        shutil.copy(path.with_name("processor_config.json"), path)
    os.truncate(path, 100)
    assert refusal(run("--model", "cut")) == (
        f"--model cut has a {name} that is no JSON, it may be cut short: restore it"
    )


def test_a_configuration_that_is_cut_is_found_with_the_options(run: Run, pytester: pytest.Pytester) -> None:
    os.truncate(Path(shutil.copytree(MINIATURE, pytester.path / "cut")) / "config.json", 100)
    result = run("--model", "cut")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (sentence,) = [line for line in result.errlines if line]
    assert sentence == "ERROR: --model cut has a config.json that is no JSON, it may be cut short: restore it"


def test_a_hub_model_that_cannot_be_had(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """This asks the hub's own client, offline and with an empty cache."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(pytester.path))
    sentence = refusal(run("--model", "nobody/nothing"))
    assert sentence.startswith("--model nobody/nothing is no folder here and cannot be fetched from the hub")


def test_who_runs_no_claim_is_not_asked_for_anything(run: Run, pytester: pytest.Pytester) -> None:
    pytester.mkdir("empty")
    with_half_a_file(pytester.path / "cut")
    bad = ("--gqa", "empty", "--model", "cut", "--device", "cuda:9")
    run("test_other.py", *bad).assert_outcomes(passed=1)
    run("-k", "nothing", *bad).assert_outcomes(passed=1, deselected=8)
    assert run("--collect-only", *bad).ret == pytest.ExitCode.OK
    assert refusal(run(*bad)).startswith("--device")


def test_what_cannot_be_collected_is_said_before_what_cannot_be_run(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_broken="import no_such_module")
    result = run("--device", "cuda")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no_such_module*"])


def test_workers_refuse_a_run_alike_and_without_torch(pytester: pytest.Pytester) -> None:
    with_half_a_file(pytester.path / "cut")
    pytester.makepyfile(test_claims=CLAIMS)
    pytester.makeconftest(f"import sys\ndef pytest_sessionfinish(): assert not {set(HEAVY)!r} & sys.modules.keys()")
    result = in_workers(pytester, "--model", "cut")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    (sentence,) = [line for line in result.stderr.splitlines() if line]
    assert sentence.startswith("ERROR: --model cut cannot be loaded: model.safetensors has ")
    assert "2 workers [0 items]" in result.stdout
    assert "INTERNALERROR" not in result.stdout


# ---- while it runs

UNLOADABLE = """
from suite.support.runs.stand_in_model import install
from fixtures.models.errors import ModelUnavailable
from fixtures.models.files.source import Source

def load(*_):
    raise ModelUnavailable("its weights are damaged")

install()
Source.load = load
"""


def test_what_workers_find_at_run_time_is_a_line_a_claim_and_said_once(pytester: pytest.Pytester) -> None:
    stand_in.folder(pytester.path / "model")
    pytester.makepyfile(test_claims=CLAIMS)
    pytester.makeconftest(UNLOADABLE)
    result = in_workers(pytester, "--model", "model")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert result.stderr.splitlines().count("its weights are damaged") == 1
    assert result.stdout.splitlines().count("model, QueryAttr: its weights are damaged") == 2
    assert "8 failed" in result.stdout
    assert "Traceback" not in result.stdout
    assert "conftest.py" not in result.stdout


# ---- weights


def header(tensors: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(tensors).encode()
    return len(text).to_bytes(8, "little") + text + data


TENSOR = {"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "__metadata__": {"format": "pt"}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (header(TENSOR, b"abcd"), None),
        (stand_in.WEIGHTS, None),
        (header(TENSOR, b"abc"), "model.safetensors has 105 bytes where its header says 106"),
        (header(TENSOR, b"abcde"), "where its header says"),
        (b"", "is cut short"),
        (b"\x02\0\0", "is cut short"),
        (b"\xff" * 64, "no safetensors file (64 bytes)"),
        (header(TENSOR, b"abcd")[:40], "is cut short"),
        (b"\x08\0\0\0\0\0\0\0nonsense", "has a header that is no safetensors header"),
        (header({"a": 1}, b""), "has a header that is no safetensors header"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS"),
    ],
)
def test_weights_are_held_against_their_header(tmp_path: Path, content: bytes, says: str | None) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    sentence = damage(tmp_path)
    assert (sentence is None) if says is None else sentence is not None and says in sentence


def test_a_file_that_an_index_names_is_missed(tmp_path: Path) -> None:
    names = [f"model-{number}-of-3.safetensors" for number in (1, 2, 3)]
    index = {"weight_map": {f"tensor{number}": name for number, name in enumerate(names)}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / names[0]).write_bytes(stand_in.WEIGHTS)
    assert damage(tmp_path) == f"{names[1]} is missing, one of 2 files that model.safetensors.index.json names"
    for name in names[1:]:
        (tmp_path / name).write_bytes(stand_in.WEIGHTS)
    assert damage(tmp_path) is None
    (tmp_path / "model.safetensors.index.json").write_text("{")
    assert damage(tmp_path) is None  # loading says what is wrong with it
