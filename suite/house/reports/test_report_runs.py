"""Whatever becomes of a run, its ledger has a row for every claim, model and task that was selected."""

import json
import signal
import sys
import time
from typing import Any

import pytest

from suite.support.runs.four_claims import CODES, OPTIONS, Run, Write, runner, writer


@pytest.fixture
def write(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Write:
    return writer(pytester, monkeypatch)


@pytest.fixture
def run(pytester: pytest.Pytester, write: Write) -> Run:
    return runner(pytester, write)


def ledger(pytester: pytest.Pytester) -> dict[str, Any]:
    return json.loads((pytester.path / "out" / "ledger.json").read_text())


def verdicts_of(pytester: pytest.Pytester) -> dict[tuple[str, str, str], str]:
    return {(row["claim"], row["model"], row["task"]): row["verdict"] for row in ledger(pytester)["records"]}


EXPECTED = {
    ("routes.first", "b-model", "ChooseAttr"): "holds",
    ("routes.first", "b-model", "ChooseCat"): "holds",
    ("routes.first", "a-model", "ChooseAttr"): "holds",
    ("routes.first", "a-model", "ChooseCat"): "holds",
    ("routes.one-model", "b-model", "ChooseAttr"): "inconclusive",
    ("routes.one-model", "b-model", "ChooseCat"): "inconclusive",
    ("stages.pooled", "b-model", "ChooseAttr"): "fails",
    ("stages.pooled", "b-model", "all"): "holds",
    ("stages.pooled", "a-model", "ChooseAttr"): "fails",
    ("stages.pooled", "a-model", "all"): "holds",
    ("stages.last", "b-model", "ChooseAttr"): "recorded",
    ("stages.last", "b-model", "ChooseCat"): "recorded",
    ("stages.last", "a-model", "ChooseAttr"): "recorded",
    ("stages.last", "a-model", "ChooseCat"): "recorded",
}

# ---- runs that end


def test_however_many_workers_the_ledger_is_the_same(run: Run, pytester: pytest.Pytester) -> None:
    ledgers: list[dict[str, Any]] = []
    for workers in ("0", "2", "4"):
        assert run("-n", workers).ret == CODES["failed"]
        assert verdicts_of(pytester) == EXPECTED
        assert list(verdicts_of(pytester)) == list(EXPECTED), "in the register's order"
        ledgers.append(ledger(pytester))
    for each in ledgers:
        assert all(row.pop("seconds") >= 0 for row in each["records"])
        each.pop("environment")
    assert ledgers[0] == ledgers[1] == ledgers[2]
    assert [model["name"] for model in ledgers[0]["models"]] == ["b-model", "a-model", "sibling"]
    assert ledgers[0]["models"][0]["fingerprint"] == "f00d"
    assert ledgers[0]["models"][0]["revision"] == "c0ffee"
    assert [(row["model"], row["task"]) for row in ledgers[0]["curves"]] == [
        (model, task) for model in ("b-model", "a-model") for task in ("ChooseAttr", "ChooseCat", "QueryAttr")
    ]
    assert [(row["id"], row["kept"]) for row in ledgers[0]["examples"]] == [("1", True), ("2", False)] * 6
    assert [(row["model"], row["task"]) for row in ledgers[0]["measurements"]] == [
        *((model, task) for model in ("b-model", "a-model") for task in ("ChooseAttr", "ChooseCat", "QueryAttr")),
        ("sibling", "LogicalObj"),
    ]


def test_the_run_ends_with_the_table_and_the_count(run: Run, pytester: pytest.Pytester) -> None:
    result = run()
    result.stdout.fnmatch_lines(
        [
            "*= claims =*",
            "*Attr*Cat*all*",
            "routes",
            " first",
            "   b-model*holds*holds*",
            "   a-model*holds*holds*",
            " one-model",
            "   b-model*inconcl.*inconcl.*",
            "stages",
            " pooled",
            "   b-model*fails*holds*",
            "stages.pooled: The image speaks early.",
            "  fails     b-model ChooseAttr  57.5 [[]52.0, 63.0] points, claimed >= 40; n 120",
            "b-model ChooseAttr: 8 of 128 set aside: 7 wrong answer, 1 no picture",
            "b-model QueryAttr: 8 of 128 set aside: 7 wrong answer, 1 no picture",
            "a-model ChooseCat: 8 of 128 set aside: 7 wrong answer, 1 no picture",
            "sibling: no question set aside on any task",
            "written in out: ledger.json, claims.md, claims.csv, claims.tex",
            "*2 failed*",
        ]
    )
    assert result.outlines[-1] == "claims: 6 holds, 2 fails, 2 inconclusive, 4 recorded"
    assert {path.name for path in (pytester.path / "out").iterdir()} == {
        "ledger.json",
        "claims.md",
        "claims.csv",
        "claims.tex",
    }
    environment = ledger(pytester)["environment"]
    assert environment["packages"]["pytest"] == pytest.__version__
    assert environment["command"].endswith("--report-dir=out --no-figures")


def test_a_record_of_few_tasks_is_marked_in_the_ledger(run: Run, pytester: pytest.Pytester) -> None:
    result = run("-k", "test_pooled or test_first", "-n", "2")
    for row in ledger(pytester)["records"]:
        pooled = row["task"] == "all"
        assert row["tasks"] == (["ChooseAttr", "QueryAttr"] if pooled else [])
        assert row["notes"] == (["over 2 of the paper's 6 tasks: ChooseAttr, QueryAttr"] if pooled else [])
    result.stdout.fnmatch_lines(["all: over 2 of the paper's 6 tasks: ChooseAttr, QueryAttr"])


def test_deselected_claims_are_no_rows(run: Run, pytester: pytest.Pytester) -> None:
    result = run("-k", "test_one_model and ChooseCat")
    assert verdicts_of(pytester) == {("routes.one-model", "b-model", "ChooseCat"): "inconclusive"}
    assert result.outlines[-1] == "claims: 1 inconclusive; no claim holds in this run"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_where_a_check_of_the_instruments_fails_no_claim_has_a_verdict(
    run: Run, pytester: pytest.Pytester, workers: str
) -> None:
    pytester.makepyfile(
        test_checks='def test_one(record_property): record_property("instrument", "test_one"); assert False'
    )
    result = run("-n", workers)
    assert result.ret == CODES["failed"]
    assert verdicts_of(pytester) == dict.fromkeys(EXPECTED, "not calibrated")
    rows = ledger(pytester)["records"]
    assert {row["reason"] for row in rows} == {"a check of the instruments failed: test_checks.py::test_one"}
    assert {row["effect"] for row in rows} == {None}
    assert result.outlines[-1] == "claims: 14 not calibrated; no claim holds in this run"


# ---- runs that are cut short


def test_a_crashed_worker_loses_its_own_row_alone(run: Run, pytester: pytest.Pytester) -> None:
    result = run("-n", "2", body='import os; flow.cell.task == "ChooseCat" and os._exit(1); flow("recorded")')
    assert result.ret != 0
    lost = {key for key in EXPECTED if key[0] == "stages.last" and key[2] == "ChooseCat"}
    assert verdicts_of(pytester) == {key: "not run" if key in lost else verdict for key, verdict in EXPECTED.items()}
    reasons = [row["reason"] for row in ledger(pytester)["records"] if row["verdict"] == "not run"]
    assert all("crashed while running" in reason and "test_last" in reason for reason in reasons)
    assert all(reason.endswith(": run again, and what was measured is taken up") for reason in reasons)
    result.stdout.fnmatch_lines(["*not run*", "not run: 1 (stages.last * ChooseCat), worker 'gw*' crashed while*"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_stops_early_has_every_row(run: Run, pytester: pytest.Pytester, workers: str) -> None:
    result = run("-x", "-n", workers)
    assert result.ret in (CODES["failed"], CODES["interrupted"])
    verdicts = verdicts_of(pytester)
    assert verdicts.keys() == EXPECTED.keys()
    assert "not run" in verdicts.values()
    assert all(verdict in ("not run", EXPECTED[key]) for key, verdict in verdicts.items())


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupted_run_has_every_row(run: Run, pytester: pytest.Pytester, workers: str) -> None:
    result = run("-n", workers, body="raise KeyboardInterrupt")
    assert result.ret == CODES["interrupted"]
    verdicts = verdicts_of(pytester)
    assert verdicts.keys() == EXPECTED.keys()
    assert {verdicts[key] for key in verdicts if key[0] == "stages.last"} == {"not run"}
    assert all(verdict in ("not run", EXPECTED[key]) for key, verdict in verdicts.items())
    assert result.outlines[-1].startswith("claims: ")


UNTIL_IT_IS_WRITTEN = """
    import pathlib, signal, time
    pathlib.Path("started").write_text(str(signal.getsignal(signal.SIGTERM)))
    for _ in range(600):
        if pathlib.Path("out", "ledger.json").exists():
            break
        time.sleep(0.1)
"""
"""A claim that waits for the ledger which is written before it has ended."""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_is_asked_to_end_has_every_row(write: Write, pytester: pytest.Pytester, workers: str) -> None:
    write(UNTIL_IT_IS_WRITTEN)
    with (pytester.path / "said").open("w") as output:
        process = pytester.popen(
            [sys.executable, "-m", "pytest", *OPTIONS, "-n", workers], stdout=output, stderr=output
        )
        while not (sign := pytester.path / "started").exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=60) == CODES["interrupted"]
    verdicts = verdicts_of(pytester)
    assert verdicts.keys() == EXPECTED.keys()
    assert {verdicts[key] for key in verdicts if key[0] == "stages.last"} == {"not run"}
    assert all(verdict in ("not run", EXPECTED[key]) for key, verdict in verdicts.items())
    text = (pytester.path / "said").read_text()
    assert "SIGTERM: the run was asked to end" in text
    assert text.splitlines()[-1].startswith("claims: ")
    if workers != "0":
        assert sign.read_text() == str(signal.SIG_DFL), "a worker dies of it"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_was_cut_short_says_how_far_measuring_came(
    run: Run, pytester: pytest.Pytester, workers: str
) -> None:
    pytester.makepyfile(
        measuring="""
        def pytest_measurements_unfinished(config, cells):
            heard = dict(measured=40, asked=128), dict(measured=0, asked=None)
            return [dict(model=model, task=task, **heard[task == "ChooseCat"]) for model, task in cells]
        """
    )
    whole = run("-p", "measuring", "-n", workers)
    assert ledger(pytester)["unfinished"] == []
    whole.stdout.no_fnmatch_line("*measured when the run ended*")
    body = "raise KeyboardInterrupt"
    result = run("-p", "measuring", "-n", workers, "-k", "test_last", body=body)
    unfinished, measurements = ledger(pytester)["unfinished"], ledger(pytester)["measurements"]
    missing, complete = ({(row["model"], row["task"]) for row in part} for part in (unfinished, measurements))
    assert missing == {(model, task) for _, model, task in verdicts_of(pytester)} - complete
    assert ("a-model", "ChooseAttr") in missing
    assert all((row["measured"], row["asked"]) == (40, 128) for row in unfinished if row["task"] == "ChooseAttr")
    result.stdout.fnmatch_lines(["measured when the run ended: *-model ChooseAttr 40 of 128 questions*"])


# ---- what is broken


def test_an_internal_error_leaves_a_ledger(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        breaking="""
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            if "test_last" in item.name:
                raise RuntimeError("broken from within")
        """
    )
    result = run("-p", "breaking")
    assert result.ret == CODES["internal"]
    verdicts = verdicts_of(pytester)
    assert verdicts.keys() == EXPECTED.keys()
    assert "not run" in verdicts.values()
    result.stdout.fnmatch_lines(["*= claims =*", "*not run*", "written in out: *", "claims: *not run*"])


def test_a_broken_test_is_an_error_and_no_refutation(run: Run, pytester: pytest.Pytester) -> None:
    assert run("-k", "test_last", body="raise ValueError('boom')").ret == CODES["failed"]
    for row in ledger(pytester)["records"]:
        assert (row["verdict"], row["reason"]) == ("error", "ValueError: boom")


def test_a_broken_fixture_is_an_error(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        breaking="""
        import pytest
        @pytest.fixture(autouse=True)
        def weights(request):
            if request.node.get_closest_marker("claim"):
                raise MemoryError("no room for the weights")
        """
    )
    assert run("-p", "breaking", "-n", "2").ret == CODES["failed"]
    assert set(verdicts_of(pytester).values()) == {"error"}
    assert {row["reason"] for row in ledger(pytester)["records"]} == {"MemoryError: no room for the weights"}


def test_a_file_that_cannot_be_collected_is_no_silent_gap(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_d_broken="import nothing_of_this_name")
    assert run("--claims").ret == CODES["interrupted"]
    result = run("--continue-on-collection-errors")
    assert result.outlines[-1].endswith("; 1 not collected")
    assert verdicts_of(pytester) == EXPECTED
