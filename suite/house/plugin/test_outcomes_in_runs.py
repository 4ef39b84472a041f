"""A run ends each test by its verdict, gives the reason in a sentence, and hands both to the plugins that report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
import scipy.special  # noqa: F401 - numpy's own modules load once a process, and pytester forgets what it imports

from fixtures.bench.console import Console
from fixtures.models.errors import ModelUnavailable
from fixtures.models.files.source import Source
from fixtures.plugin.verdicts import BRIEF
from fixtures.refusal import Refusal, is_refusal
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.small_runs import runner

CLAIMS = """
import pytest
from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.statistics.evidence import Unsupported

@pytest.mark.claim(id="a.holds")
def test_holds(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.mark.claim(id="a.fails")
def test_fails(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(40)

@pytest.mark.claim(id="a.composite")
def test_composite(flow):
    drop = flow(IMAGE >> QUESTION).drop()
    assert drop.at_least(20) & drop.at_most(25)

@pytest.mark.claim(id="a.recorded", recorded=("ChooseAttr",))
def test_recorded(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(40)

@pytest.mark.claim(id="a.elsewhere", models=("llava-1.5-13b",))
def test_elsewhere(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.mark.claim(id="a.comparison")
def test_comparison(flow):
    assert flow(QUESTION >> LAST).drop().exceeds(flow.of_model("llava-1.5-13b")(QUESTION >> LAST).drop())

@pytest.mark.claim(id="a.broken")
def test_broken(flow):
    raise ValueError("boom")

@pytest.mark.claim(id="a.silent")
def test_silent(flow):
    flow(IMAGE >> QUESTION).drop()

@pytest.fixture
def broken_fixture(flow):
    raise ValueError("no such thing")

@pytest.mark.claim(id="a.unset")
def test_unset(flow, broken_fixture):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.fixture
def measured(flow):
    return flow(IMAGE >> QUESTION).drop()

@pytest.mark.claim(id="a.set")
def test_set(measured):
    assert measured.at_least(20)

@pytest.mark.claim(id="a.pooled", tasks=("all",))
def test_pooled(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

def test_no_claim():
    assert 1 + 1 == 2
"""

Run = Callable[..., tuple[pytest.RunResult, dict[str, dict[str, Any]]]]


class Collector:
    """Collects the properties that reports carry, by the name of their test."""

    def __init__(self) -> None:
        self.properties: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::test_")[2].partition("[")[0]
        self.properties.setdefault(name, {}).update(dict(report.user_properties))


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs CLAIMS on a stand-in, on ChooseAttr alone, and collects the properties of each test's reports."""
    start = runner(pytester, monkeypatch, CLAIMS, "--questions", "24", "-rA")

    def run(*arguments: str, plugins: Sequence[object] = ()) -> tuple[pytest.RunResult, dict[str, dict[str, Any]]]:
        collector = Collector()
        tasks = () if "--task" in arguments else ("--task", "ChooseAttr")
        return start(*arguments, *tasks, plugins=[collector, *plugins]), collector.properties

    return run


def test_each_verdict_has_its_outcome_in_a_run(run: Run) -> None:
    result, properties = run()
    result.assert_outcomes(passed=4, failed=4, skipped=3, errors=1)
    assert {name: own["evidence"]["verdict"] for name, own in properties.items() if "evidence" in own} == {
        "holds": "holds", "set": "holds", "recorded": "recorded", "fails": "fails", "composite": "fails",
        "elsewhere": "unsupported", "comparison": "unsupported", "pooled": "unsupported",
        "broken": "error", "silent": "error", "unset": "error",
    }  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_failure_is_one_sentence_that_stands_alone(run: Run) -> None:
    result, properties = run("-k", "fails")
    sentence = properties["fails"]["evidence"]["sentence"]
    assert sentence.startswith("model, ChooseAttr: ")
    assert all(part in sentence for part in ("30.0", ">= 40", "of 8", "24 questions"))
    result.stdout.fnmatch_lines([f"*{sentence[:40]}*"])
    assert "Traceback" not in result.stdout.str()
    assert "def test_fails" not in result.stdout.str()


def test_an_error_keeps_its_traceback(run: Run) -> None:
    result, properties = run("-k", "broken or unset")
    result.stdout.fnmatch_lines(['*raise ValueError("boom")', "E * ValueError: boom"])
    assert properties["broken"]["evidence"]["reason"] == "ValueError: boom"
    assert properties["unset"]["evidence"]["reason"] == "ValueError: no such thing"


def test_a_skip_says_why_and_where_the_test_stands(run: Run) -> None:
    result, _ = run("-k", "elsewhere or comparison", "-rs", "--no-fold-skipped")
    result.stdout.fnmatch_lines(
        [
            "SKIPPED*test_claims.py:*the sentence is about llava-1.5-13b",
            "SKIPPED*test_claims.py:*--model llava-1.5-13b",
        ],
    )


def test_what_was_measured_is_shown_next_to_the_evidence(run: Run) -> None:
    _, properties = run("-k", "holds")
    measurement = properties["holds"]["measurement"]
    assert (measurement["model"], measurement["task"], measurement["asked"], measurement["kept"]) == (
        "model",
        "ChooseAttr",
        24,
        24,
    )
    assert set(measurement) >= {
        "set_aside",
        "width",
        "layers",
        "fingerprint",
        "dtype",
        "device",
        "engine",
        "versions",
        "seconds",
    }
    assert json.loads(json.dumps(properties["holds"])) == properties["holds"]


def test_what_is_drawn_of_a_measurement_travels_once(run: Run) -> None:
    exhibits: list[dict[str, Any]] = []

    class Counting:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            exhibits.extend(cast("Any", value) for name, value in report.user_properties if name == "exhibit")

    run("-k", "holds or fails or composite", plugins=[Counting()])
    (exhibit,) = exhibits
    assert (exhibit["model"], exhibit["task"]) == ("model", "ChooseAttr")
    assert {curve["name"] for curve in exhibit["curves"]} >= {"c(image->question)", "P(lowercase)"}
    assert len(exhibit["examples"]) == 3
    assert all(example["thumbnail"] for example in exhibit["examples"])


def test_an_expected_departure_is_an_xfail_and_off_the_default_sample_no_more(
    run: Run, pytester: pytest.Pytester
) -> None:
    pytester.path.joinpath("known.toml").write_text(
        """
        [[departure]]
        claim = "a.fails"
        tasks = ["*"]
        verdict = "fails"
        reason = "it is made up"
        [[departure]]
        claim = "a.holds"
        tasks = ["ChooseAttr"]
        verdict = "fails"
        reason = "it is not so"
        """
    )
    options = ("--expected", "known.toml", "-k", "fails or holds")
    result, properties = run(*options)
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *model, ChooseAttr: *30.0*expected: it is made up"])
    assert properties["fails"]["evidence"]["expected"] == "fails"
    assert properties["fails"]["evidence"]["expected_because"] == "it is made up"

    result, properties = run(*options, "--questions", "128")
    result.assert_outcomes(failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*no longer departs: expected fails, found holds: update known.toml"])
    assert properties["holds"]["evidence"]["verdict"] == "holds"


def test_red_says_what_fails(run: Run) -> None:
    result, _ = run("-k", "fails or elsewhere or broken", "--red", "unsupported")
    result.assert_outcomes(failed=1, xfailed=2)


@pytest.fixture
def sentences(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sentences that a run prints while it measures."""
    lines: list[str] = []
    monkeypatch.setattr(Console, "__call__", lambda self, sentence: lines.append(sentence))
    return lines


def test_a_model_that_fails_its_contract_is_skipped_and_the_run_is_red(
    run: Run, monkeypatch: pytest.MonkeyPatch, sentences: list[str]
) -> None:
    monkeypatch.setattr("fixtures.instruments.contract.check", stand_in.broken_check)
    result, properties = run("-k", "holds or fails")
    result.assert_outcomes(skipped=2)
    assert properties["holds"]["evidence"]["verdict"] == "not calibrated"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines.count("red: model is not calibrated") == 1
    assert sentences.count("model is not calibrated: liveness: nothing moves") == 1


def test_why_a_model_is_not_calibrated_is_told_in_full_once_and_of_each_claim_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, sentences: list[str]
) -> None:
    long = " and ".join(["nothing moves"] * 20)
    contract = stand_in.broken_check("", ())
    monkeypatch.setattr("fixtures.instruments.contract.check", lambda *_: replace(contract, checks={"liveness": long}))
    result, properties = run("-k", "holds or fails", "-rs")
    sentence = f"model is not calibrated: liveness: {long}"
    assert sentences.count(sentence) == 1
    assert long not in result.stdout.str()
    lines = [line for line in result.outlines if "ChooseAttr: model is not calibrated: liveness: nothing" in line]
    assert len(lines) == 2
    assert all(line.endswith(" ...") for line in lines)
    assert properties["holds"]["evidence"]["reason"] == sentence


def test_tasks_are_pooled_for_a_claim_about_all_of_them(run: Run) -> None:
    result, properties = run("-k", "pooled", "--task", "ChooseAttr", "--task", "QueryAttr")
    result.assert_outcomes(passed=1)
    assert properties["pooled"]["evidence"]["task"] == "all"
    assert properties["pooled"]["evidence"]["n"] == 48


def test_a_measurement_that_breaks_is_an_error_of_every_claim_and_tried_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def breaks(*_: object, **__: object) -> None:
        attempts.append(1)
        raise RuntimeError("out of memory")

    monkeypatch.setattr("fixtures.measure.measure", breaks)
    result, properties = run("-k", "holds or fails")
    result.assert_outcomes(failed=2)
    assert (
        properties["holds"]["evidence"]["reason"]
        == properties["fails"]["evidence"]["reason"]
        == "RuntimeError: out of memory"
    )
    assert len(attempts) == 1
    result.stdout.fnmatch_lines(["*raise RuntimeError*"])


LONG = " and ".join(["the weights are damaged in a way that takes many words to tell"] * 5)


@pytest.mark.parametrize(
    ("expression", "outcomes"), [("holds or fails", {"failed": 2}), ("a.set", {"errors": 1})], ids=["call", "setup"]
)
def test_what_is_refused_while_measuring_is_a_line_a_claim_and_said_in_full_once(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    sentences: list[str],
    expression: str,
    outcomes: dict[str, int],
) -> None:
    def unavailable(*_: object) -> None:
        raise ModelUnavailable(LONG)

    monkeypatch.setattr(Source, "load", unavailable)
    result, properties = run("-k", expression)
    result.assert_outcomes(**outcomes)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sentences.count(LONG) == 1
    for evidence in (own["evidence"] for own in properties.values()):
        assert (evidence["verdict"], evidence["reason"]) == ("error", LONG)
    lines = [line for line in result.outlines if line.startswith("model, ChooseAttr: the weights are damaged")]
    assert len(lines) == len(properties)
    assert all(len(line) <= BRIEF for line in lines)
    assert "registry.py" not in result.stdout.str()
    assert "unavailable" not in result.stdout.str()


def test_what_is_refused_and_not_red_departs_like_any_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise ModelUnavailable(LONG)

    monkeypatch.setattr(Source, "load", unavailable)
    result, _ = run("-k", "holds", "--red", "fails")
    result.assert_outcomes(xfailed=1)


@pytest.mark.parametrize(
    "name",
    [
        "fixtures.instruments.attention.CannotHook",
        "fixtures.bench.bench.NotCalibrated",
        "fixtures.instruments.forward.CannotUnembed",
        "fixtures.instruments.forward.NotFinite",
        "fixtures.instruments.batching.OutOfMemory",
        "fixtures.measure.NothingLeft",
        "fixtures.measure.TooWide",
        "fixtures.models.errors.ModelUnavailable",
        "fixtures.tasks.errors.PicturesUnavailable",
        "fixtures.tasks.errors.QuestionsUnavailable",
    ],
)
def test_these_errors_are_told_by_their_sentence_alone(name: str) -> None:
    module, _, kind = name.rpartition(".")
    error = getattr(import_module(module), kind)
    assert issubclass(error, Refusal)
    assert is_refusal(error("the sentence"))


@pytest.mark.parametrize("other", [ValueError("no"), None, KeyError()])
def test_any_other_error_is_a_defect(other: Exception | None) -> None:
    assert not is_refusal(other)


def test_a_sentence_of_all_workers_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workers = [Console(lambda _: None, tmp_path) for _ in range(2)]
    for worker in workers:
        worker.once("three pictures are missing")
        worker.once("another \ud800")
        worker("of each")
    assert capfd.readouterr().err.splitlines() == [
        "three pictures are missing", "another \\ud800", "of each", "of each"
    ]  # fmt: skip
    Console(lambda _: None, tmp_path / "gone").once("where nothing can be noted")
    assert "nothing can be noted" in capfd.readouterr().err
