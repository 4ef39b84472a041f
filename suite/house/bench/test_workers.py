"""Workers of one run share its measuring, and a later run measures what is missing alone."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.bench import devices
from fixtures.tasks import TASKS
from suite.support.repository import ROOT
from suite.support.runs import stand_in_model as stand_in

CLAIMS = """
import sys
import pytest
from fixtures.flow import IMAGE, QUESTION

@pytest.mark.parametrize("number", range(3))
def test_claim(flow, number):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)
    assert not {"torch", "transformers", "datasets"} & sys.modules.keys()
"""

STAND_IN = "from suite.support.runs.stand_in_model import install; install()"


Run = Callable[..., tuple[pytest.RunResult, Counter[str], int]]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs three claims a task on a stand-in; says what was measured, and by how many processes."""
    log = pytester.path / "log"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(stand_in.LOG, str(log))
    stand_in.folder(pytester.path / "model")
    pytester.makeconftest(STAND_IN)
    pytester.makepyfile(test_claims=CLAIMS)

    def run(*arguments: str) -> tuple[pytest.RunResult, Counter[str], int]:
        log.write_text("")
        command = (
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "fixtures.plugin",
            "--model",
            "model",
            "--questions",
            "24",
        )
        result = pytester.run(*command, *arguments)
        lines = [line.partition(" ") for line in log.read_text().splitlines()]
        return result, Counter(what for _, _, what in lines), len({process for process, _, _ in lines})

    return run


EVERYTHING_ONCE = Counter(f"model {what}" for what in ("contract", *TASKS))


def test_workers_share_the_measuring_and_a_later_run_measures_what_is_missing_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.setenv(stand_in.SECONDS, "0.5")
    result, measurements, processes = run("-n", "2")
    result.assert_outcomes(passed=18)
    assert measurements == EVERYTHING_ONCE
    assert processes == min(2, devices.cores())
    result.stderr.fnmatch_lines(["model ChooseAttr: measuring 24 questions", "model ChooseAttr: measured in *"])

    next((pytester.path / ".curves").glob("*QueryAttr*.npz")).write_bytes(b"damaged")
    result, measurements, _ = run("-n", "2")
    result.assert_outcomes(passed=18)
    assert measurements == {"model QueryAttr": 1}
    assert result.stderr.str().count("is unusable") == 1
    assert result.stderr.str().count(": measuring 24") == 1

    result, measurements, _ = run("--remeasure", "--task", "ChooseCat")
    result.assert_outcomes(passed=3)
    assert measurements == {"model contract": 1, "model ChooseCat": 1}


def test_a_store_that_cannot_be_written_is_replaced_by_one_that_all_workers_share(
    run: Run, pytester: pytest.Pytester
) -> None:
    (pytester.path / "file").touch()
    result, measurements, _ = run("-n", "2", "--curves", "file")
    result.assert_outcomes(passed=18)
    assert measurements == EVERYTHING_ONCE
    (sentence,) = [line for line in result.stderr.lines if "takes no measurements" in line]
    spare = Path(sentence.partition("kept in ")[2].removesuffix(" until the run ends"))
    assert not spare.exists()
