"""Expectations record only departures, each with a reason; any other file is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.plugin.expectations import BadExpectations, Departure, Expectations, read_expectations
from fixtures.tasks import TASKS
from suite.support.repository import ROOT

KNOWN = (*TASKS, "all")

GOOD = """
[[departure]]
claim = "stages.early-drop"
tasks = ["ChooseAttr", "all"]
verdict = "fails"
reason = "twelve layers leave no room"

[[departure]]
claim = "setup.accuracy"
tasks = ["*"]
verdict = "inconclusive"
reason = "too few images"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.toml"


def read_text(file: Path, text: str) -> Expectations:
    file.write_text(text)
    return read_expectations(file, "expected/model.toml", KNOWN)


def test_a_departure_speaks_of_its_own_claim_and_tasks(file: Path) -> None:
    expected = read_text(file, GOOD)
    departure = expected.of("stages.early-drop", "all")
    assert departure == Departure(
        "stages.early-drop",
        ("ChooseAttr", "all"),
        "fails",
        "twelve layers leave no room",
        "expected/model.toml",
        number=1,
    )
    assert expected.of("stages.early-drop", "QueryAttr") is None
    assert expected.of("stages.second-drop", "ChooseAttr") is None
    assert all(expected.of("setup.accuracy", task) is not None for task in KNOWN)


def test_an_empty_file_expects_no_departure(file: Path) -> None:
    assert read_text(file, "") == Expectations()


ENTRY = '[[departure]]\nclaim = "a.b"\ntasks = ["ChooseAttr"]\nverdict = "fails"\nreason = "so"\n'
OTHER = ENTRY.replace('"a.b"', '"c.d"')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[departure]\n", "cannot be read as TOML"),
        ('departure = "none"\n', "only hold [[departure]] tables"),
        ("[expected]\n", "only hold [[departure]] tables"),
        ("departure = [1]\n", "departure 1: it must have exactly claim, tasks, verdict and reason"),
        (ENTRY.replace('reason = "so"\n', ""), "departure 1: it must have exactly"),
        (ENTRY + 'since = "2026"\n', "departure 1: it must have exactly"),
        (ENTRY.replace('"so"', '" "'), "claim and reason must be non-empty text"),
        (ENTRY.replace('"a.b"', "3"), "claim and reason must be non-empty text"),
        (
            ENTRY.replace('"fails"', '"holds"'),
            "verdict 'holds' is not one of fails, error, inconclusive, unsupported",
        ),
        (ENTRY.replace('"fails"', "['fails']"), "is not one of"),
        (ENTRY.replace('["ChooseAttr"]', '"ChooseAttr"'), "must be a list of ChooseAttr, "),
        (ENTRY.replace('["ChooseAttr"]', "[]"), "must be a list of"),
        (ENTRY.replace('["ChooseAttr"]', '["Chooseattr"]'), "tasks ['Chooseattr'] must be a list of"),
        (ENTRY.replace('["ChooseAttr"]', "[[1]]"), "must be a list of"),
        (ENTRY + ENTRY, "departures 1 and 2: a.b on ChooseAttr is recorded twice: keep one"),
        (ENTRY + OTHER + OTHER, "departures 2 and 3: c.d on ChooseAttr is recorded twice"),
        (ENTRY.replace('"ChooseAttr"', '"ChooseAttr", "ChooseAttr"'), "departure 1: a.b on ChooseAttr is recorded"),
        (ENTRY.replace('"ChooseAttr"', '"all", "*"'), "departure 1: a.b on all is recorded twice"),
        (OTHER + ENTRY + ENTRY.replace("ChooseAttr", "*"), "departures 2 and 3: a.b on ChooseAttr is recorded twice"),
        (ENTRY.replace("ChooseAttr", "*") * 2, "a.b on every task is recorded twice"),
        (
            ENTRY + OTHER + ENTRY.replace("fails", "error"),
            "departures 1 and 3: a.b is recorded as fails on ChooseAttr and as error on ChooseAttr: give each its own",
        ),
        (
            ENTRY.replace("ChooseAttr", "*") + ENTRY.replace("fails", "inconclusive").replace("ChooseAttr", "all"),
            "departures 1 and 2: a.b is recorded as fails on every task and as inconclusive on all: give each its own",
        ),
    ],
)
def test_anything_else_is_refused_in_one_sentence(file: Path, text: str, says: str) -> None:
    with pytest.raises(BadExpectations) as error:
        read_text(file, text)
    sentence = str(error.value)
    assert sentence.startswith("expected/model.toml")
    assert says in sentence
    assert len(sentence.splitlines()) == 1


ASKED = {"stages.early-drop": ("ChooseAttr", "all"), "setup.accuracy": ("ChooseAttr",)}


def expectations_of(file: Path, claim: str, *tasks: str) -> Expectations:
    names = ", ".join(f'"{task}"' for task in tasks)
    return read_text(file, OTHER + ENTRY.replace("a.b", claim).replace('"ChooseAttr"', names))


@pytest.mark.parametrize(
    ("claim", "tasks"),
    [
        ("stages.early-drop", ["ChooseAttr", "all"]),
        ("stages.early-drop", ["*"]),
        ("routes.of-a-file-that-is-not-run", ["QueryAttr"]),
    ],
)
def test_departures_of_what_is_asked_pass(file: Path, claim: str, tasks: list[str]) -> None:
    expectations_of(file, claim, *tasks).refuse_strangers(ASKED, lambda: ["c.d", "routes.of-a-file-that-is-not-run"])


@pytest.mark.parametrize(
    ("claim", "tasks", "says"),
    [
        ("stages.early-dorp", ["*"], "no claim is called 'stages.early-dorp'; the nearest is stages.early-drop"),
        ("zzz", ["*"], "no claim is called 'zzz'; known are c.d, setup.accuracy, stages.early-drop"),
        (
            "setup.accuracy",
            ["ChooseAttr", "QueryAttr", "all"],
            "setup.accuracy is never asked on QueryAttr, all, but on ChooseAttr: name some of these, or '*' for all",
        ),
    ],
)
def test_a_departure_of_nothing_that_is_asked_is_refused(file: Path, claim: str, tasks: list[str], says: str) -> None:
    with pytest.raises(BadExpectations) as error:
        expectations_of(file, claim, *tasks).refuse_strangers(ASKED, lambda: ["c.d"])
    assert str(error.value) == f"expected/model.toml, departure 2: {says}"


def test_a_claim_may_stand_where_nobody_can_look(file: Path) -> None:
    expectations_of(file, "zzz", "*").refuse_strangers(ASKED, lambda: None)


def test_nobody_looks_for_claims_that_are_known(file: Path) -> None:
    def look() -> list[str]:
        raise AssertionError("every claim is known")

    read_text(file, ENTRY).refuse_strangers({"a.b": ("ChooseAttr",)}, look)


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadExpectations, match="cannot be read as TOML"):
        read_expectations(file, "expected/model.toml", KNOWN)
    with pytest.raises(BadExpectations, match="cannot be read as TOML"):
        read_expectations(file.parent, "expected", KNOWN)


@pytest.mark.parametrize("path", sorted((ROOT / "suite" / "expected").glob("*")), ids=lambda path: path.name)
def test_the_bundled_files_are_of_known_models_and_can_be_read(path: Path) -> None:
    from fixtures.models.registry import known

    assert path.suffix == ".toml"
    assert path.stem in known()
    assert read_expectations(path, path.name, KNOWN).departures
