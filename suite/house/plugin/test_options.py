"""Options are checked while they are parsed: a bad value is refused early, in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.bench.selection import Selection
from fixtures.models.registry import known
from fixtures.plugin import session as plugin
from fixtures.plugin.options import BadOption, add_options, parse_options
from fixtures.tasks import HUB, HUB_ALL, KNOWN, TASKS
from suite.support.repository import HEAVY, ROOT
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.small_runs import PLUGIN, usage_error

PARSING_SECONDS = 0.05

Parse = Callable[..., Selection]


class Parser:
    """The part of pytest's parser that options need: names and defaults."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def getgroup(self, name: str, description: str = "") -> Parser:
        assert description
        return self

    def addoption(self, *opts: str, **attrs: Any) -> None:
        (name,) = opts
        assert attrs["help"]
        missing = False if attrs.get("action") == "store_true" else None
        self.values[name.removeprefix("--").replace("-", "_")] = attrs.get("default", missing)


@pytest.fixture
def parsed(tmp_path: Path) -> Parse:
    """Parses options given as keywords, for the model in the folder `model` unless told otherwise."""
    stand_in.folder(tmp_path / "model")

    def parsed(**given: Any) -> Selection:
        parser = Parser()
        add_options(parser)
        assert given.keys() <= parser.values.keys()
        values = {**parser.values, "model": [str(tmp_path / "model")], **given}
        return parse_options(values.__getitem__, tmp_path)

    return parsed


def test_the_defaults_are_the_default_sample(parsed: Parse, tmp_path: Path) -> None:
    assert parsed() == Selection(
        models=(str(tmp_path / "model"),), tasks=TASKS, questions=128, seed=0, gqa=None, images=None,
        window=None, prompt=None, device="auto", dtype="auto", revision=None, trust_remote_code=False,
        engine="fast", curves=None, remeasure=False, expected=None, red=("fails", "error"),
    )  # fmt: skip
    assert parsed().is_default_sample


@pytest.mark.parametrize(
    "change",
    [
        {"questions": 64},
        {"seed": 1},
        {"gqa": Path()},
        {"images": Path()},
        {"window": 3},
        {"prompt": "paper"},
        {"answers": "full-stop"},
        {"data": "hub"},
        {"boxes": Path()},
        {"measured": 24},
        {"measured": "all"},
    ],
    ids=str,
)
def test_another_sample_is_not_the_default_one(parsed: Parse, change: dict[str, Any]) -> None:
    assert not replace(parsed(), **change).is_default_sample


def test_where_it_runs_is_not_part_of_the_sample(parsed: Parse) -> None:
    assert parsed(device="cpu", dtype="float64", task=["ChooseAttr"], remeasure=True, red="").is_default_sample


