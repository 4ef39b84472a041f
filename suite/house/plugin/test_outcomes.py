"""A verdict, an expectation, --red and the sample decide how a test ends, and the ledger records all of them."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest

from fixtures.bench.bench import NotCalibrated
from fixtures.plugin.expectations import Departure
from fixtures.plugin.finding import Finding, finding, plain
from fixtures.plugin.outcomes import MAY_BE_RED, Kind, outcome
from fixtures.statistics.evidence import Evidence, Inconclusive, Unsupported, Verdict

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
    ("verdicts", "error", "recorded", "verdict"),
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
    verdicts: list[Verdict], error: Exception | None, recorded: bool, verdict: Verdict
) -> None:
    result = finding("miniature", "ChooseAttr", [evidence(each) for each in verdicts], error, recorded)
    assert result.verdict == verdict
    assert result.sentence.startswith("miniature, ChooseAttr: ")
    assert (result.evidence is not None) == bool(verdicts and verdict != "error")


def test_a_finding_becomes_the_record_that_reports_read() -> None:
    parts = evidence("holds") & evidence("holds", "peak of P(lowercase)")
    record = finding("miniature", "all", [parts], None, is_recorded=False).to_json(departure("fails"))
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
    result = finding("miniature", "ChooseAttr", [], ValueError("the first line\nand another"), is_recorded=False)
    assert result.reason == "ValueError: the first line"
    assert json.dumps(result.to_json(None))


@pytest.mark.parametrize("impostor", [np.float64(1), np.int64(1), float("nan"), np.zeros(2)])
def test_nothing_but_plain_json_leaves_the_bench(impostor: object) -> None:
    if isinstance(impostor, np.float64):
        assert type(plain({"effect": impostor})["effect"]) is float  # a float64 is a float: it comes out as one
    else:
        with pytest.raises((TypeError, ValueError)):
            plain({"effect": impostor})


def test_a_finding_without_evidence_says_its_reason() -> None:
    assert Finding("a", "b", "unsupported", reason="no image").sentence == "a, b: no image"
