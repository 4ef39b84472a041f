"""Records say what they were given, refuse what they cannot say, and take their verdict from their test."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.files import json_csv
from reports.ledger.ledger import Ledger, UnfinishedRecord
from reports.ledger.record import TASKS_OF_THE_PAPER, ClaimReports, Record, conclude
from reports.ledger.strict_json import LedgerError, as_json
from suite.support.runs.ledgers import MEASURED, OVER_TWO, PATIENT, PLANNED, SET_ASIDE, TASKS, ledger, record, whole


def test_a_ledger_reads_back_as_it_was_written() -> None:
    original = ledger(MEASURED, record(task="all", verdict="not run"), measurements=(SET_ASIDE,))
    assert Ledger.from_json(json.loads(json_csv.ledger_json(original))) == original


def test_a_record_in_json_has_the_promised_fields() -> None:
    names = """claim section figure sentence model task verdict statistic expected expected_because effect low high
    bound parts bound_from n unit layers seconds reason notes twin p p_holm questions_needed tasks draws pairing
    readings absence"""
    assert list(as_json(MEASURED)) == names.split()


@PATIENT
@given(st.floats(), st.floats(), st.dictionaries(st.text(), st.floats() | st.lists(st.floats())))
def test_the_ledger_is_strict_json_whatever_was_measured(low: float, high: float, part: dict[str, Any]) -> None:
    text = json_csv.ledger_json(ledger(replace(MEASURED, low=low, high=high, parts=(part,))))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (result,) = json.loads(text, parse_constant=refuse)["records"]
    assert result["low"] == (low if math.isfinite(low) else None)
    assert result["high"] == (high if math.isfinite(high) else None)


@pytest.mark.parametrize("schema", [None, 0, 2, "1"])
def test_a_ledger_of_another_schema_is_refused(schema: object) -> None:
    other = {**as_json(ledger(MEASURED)), "schema": schema}
    with pytest.raises(LedgerError, match=r"schema version .* run the claims again"):
        Ledger.from_json(other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict", "perhaps"),
        ("effect", "57"),
        ("effect", True),
        ("n", 1.5),
        ("layers", [0, "1"]),
        ("parts", ["a"]),
        ("reason", 3),
        ("notes", 3),
        ("task", ""),
        ("model", None),
    ],
)
def test_a_field_of_another_type_is_named(field: str, value: object) -> None:
    with pytest.raises(LedgerError, match=field):
        Record.from_json({**as_json(MEASURED), field: value})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"effect": "57"},
            "effect of a record (stages.early-drop, miniature, ChooseAttr) should be a number, not '57'",
        ),
        ({"claim": None}, "claim of a record (miniature, ChooseAttr) should be a name, not None"),
        ({"layers": 3}, "layers of a record (stages.early-drop, miniature, ChooseAttr) should be a list, not 3"),
        ({"readings": [{"curve": ""}]}, "curve of a reading should be a name, not ''"),
    ],
)
def test_a_message_says_what_is_wrong_and_where(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(LedgerError) as error:
        Record.from_json({**as_json(MEASURED), **changes})
    assert str(error.value) == sentence


def test_a_field_that_is_absent_is_empty() -> None:
    names = ("claim", "model", "task", "verdict")
    bare = Record.from_json({name: getattr(MEASURED, name) for name in names})
    assert (bare.sentence, bare.figure, bare.effect, bare.layers) == ("", None, None, ())


def test_a_full_ledger_is_the_same_in_json_after_it_was_read() -> None:
    """Key by key and value by value, in the order of the fields."""
    full = replace(
        whole(),
        unfinished=(UnfinishedRecord(model="miniature", task="QueryAttr", measured=3),),
        measurements=(replace(SET_ASIDE, left_out={"image->options": {"no option found": 1}}, noise_most=0.25),),
    )
    text = json_csv.ledger_json(full)
    assert json_csv.ledger_json(Ledger.from_json(json.loads(text))) == text
    assert Ledger.from_json(json.loads(text)) == Ledger.from_json(as_json(full))


# --- from what was heard to verdicts

EVIDENCE = {
    "verdict": "holds",
    "effect": 57.25,
    "low": 52.0,
    "high": 62.5,
    "bound": ">= 40",
    "n": 117,
    "layers": [2],
}


def test_evidence_fills_a_row_and_nothing_else_of_it() -> None:
    result = conclude(
        PLANNED, ClaimReports(evidence={**EVIDENCE, "sentence": "another", "task": "all"}, called=True, seconds=2)
    )
    same = replace(PLANNED, verdict="holds", effect=57.25, low=52.0, high=62.5, bound=">= 40", n=117, layers=(2,))
    assert result == replace(same, seconds=2.0, reason="")


@pytest.mark.parametrize(
    ("reports", "verdict", "reason"),
    [
        (ClaimReports(), "not run", "the run ended"),
        (ClaimReports(seconds=1.0), "not run", "the run ended"),
        (ClaimReports(evidence=EVIDENCE), "not run", "the run ended"),
        (ClaimReports(failure="ValueError: boom"), "error", "boom"),
        (ClaimReports(skipped="no picture"), "not run", "no picture"),
        (ClaimReports(called=True), "error", "no evidence"),
        (ClaimReports(evidence={"verdict": "perhaps"}, called=True), "error", "perhaps"),
        (ClaimReports(evidence=EVIDENCE, failure="KeyError: 1", called=True), "error", "KeyError"),
        (
            ClaimReports(evidence={**EVIDENCE, "verdict": "fails"}, failure="the claim fails", called=True),
            "fails",
            "",
        ),
        (ClaimReports(evidence={**EVIDENCE, "expected": "fails"}, failure="no longer", called=True), "holds", ""),
        (
            ClaimReports(evidence={**EVIDENCE, "verdict": "inconclusive", "reason": "too few"}, called=True),
            "inconclusive",
            "too few",
        ),
    ],
)
def test_what_a_test_did_becomes_a_verdict(reports: ClaimReports, verdict: str, reason: str) -> None:
    result = conclude(PLANNED, reports)
    assert result.verdict == verdict
    assert reason in result.reason


def test_a_failed_teardown_is_noted_next_to_the_verdict() -> None:
    result = conclude(PLANNED, ClaimReports(evidence=EVIDENCE, notes=("teardown failed: OSError",), called=True))
    assert (result.verdict, result.notes) == ("holds", ("teardown failed: OSError",))


@pytest.mark.parametrize(
    ("read", "tasks", "notes"),
    [
        (TASKS, TASKS[:-1], ()),
        (TASKS[:-1], TASKS[:-1], ()),
        (("QueryAttr", "ChooseAttr"), ("ChooseAttr", "QueryAttr"), (OVER_TWO,)),
        ((), (), ()),
    ],
)
def test_a_record_of_all_tasks_says_which_it_is_over(
    read: tuple[str, ...], tasks: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    reports = ClaimReports(evidence={**EVIDENCE, "notes": ["a note"]}, called=True, read=frozenset(read))
    pooled = conclude(replace(PLANNED, task="all"), reports)
    assert (pooled.tasks, pooled.notes) == (tasks, (*notes, "a note"))
    assert Record.from_json(json.loads(json.dumps(as_json(pooled)))) == pooled
    single = conclude(PLANNED, reports)
    assert (single.tasks, single.notes) == ((), ("a note",))


def test_the_paper_has_the_tasks_that_the_bench_has() -> None:
    from fixtures import tasks

    assert len(tasks.TASKS) == TASKS_OF_THE_PAPER
    assert (*tasks.TASKS, "all") == TASKS