def test_values_are_parsed(parsed: Parse, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w"):
        pass
    (tmp_path / "known.toml").touch()
    selection = parsed(
        task=["QueryAttr", "ChooseAttr", "QueryAttr"], questions="16", seed="7", gqa=".", images="images.zip",
        window="5", device="cuda:1", red="error, not-calibrated,error", curves="kept", expected="known.toml",
    )  # fmt: skip
    assert selection.tasks == ("QueryAttr", "ChooseAttr")
    assert (selection.questions, selection.seed, selection.window, selection.device) == (16, 7, 5, "cuda:1")
    assert (selection.gqa, selection.images) == (tmp_path, tmp_path / "images.zip")
    assert (selection.curves, selection.expected) == (tmp_path / "kept", tmp_path / "known.toml")
    assert selection.red == ("error", "not calibrated")
    assert parsed(red="").red == ()
    assert parsed(answers="full-stop").answers == "full-stop"
    assert [parsed(measured=number).measured for number in (None, "24", "all")] == [None, 24, "all"]


@pytest.mark.parametrize(
    ("option", "names"), [("gqa", (HUB, HUB_ALL)), ("data", (HUB,)), ("images", (HUB,))], ids=["gqa", "data", "images"]
)
def test_the_hub_is_no_folder_unless_it_is_written_as_one(
    parsed: Parse, tmp_path: Path, option: str, names: tuple[str, ...]
) -> None:
    others = {} if option == "gqa" else {"gqa": HUB}
    for name in names:
        assert getattr(parsed(**{**others, option: name}), option) == name
    with pytest.raises(BadOption, match="not a folder"):
        parsed(**{**others, option: "./hub"})
    (tmp_path / "hub").mkdir()
    assert getattr(parsed(**{**others, option: "hub"}), option) == HUB
    assert getattr(parsed(**{**others, option: "./hub"}), option) == tmp_path / "hub"


def test_boxes_are_for_the_hub_which_lacks_them(parsed: Parse, tmp_path: Path) -> None:
    for name in (HUB, HUB_ALL):
        assert parsed(gqa=name, boxes=".").boxes == tmp_path
    for gqa in (None, "."):
        with pytest.raises(BadOption, match=r"--boxes .*: only the hub's questions lack boxes; give it with --gqa hub"):
            parsed(gqa=gqa, boxes=".")


def test_the_bundled_world_has_its_own_pictures(parsed: Parse) -> None:
    with pytest.raises(BadOption, match=r"--images hub: the bundled world has its own pictures"):
        parsed(images=HUB)
    assert parsed(images=HUB, task=["POPE"]).images == HUB


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": ["nonsense"]}, ["--model nonsense is no model: ", "miniature"]),
        ({"task": ["Choose"]}, ["--task Choose: ", *KNOWN]),
        ({"task": ["pope"]}, ["--task pope: ", "POPE"]),
        ({"task": ["ChoseAttr"]}, ["; the nearest are ChooseAttr, "]),
        (
            {"model": ["planted:blnd"]},
            ["planted:blnd is no variant of planted: the nearest is planted:blind; known are planted, "],
        ),
        (
            {"model": ["minature"]},
            ["minature is no model: the nearest is miniature; known are miniature, planted, "],
        ),
        ({"questions": "0"}, ["--questions 0: ", "1 or more"]),
        ({"questions": "many"}, ["--questions many: ", "1 or more"]),
        ({"questions": "1.5"}, ["--questions 1.5: "]),
        ({"seed": "-1"}, ["--seed -1: ", "0 or more"]),
        ({"window": "0"}, ["--window 0: "]),
        ({"prompt": "essay"}, ["--prompt essay: ", "paper", "chat"]),
        ({"device": "tpu"}, ["--device tpu: ", "auto", "cpu", "cuda:0"]),
        ({"device": "cuda:x"}, ["--device cuda:x: "]),
        ({"dtype": "int8"}, ["--dtype int8: ", "bfloat16"]),
        ({"engine": "warp"}, ["--engine warp: ", "fast", "reference"]),
        ({"answers": "close"}, ["--answers close: ", "exact", "full-stop"]),
        ({"measured": "0"}, ["--measured 0: ", "1 or more"]),
        ({"measured": "some"}, ["--measured some: ", "1 or more, or 'all'"]),
        ({"red": "fails,holds"}, ["--red holds: ", "fails", "error", "not calibrated"]),
        ({"gqa": "nowhere"}, ["--gqa nowhere: ", "not a folder"]),
        ({"gqa": "hub:balanced"}, ["--gqa hub:balanced: ", "not a folder"]),
        ({"data": "nowhere"}, ["--data nowhere: ", "not a folder"]),
        ({"gqa": "hub", "boxes": "nowhere"}, ["--boxes nowhere: ", "not a folder"]),
        ({"images": "nowhere.zip"}, ["--images nowhere.zip: ", "not a folder or zip"]),
        ({"images": "model/config.json"}, ["not a folder or zip"]),
        ({"expected": "nowhere.toml"}, ["--expected nowhere.toml: ", "not a file"]),
        ({"model": [""]}, ["--model '' is no model: ", "miniature"]),
        ({"model": [" "]}, ["--model ' ' is no model: ", "miniature"]),
        ({"gqa": ""}, ["--gqa '': the path is empty"]),
        ({"images": ""}, ["--images '': the path is empty"]),
        ({"curves": ""}, ["--curves '': the path is empty", "leave the option out"]),
        ({"curves": " \t"}, ["--curves ' \\t': the path is empty"]),
        ({"expected": ""}, ["--expected '': the path is empty"]),
        ({"gqa": "no\0where"}, ["--gqa 'no\\x00where': "]),
        ({"curves": "no\0where"}, ["--curves 'no\\x00where': "]),
        ({"images": "a" * 5000}, [f"--images {'a' * 80}...: cannot be looked for"]),
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(
    parsed: Parse, options: dict[str, Any], says: list[str]
) -> None:
    with pytest.raises(BadOption) as error:
        parsed(**options)
    sentence = str(error.value)
    assert all(part in sentence for part in says)
    assert len(sentence.splitlines()) == 1


def test_parsing_is_quick(parsed: Parse) -> None:
    parsed()
    start = time.process_time()
    parsed()
    assert time.process_time() - start < PARSING_SECONDS


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a" * 5000, f"--model {'a' * 80}... cannot be looked for (File name too long): give a folder"),
        ("owner/" + "a" * 200, "is no model: known are"),
        ("mo\0del", r"--model 'mo\x00del' holds a character that cannot be printed"),
        ("mo\ndel", r"--model 'mo\ndel' holds a character that cannot be printed"),
        ("mo\x1b[31mdel", "holds a character that cannot be printed, which would break tables and files: rename"),
        ("mo\u202edel", "holds a character that cannot be printed"),
    ],
    ids=lambda text: text[:12].encode("ascii", "backslashreplace").decode(),
)
def test_a_name_that_no_table_can_hold_is_refused_in_a_short_sentence(
    parsed: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if "\n" in name:
        stand_in.folder(Path(name))
    with pytest.raises(BadOption) as error:
        parsed(model=[name])
    sentence = str(error.value)
    assert says in sentence
    assert sentence.isprintable()
    assert len(sentence) < 400 + len(", ".join(known()))


def test_a_folder_is_named_once_in_its_refusal(parsed: Parse, tmp_path: Path) -> None:
    (stand_in.folder(tmp_path / "bare") / "model.safetensors").unlink()
    with pytest.raises(BadOption) as error:
        parsed(model=[str(tmp_path / "bare")])
    assert str(error.value) == (
        f"--model {tmp_path / 'bare'} has no *.safetensors, and weights load from safetensors alone: convert them"
    )


# ---- in a run


def test_a_name_beyond_all_bounds_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*PLUGIN, "--model", "a" * 5000)
    assert usage_error(result).startswith("--model aaaa")


