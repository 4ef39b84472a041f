"""A verdict, an expectation, --red and the sample decide how a test ends, and the ledger hears all of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pytest
import scipy.special  # noqa: F401 - numpy's own modules load once a process, and pytester forgets what it imports

from fixtures.bench import NotCalibrated
from fixtures.evidence import Evidence, Inconclusive, Unsupported, Verdict
from fixtures.expected import Departure
from fixtures.finding import Finding, finding, plain
from fixtures.models.errors import ModelUnavailable
from fixtures.models.registry import Source
from fixtures.outcomes import MAY_BE_RED, Kind, outcome
from fixtures.plugin import BRIEF
from fixtures.refusal import SPEAKING, is_refusal
from fixtures.voice import Voice
from suite.house import stand_in

RED: tuple[Verdict, ...] = ("fails", "error")
EVERYTHING = MAY_BE_RED


def departure(verdict: Verdict) -> Departure:
    return Departure("a.claim", ("*",), verdict, "known to be so", "suite/expected/miniature.toml")


def evidence(verdict: Verdict, label: str = "drop of image->question") -> Evidence:
    return Evidence(
        verdict, label, 12.5, 10.0, 15.0, ">= 10", "points", n=40, images=38, layers=(3, 4), model_layers=12,
        distance=1.0, reason="about 90 questions would settle it" if verdict == "inconclusive" else "",
    )  # fmt: skip


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("verdict", "red", "kind"),
    [
        ("holds", RED, "passed"),
        ("recorded", RED, "passed"),
        ("fails", RED, "failed"),
        ("error", RED, "failed"),
        ("inconclusive", RED, "skipped"),
        ("unsupported", RED, "skipped"),
        ("not calibrated", RED, "skipped"),
        ("holds", EVERYTHING, "passed"),
        ("recorded", EVERYTHING, "passed"),
        ("fails", EVERYTHING, "failed"),
        ("inconclusive", EVERYTHING, "failed"),
        ("unsupported", EVERYTHING, "failed"),
        ("not calibrated", EVERYTHING, "failed"),
        ("fails", ("error",), "xfailed"),
        ("error", ("fails",), "xfailed"),
        ("error", (), "xfailed"),
        ("fails", ("fails", "inconclusive"), "failed"),
        ("inconclusive", ("fails", "inconclusive"), "failed"),
        ("unsupported", ("fails", "inconclusive"), "skipped"),
    ],
)
def test_without_expectation_red_decides(verdict: Verdict, red: tuple[Verdict, ...], strict: bool, kind: Kind) -> None:
    assert outcome(verdict, None, red, strict).kind == kind


@pytest.mark.parametrize(
    ("expected", "verdict", "at_the_default_sample", "elsewhere"),
    [
        ("fails", "fails", "xfailed", "xfailed"),
        ("fails", "holds", "failed", "passed"),
        ("fails", "recorded", "failed", "passed"),
        ("fails", "error", "failed", "failed"),
        ("fails", "inconclusive", "skipped", "skipped"),
        ("fails", "unsupported", "skipped", "skipped"),
        ("fails", "not calibrated", "skipped", "skipped"),
        ("error", "error", "xfailed", "xfailed"),
        ("error", "fails", "failed", "failed"),
        ("error", "holds", "failed", "passed"),
        ("inconclusive", "inconclusive", "xfailed", "xfailed"),
        ("inconclusive", "holds", "failed", "passed"),
        ("inconclusive", "fails", "failed", "failed"),
        ("unsupported", "unsupported", "xfailed", "xfailed"),
        ("unsupported", "holds", "failed", "passed"),
    ],
)
def test_an_expected_departure_is_held_to_at_the_default_sample_alone(
    expected: Verdict, verdict: Verdict, at_the_default_sample: Kind, elsewhere: Kind
) -> None:
    assert outcome(verdict, departure(expected), RED, strict=True).kind == at_the_default_sample
    assert outcome(verdict, departure(expected), RED, strict=False).kind == elsewhere


def test_a_departure_that_comes_home_names_the_file_to_update() -> None:
    assert outcome("holds", departure("fails"), RED, strict=True).why == (
        "no longer departs: expected fails, found holds: update suite/expected/miniature.toml"
    )
    assert outcome("holds", departure("fails"), (), strict=True).kind == "failed"
    assert outcome("fails", departure("fails"), RED, strict=True).why == "expected: known to be so"


def test_every_verdict_of_a_test_has_an_outcome() -> None:
    for verdict in set(get_args(Verdict)) - {"not run"}:
        assert outcome(verdict, None, (), strict=True).kind in get_args(Kind)


@pytest.mark.parametrize(
    ("asserted", "error", "recorded", "verdict"),
    [
        (["holds"], None, False, "holds"),
        (["holds", "holds"], None, False, "holds"),
        (["fails"], AssertionError("assert the drop ..."), False, "fails"),
        (["holds", "fails"], AssertionError(), False, "fails"),
        (["inconclusive"], Inconclusive("too few"), False, "inconclusive"),
        (["unsupported"], Unsupported("no image tokens"), False, "unsupported"),
        (["recorded"], None, False, "recorded"),
        ([], Unsupported("no image tokens"), False, "unsupported"),
        ([], Inconclusive("nothing to locate"), False, "inconclusive"),
        ([], NotCalibrated("liveness"), False, "not calibrated"),
        ([], None, False, "error"),
        ([], AssertionError("assert 1 == 2"), False, "error"),
        (["holds"], AssertionError("assert 1 == 2"), False, "error"),
        (["holds"], ValueError("boom"), False, "error"),
        (["fails"], ValueError("boom"), False, "error"),
        (["holds"], None, True, "recorded"),
        (["fails"], AssertionError(), True, "recorded"),
        (["inconclusive"], Inconclusive("too few"), True, "recorded"),
        ([], Inconclusive("nothing to locate"), True, "recorded"),
        ([], Unsupported("no image tokens"), True, "unsupported"),
        ([], NotCalibrated("liveness"), True, "not calibrated"),
        (["holds"], ValueError("boom"), True, "error"),
    ],
)
def test_what_a_test_asserted_and_raised_makes_its_verdict(
    asserted: list[Verdict], error: Exception | None, recorded: bool, verdict: Verdict
) -> None:
    found = finding("miniature", "ChooseAttr", [evidence(each) for each in asserted], error, recorded)
    assert found.verdict == verdict
    assert found.sentence.startswith("miniature, ChooseAttr: ")
    assert (found.evidence is not None) == bool(asserted and verdict != "error")


def test_a_finding_becomes_the_record_that_reports_read() -> None:
    parts = evidence("holds") & evidence("holds", "peak of P(lowercase)")
    record = finding("miniature", "all", [parts], None, recorded=False).to_json(departure("fails"))
    assert record == plain(record)
    assert record.items() >= {
        "model": "miniature", "task": "all", "verdict": "holds", "expected": "fails",
        "effect": 12.5, "low": 10.0, "high": 15.0,
    }.items()  # fmt: skip
    assert {
        "bound",
        "n",
        "unit",
        "layers",
        "reason",
        "sentence",
        "notes",
        "twin",
        "questions_needed",
    } <= record.keys()
    assert [part["effect"] for part in record["parts"]] == [12.5, 12.5]
    assert record["sentence"].startswith("miniature, all: ")


def test_an_error_becomes_a_record_of_one_line() -> None:
    found = finding("miniature", "ChooseAttr", [], ValueError("the first line\nand another"), recorded=False)
    assert found.reason == "ValueError: the first line"
    assert json.dumps(found.to_json(None))


@pytest.mark.parametrize("impostor", [np.float64(1), np.int64(1), float("nan"), np.zeros(2)])
def test_nothing_but_plain_json_leaves_the_bench(impostor: object) -> None:
    if isinstance(impostor, np.float64):
        assert type(plain({"effect": impostor})["effect"]) is float  # a float64 is a float: it comes out as one
    else:
        with pytest.raises((TypeError, ValueError)):
            plain({"effect": impostor})


def test_a_finding_without_evidence_says_its_reason() -> None:
    assert Finding("a", "b", "unsupported", reason="no image").sentence == "a, b: no image"


# ---- in a run

CLAIMS = """
import pytest
from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.evidence import Unsupported

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

