"""A file of expectations that names what the suite never asks ends the run with a sentence, before its first test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.support.repository import ROOT

EXPECTED = sorted((ROOT / "suite" / "expected").glob("*.toml"))
ENTRY = '[[departure]]\nclaim = "{claim}"\ntasks = ["{task}"]\nverdict = "fails"\nreason = "so"\n'
NO_CLAIM = (
    "departure 2: no claim is called 'routes.question-dominates-imgae'; the nearest are routes.question-dominates"
)
NO_TASK = "departure 2: stages.second-drop is never asked on all, but on ChooseAttr, ChooseCat, ChooseRel, CompareAttr,"
STRANGERS = {("routes.question-dominates-imgae", "*"): NO_CLAIM, ("stages.second-drop", "all"): NO_TASK}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "expected.toml"


def pytest_in_the_repository(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def write(file: Path, claim: str, task: str) -> None:
    first = ENTRY.format(claim="setup.accuracy", task="ChooseAttr")
    file.write_text(first + ENTRY.format(claim=claim, task=task))


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger[0])
@pytest.mark.parametrize("options", ["suite/", "suite/ -n 2", "suite/ -k accuracy"])
def test_a_stranger_ends_the_run(file: Path, tmp_path: Path, options: str, stranger: tuple[str, str]) -> None:
    write(file, *stranger)
    out = tmp_path / "out"
    result = pytest_in_the_repository(
        *options.split(), "--expected", file, "--report-dir", out, "--curves", tmp_path / "curves"
    )
    assert result.returncode == pytest.ExitCode.USAGE_ERROR, result.stdout[-3000:]
    (sentence,) = [line for line in result.stderr.splitlines() if line]
    assert sentence.startswith(f"ERROR: {file}, {STRANGERS[stranger]}")
    assert "INTERNALERROR" not in result.stdout
    assert not out.exists()


def test_a_run_of_one_file_knows_the_claims_of_the_others_by_name(file: Path) -> None:
    options = ("suite/test_setup.py", "--collect-only", "-q", "--expected", file)
    write(file, "stages.early-drop", "all")
    assert pytest_in_the_repository(*options).returncode == pytest.ExitCode.OK
    write(file, "routes.question-dominates-imgae", "*")
    result = pytest_in_the_repository(*options)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert NO_CLAIM in result.stderr


def test_what_reads_no_expectation_minds_none(file: Path) -> None:
    write(file, "routes.question-dominates-imgae", "*")
    for options in (["suite/", "--claims"], ["suite/house/repository/test_rules.py", "--collect-only", "-q"]):
        result = pytest_in_the_repository(*options, "--expected", file)
        assert result.returncode == pytest.ExitCode.OK, result.stderr[-3000:]


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name)
def test_the_bundled_files_speak_of_what_is_asked(path: Path) -> None:
    result = pytest_in_the_repository("suite/", "--collect-only", "-q", "--expected", path)
    assert result.returncode == pytest.ExitCode.OK, result.stderr[-3000:]