def test_a_usage_error_ends_the_run_before_torch_is_imported(tmp_path: Path) -> None:
    stand_in.folder(tmp_path / "model")
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass")
    arguments = [*PLUGIN, "-p", "no:cacheprovider", "--model", "model", "--task", "Nonsense", "-n", "2"]
    probe = (
        "import json, sys, pytest\n"
        f"status = int(pytest.main({arguments!r}))\n"
        f"print(json.dumps([status, sorted({set(HEAVY)!r} & sys.modules.keys())]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(result.stdout.splitlines()[-1]) == [pytest.ExitCode.USAGE_ERROR, []], (
        result.stdout + result.stderr
    )
    (sentence,) = [line for line in result.stderr.splitlines() if line]
    assert sentence.startswith("ERROR: --task Nonsense: no such choice; known are ChooseAttr, ")


CLAIMS = """
import pytest

def test_every_task(flow): ...

@pytest.mark.claim(id="tasks.one-and-all", tasks=("QueryAttr", "all"))
def test_one_and_all(flow): ...

@pytest.mark.claim(id="tasks.of-a-model", models=("llava-1.5-13b",), tasks=("ChooseCat",))
def test_of_a_model(flow): ...
"""


def collection_of(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    stand_in.folder(pytester.path / "model")
    pytester.makepyfile(CLAIMS)
    result = pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", *arguments)
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_claims_are_asked_of_every_model_on_every_task_that_they_are_about(pytester: pytest.Pytester) -> None:
    stand_in.folder(pytester.path / "other")
    assert collection_of(
        pytester, "--model", "model", "--model", "other", "--task", "ChooseAttr", "--task", "QueryAttr"
    ) == [
        "test_every_task[model-ChooseAttr]",
        "test_every_task[model-QueryAttr]",
        "test_every_task[other-ChooseAttr]",
        "test_every_task[other-QueryAttr]",
        "test_one_and_all[model-QueryAttr]",
        "test_one_and_all[model-all]",
        "test_one_and_all[other-QueryAttr]",
        "test_one_and_all[other-all]",
    ]


def test_a_claim_is_asked_of_models_that_it_is_not_about_too(pytester: pytest.Pytester) -> None:
    names = collection_of(pytester, "--model", "model", "--task", "ChooseCat", "-k", "of_a_model")
    assert names == ["test_of_a_model[model-ChooseCat]"]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("tasks.one-and-all", {"test_one_and_all"}),
        ("TASKS.ONE", {"test_one_and_all"}),
        ("tasks.one-and-all or tasks.of-a-model", {"test_one_and_all", "test_of_a_model"}),
        ("tasks and not tasks.of-a-model", {"test_one_and_all"}),
        ("every_task", {"test_every_task"}),
    ],
)
def test_claims_are_chosen_by_their_ids(pytester: pytest.Pytester, expression: str, names: set[str]) -> None:
    collection = collection_of(pytester, "--model", "model", "-k", expression)
    assert {name.partition("[")[0] for name in collection} == names


def test_a_claim_about_an_unknown_task_is_refused(pytester: pytest.Pytester) -> None:
    stand_in.folder(pytester.path / "model")
    pytester.makepyfile("import pytest\n@pytest.mark.claim(id='x', tasks=('Chooseattr',))\ndef test_x(flow): ...")
    result = pytester.runpytest_inprocess(*PLUGIN, "--model", "model")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*::test_x is asked on Chooseattr; known are ChooseAttr, *, QueryAttr, POPE, *, all*"])


def test_a_bad_file_of_expectations_is_a_usage_error(pytester: pytest.Pytester) -> None:
    stand_in.folder(pytester.path / "model")
    pytester.path.joinpath("known.toml").write_text("[[departure]]\n")
    result = pytester.runpytest_inprocess(*PLUGIN, "--model", "model", "--expected", "known.toml")
    assert usage_error(result).startswith("known.toml, departure 1: it must have exactly ")


def test_a_model_of_the_registry_has_a_file_of_its_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "known", lambda: ("model",))
    stand_in.folder(pytester.path / "model")
    stand_in.folder(pytester.path / "other")
    folder = pytester.mkdir("suite") / "expected"
    folder.mkdir()
    for name in ("model", "other"):
        (folder / f"{name}.toml").write_text("[[departure]]\n")
    arguments = (*PLUGIN, "--rootdir", str(pytester.path), "--model")
    assert pytester.runpytest_inprocess(*arguments, "other").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result = pytester.runpytest_inprocess(*arguments, "model")
    result.stderr.fnmatch_lines(["ERROR: suite/expected/model.toml, departure 1: *"])