@pytest.mark.claim(id="a.beside")
def test_beside(flow):
    assert flow(QUESTION >> LAST).drop().exceeds(flow.beside("llava-1.5-13b")(QUESTION >> LAST).drop())

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


class Ears:
    """Hears the properties that reports carry."""

    def __init__(self) -> None:
        self.heard: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::test_")[2].partition("[")[0]
        self.heard.setdefault(name, {}).update(dict(report.user_properties))


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs CLAIMS on a stand-in, on ChooseAttr alone, and hears what reports hear, by test."""
    stand_in.install(monkeypatch.setattr)
    stand_in.folder(pytester.path / "model")
    pytester.makepyfile(test_claims=CLAIMS)

    def run(*arguments: str, plugins: Sequence[object] = ()) -> tuple[pytest.RunResult, dict[str, dict[str, Any]]]:
        ears = Ears()
        given = ("-p", "fixtures.plugin", "--model", "model", "--questions", "24", "-rA", *arguments)
        tasks = () if "--task" in arguments else ("--task", "ChooseAttr")
        return pytester.runpytest_inprocess(*given, *tasks, plugins=[ears, *plugins]), ears.heard

    return run


def test_each_verdict_has_its_outcome_in_a_run(run: Run) -> None:
    result, heard = run()
    result.assert_outcomes(passed=4, failed=4, skipped=3, errors=1)
    assert {name: said["evidence"]["verdict"] for name, said in heard.items() if "evidence" in said} == {
        "holds": "holds", "set": "holds", "recorded": "recorded", "fails": "fails", "composite": "fails",
        "elsewhere": "unsupported", "beside": "unsupported", "pooled": "unsupported",
        "broken": "error", "silent": "error", "unset": "error",
    }  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_failure_is_one_sentence_that_stands_alone(run: Run) -> None:
    result, heard = run("-k", "fails")
    sentence = heard["fails"]["evidence"]["sentence"]
    assert sentence.startswith("model, ChooseAttr: ")
    assert all(part in sentence for part in ("30.0", ">= 40", "of 8", "24 questions"))
    result.stdout.fnmatch_lines([f"*{sentence[:40]}*"])
    assert "Traceback" not in result.stdout.str()
    assert "def test_fails" not in result.stdout.str()


def test_an_error_keeps_its_traceback(run: Run) -> None:
    result, heard = run("-k", "broken or unset")
    result.stdout.fnmatch_lines(['*raise ValueError("boom")', "E * ValueError: boom"])
    assert heard["broken"]["evidence"]["reason"] == "ValueError: boom"
    assert heard["unset"]["evidence"]["reason"] == "ValueError: no such thing"


def test_a_skip_says_why_and_where_the_test_stands(run: Run) -> None:
    result, _ = run("-k", "elsewhere or beside", "-rs", "--no-fold-skipped")
    result.stdout.fnmatch_lines(
        [
            "SKIPPED*test_claims.py:*the sentence is about llava-1.5-13b",
            "SKIPPED*test_claims.py:*--model llava-1.5-13b",
        ],
    )


def test_what_was_measured_is_told_beside_the_evidence(run: Run) -> None:
    _, heard = run("-k", "holds")
    told = heard["holds"]["measurement"]
    assert (told["model"], told["task"], told["asked"], told["kept"]) == ("model", "ChooseAttr", 24, 24)
    assert set(told) >= {
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
    assert json.loads(json.dumps(heard["holds"])) == heard["holds"]


def test_what_is_drawn_of_a_measurement_travels_once(run: Run) -> None:
    told: list[dict[str, Any]] = []

    class Counting:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            told.extend(cast("Any", said) for name, said in report.user_properties if name == "exhibit")

    run("-k", "holds or fails or composite", plugins=[Counting()])
    (drawn,) = told
    assert (drawn["model"], drawn["task"]) == ("model", "ChooseAttr")
    assert {curve["name"] for curve in drawn["curves"]} >= {"c(image->question)", "P(lowercase)"}
    assert len(drawn["examples"]) == 3
    assert all(example["thumbnail"] for example in drawn["examples"])


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
    chosen = ("--expected", "known.toml", "-k", "fails or holds")
    result, heard = run(*chosen)
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *model, ChooseAttr: *30.0*expected: it is made up"])
    assert heard["fails"]["evidence"]["expected"] == "fails"

    result, heard = run(*chosen, "--questions", "128")
    result.assert_outcomes(failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*no longer departs: expected fails, found holds: update known.toml"])
    assert heard["holds"]["evidence"]["verdict"] == "holds"


def test_red_says_what_fails(run: Run) -> None:
    result, _ = run("-k", "fails or elsewhere or broken", "--red", "unsupported")
    result.assert_outcomes(failed=1, xfailed=2)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a run says while it measures."""
    sentences: list[str] = []
    monkeypatch.setattr(Voice, "__call__", lambda self, sentence: sentences.append(sentence))
    return sentences


def test_a_model_that_fails_its_contract_is_skipped_and_the_run_is_red(
    run: Run, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr("fixtures.contract.check", stand_in.broken_check)
    result, heard = run("-k", "holds or fails")
    result.assert_outcomes(skipped=2)
    assert heard["holds"]["evidence"]["verdict"] == "not calibrated"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines.count("red: model is not calibrated") == 1
    assert said.count("model is not calibrated: liveness: nothing moves") == 1


def test_why_a_model_is_not_calibrated_is_told_in_full_once_and_of_each_claim_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    long = " and ".join(["nothing moves"] * 20)
    broken = stand_in.broken_check("", ())
    monkeypatch.setattr("fixtures.contract.check", lambda *_: replace(broken, checks={"liveness": long}))
    result, heard = run("-k", "holds or fails", "-rs")
    sentence = f"model is not calibrated: liveness: {long}"
    assert said.count(sentence) == 1
    assert long not in result.stdout.str()
    lines = [line for line in result.outlines if "ChooseAttr: model is not calibrated: liveness: nothing" in line]
    assert len(lines) == 2
    assert all(line.endswith(" ...") for line in lines)
    assert heard["holds"]["evidence"]["reason"] == sentence


def test_tasks_are_pooled_for_a_claim_about_all_of_them(run: Run) -> None:
    result, heard = run("-k", "pooled", "--task", "ChooseAttr", "--task", "QueryAttr")
    result.assert_outcomes(passed=1)
    assert heard["pooled"]["evidence"]["task"] == "all"
    assert heard["pooled"]["evidence"]["n"] == 48


def test_a_measurement_that_breaks_is_an_error_of_every_claim_and_tried_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def breaks(*_: object, **__: object) -> None:
        tried.append(1)
        raise RuntimeError("out of memory")

    monkeypatch.setattr("fixtures.measure.measure", breaks)
    result, heard = run("-k", "holds or fails")
    result.assert_outcomes(failed=2)
    assert heard["holds"]["evidence"]["reason"] == heard["fails"]["evidence"]["reason"] == "RuntimeError: out of memory"
    assert len(tried) == 1
    result.stdout.fnmatch_lines(["*raise RuntimeError*"])


LONG = " and ".join(["the weights are damaged in a way that takes many words to tell"] * 5)


@pytest.mark.parametrize(
    ("expression", "outcomes"), [("holds or fails", {"failed": 2}), ("a.set", {"errors": 1})], ids=["call", "setup"]
)
def test_what_is_refused_while_measuring_is_a_line_a_claim_and_said_in_full_once(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    expression: str,
    outcomes: dict[str, int],
) -> None:
    def unavailable(*_: object) -> None:
        raise ModelUnavailable(LONG)

    monkeypatch.setattr(Source, "load", unavailable)
    result, heard = run("-k", expression)
    result.assert_outcomes(**outcomes)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert said.count(LONG) == 1
    for evidence in (each["evidence"] for each in heard.values()):
        assert (evidence["verdict"], evidence["reason"]) == ("error", LONG)
    lines = [line for line in result.outlines if line.startswith("model, ChooseAttr: the weights are damaged")]
    assert len(lines) == len(heard)
    assert all(len(line) <= BRIEF for line in lines)
    assert "registry.py" not in result.stdout.str()
    assert "unavailable" not in result.stdout.str()


def test_what_is_refused_and_not_red_departs_like_any_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise ModelUnavailable(LONG)

    monkeypatch.setattr(Source, "load", unavailable)
    result, _ = run("-k", "holds", "--red", "fails")
    result.assert_outcomes(xfailed=1)


def test_what_speaks_for_itself_is_known_by_names_that_exist() -> None:
    for name in SPEAKING:
        module, _, kind = name.rpartition(".")
        error = getattr(import_module(module), kind)
        assert is_refusal(error("said"))
        assert is_refusal(type("Nearer", (error,), {})("said"))
    for other in (ValueError("no"), None, KeyError()):
        assert not is_refusal(other)


def test_a_sentence_of_all_workers_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workers = [Voice(lambda _: None, tmp_path) for _ in range(2)]
    for worker in workers:
        worker.once("three pictures are missing")
        worker.once("another \ud800")
        worker("of each")
    assert capfd.readouterr().err.splitlines() == [
        "three pictures are missing", "another \\ud800", "of each", "of each"
    ]  # fmt: skip
    Voice(lambda _: None, tmp_path / "gone").once("where nothing can be noted")
    assert "nothing can be noted" in capfd.readouterr().err
