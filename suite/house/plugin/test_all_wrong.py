"""If no question is answered correctly, there is no curve to read: claims are inconclusive, only accuracy fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.measurement import Measurement
from fixtures.model_flow import FEWEST_ASKED, Flow, PooledFlow, Request
from fixtures.plugin.finding import finding
from fixtures.question import Question
from fixtures.statistics.evidence import Inconclusive
from suite.support.repository import ROOT
from suite.support.runs import stand_in_model as stand_in

NONE_RIGHT = "model answers none of {asked} questions of ChooseAttr correctly, so no curve can be read: check --prompt"

Read = Callable[[Flow | PooledFlow], Any]
Verdicts = Callable[..., dict[tuple[str, str], tuple[str, str]]]


def measure(subject: Any, questions: Sequence[Question], *rest: Any, **options: Any) -> Measurement:
    """The stand-in's measurement, of a model that is always wrong on ChooseAttr and always right on other tasks."""
    measurement = stand_in.measure(subject, questions, *rest, **options)
    if measurement.task != "ChooseAttr":
        return measurement
    return replace(
        measurement,
        correct=np.zeros(len(questions), dtype=np.bool_),
        answers=("wrong",) * len(questions),
        questions=(),
        baseline=measurement.baseline[:0],
        knocked={edge: values[:0] for edge, values in measurement.knocked.items()},
        lenses={form: values[:0] for form, values in measurement.lenses.items()},
        set_aside={"answered otherwise": len(questions)},
    )


def measured(request: Request, *, number_of_questions: int = 6) -> Measurement:
    """The measurement of that model that a flow reads."""
    questions = [
        Question(f"q{number}", f"i{number}", request.task, "Is it red?", "red", None, None, (), (32, 32))
        for number in range(number_of_questions)
    ]
    return measure(SimpleNamespace(name=request.model), questions, [IMAGE >> QUESTION, QUESTION >> LAST], lens=True)


FLOWS = {
    "task": Flow("a.claim", "model", "ChooseAttr", measured),
    "all, the first": PooledFlow("a.claim", "model", ("ChooseAttr", "QueryAttr"), measured),
    "all, the last": PooledFlow("a.claim", "model", ("QueryAttr", "ChooseAttr"), measured),
}
READINGS: dict[str, Read] = {
    "drop": lambda found: found(IMAGE >> QUESTION).drop(),
    "centre in a window of its own": lambda found: found(QUESTION >> LAST, width=3).centre(),
    "lens": lambda found: found.lens("lowercase").peak(),
}


@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize("some_flow", FLOWS.values(), ids=FLOWS)
def test_no_curve_can_be_read(some_flow: Flow | PooledFlow, read: Read) -> None:
    with pytest.raises(Inconclusive) as error:
        read(some_flow)
    reason = str(error.value)
    assert reason.startswith(NONE_RIGHT.format(asked=6))
    result = finding("model", some_flow.task, [], error.value, is_recorded=False)
    assert (result.verdict, result.reason) == ("inconclusive", reason)


def test_what_needs_no_right_answer_can_be_read() -> None:
    flow = Flow("a.claim", "model", "ChooseAttr", measured)
    assert (flow.layers, flow.width) == (stand_in.LAYERS, 3)
    assert (flow.accuracy().value, flow.accuracy().n) == (0, 6)
    assert flow.accuracy().exceeds(95).verdict == "inconclusive"
    many = replace(flow, source=partial(measured, number_of_questions=FEWEST_ASKED))
    assert many.accuracy().exceeds(95).verdict == "fails"


# ---- the suite's own claims

WRONG = """
import fixtures.measure
from suite.support.runs import stand_in_model as stand_in
from suite.house.plugin.test_all_wrong import measure

stand_in.install()
fixtures.measure.measure = measure
"""


@pytest.fixture
def verdicts(tmp_path: Path) -> Verdicts:
    """Runs the suite on that model; the result is each verdict and reason in the ledger, by claim and task."""
    (tmp_path / "wrong.py").write_text(WRONG)
    model, out = stand_in.folder(tmp_path / "model"), tmp_path / "out"
    paths = ["--model", str(model), "--curves", str(tmp_path / "curves"), "--report-dir", str(out)]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "wrong", "suite/", *paths]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def run(*options: str) -> dict[tuple[str, str], tuple[str, str]]:
        ran = subprocess.run(
            [*command, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), ran.stdout + ran.stderr
        records = json.loads((out / "ledger.json").read_text())["records"]
        return {(record["claim"], record["task"]): (record["verdict"], record["reason"]) for record in records}

    return run


@pytest.mark.parametrize(("number", "accuracy"), [(FEWEST_ASKED, "fails"), (24, "inconclusive")])
def test_a_run_of_one_task_that_is_answered_all_wrong(verdicts: Verdicts, number: int, accuracy: str) -> None:
    results = verdicts("--task", "ChooseAttr", "--questions", str(number))
    assert results.pop(("setup.accuracy", "ChooseAttr"))[0] == accuracy
    none_right = NONE_RIGHT.format(asked=number)
    curves = [verdict for verdict, reason in results.values() if none_right in reason]
    assert len(curves) > 10
    assert set(curves) == {"inconclusive", "recorded"}, "what has no bound has no verdict"
    others = {verdict for verdict, reason in results.values() if none_right not in reason}
    assert others == {"unsupported"}, "one claim is about another model, and those of all tasks have one alone"


def test_a_task_that_is_answered_all_wrong_leaves_the_others_their_verdicts(verdicts: Verdicts) -> None:
    results = verdicts("--task", "ChooseAttr", "--task", "QueryAttr", "--questions", "24")
    assert results["stages.early-drop", "QueryAttr"][0] == "fails"
    for task in ("ChooseAttr", "all"):
        verdict, reason = results["stages.early-drop", task]
        assert verdict == "inconclusive"
        assert NONE_RIGHT.format(asked=24) in reason
    assert not [key for key, (verdict, _) in results.items() if verdict == "error"]
