"""A report lies where it was asked for and is compared as asked; what cannot be is said before anything runs."""

import re
import resource
from xml.etree import ElementTree

import pytest

from suite.support.runs.four_claims import CODES, Run, runner, writer


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(pytester, writer(pytester, monkeypatch))


def busy() -> float:
    """Seconds that processors worked for finished children: what else the machine does counts for nothing."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


# ---- where it is written


def test_a_folder_that_cannot_be_written_is_said_and_the_run_is_red(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        breaking="""
        from pathlib import Path

        def pytest_collection_finish(session):
            Path("out").write_text("a file where the folder would be")
        """
    )
    result = run("-p", "breaking", "-k", "test_first")
    assert result.ret == CODES["failed"]
    result.stdout.fnmatch_lines(["   b-model*holds*holds*", "no report in *out (*): give another --report-dir"])
    assert result.outlines[-1] == "claims: 4 holds"


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("taken/out", "--report-dir taken/out takes no report (*): give another folder"),
        ("", "--report-dir is empty: *"),
    ],
)
def test_a_chosen_folder_that_cannot_be_written_ends_the_run_before_it_begins(
    folder: str, sentence: str, run: Run, pytester: pytest.Pytester
) -> None:
    (pytester.path / "taken").write_text("a file")
    result = run(f"--report-dir={folder}", "-k", "test_first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])
    result.stdout.no_fnmatch_line("*holds*")


def test_junit_takes_the_claims_numbers_and_no_more(run: Run, pytester: pytest.Pytester) -> None:
    run("-k", "test_first", "-n", "2", "--junit-xml=junit.xml")
    cases = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    properties = [{entry.attrib["name"]: entry.attrib["value"] for entry in case.iter("property")} for case in cases]
    assert len(properties) == 4
    assert {entry["verdict"] for entry in properties} == {"holds"}
    assert {entry["effect"] for entry in properties} == {"57.5"}
    assert not [entry for entry in properties if {"measurement", "evidence"} & set(entry)]


def test_a_run_without_claims_prints_and_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    result = run("test_c_house.py")
    assert result.ret == CODES["passed"]
    assert not re.search("= claims =|claims: |no claim", result.stdout.str())
    assert not (pytester.path / "out").exists()


def test_collecting_alone_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    assert run("--collect-only", "-q").ret == CODES["passed"]
    assert not (pytester.path / "out").exists()


# ---- what it is compared with


def test_a_run_is_compared_with_an_earlier_one(run: Run, pytester: pytest.Pytester) -> None:
    assert run("-k", "test_last").ret == CODES["passed"]
    (pytester.path / "out" / "ledger.json").rename(pytester.path / "before.json")
    options = ("-k", "test_last", "--compare", "before.json", "--compare-fail")
    same = run(*options, "verdict,drop:5", "-n", "2")
    assert same.ret == CODES["passed"]
    same.stdout.fnmatch_lines(["compared: 4 claims, 0 verdicts turned, 0 effects surely moved"])
    other_verdicts = run(*options, "verdict", body='flow("holds")')
    assert other_verdicts.ret == CODES["failed"]
    other_verdicts.stdout.fnmatch_lines(["! stages.last, b-model, ChooseAttr: recorded -> holds"])
    assert run(*options, "drop:5", body='flow("holds")').ret == CODES["passed"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--compare", "none.json"), "*none.json cannot be read*"),
        (("--compare-fail", "drop:5"), "*--compare-fail needs a run to compare with*"),
        (("--compare-fail", "speed:5", "--compare", "none.json"), "*speed:5: no such limit; known are*"),
    ],
)
def test_a_comparison_that_cannot_be_made_ends_the_run_before_it_begins(
    options: tuple[str, ...], sentence: str, run: Run
) -> None:
    result = run(*options)
    assert result.ret == CODES["usage"]
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])


# ---- the register


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
@pytest.mark.parametrize("columns", [80, 120])
def test_the_register_is_printed_and_nothing_runs(
    run: Run, pytester: pytest.Pytester, workers: list[str], columns: int
) -> None:
    before = busy()
    result = run("--claims", *workers, body="import os; os._exit(7)", columns=columns)
    assert busy() - before < 2
    assert result.ret == CODES["passed"]
    ids = [line.split()[0] for line in result.outlines if line.startswith(("routes.", "stages."))]
    assert ids == ["routes.first", "routes.one-model", "routes.no-model", "stages.pooled", "stages.last"]
    output = result.stdout.str()
    for text in ("§5, figure 3", "The question speaks to", "drop", ">= 40 (paper)"):
        assert text in output
    assert "passed" not in output
    assert not (pytester.path / "out").exists()


def test_the_register_is_of_what_is_selected(run: Run) -> None:
    assert [line for line in run("--claims", "-k", "test_last").outlines if "." in line][-1].startswith("stages.last")
    assert "no claim is selected" in run("--claims", "test_c_house.py").stdout.str()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_claim_marked_by_hand_is_refused(run: Run, pytester: pytest.Pytester, workers: str) -> None:
    pytester.makepyfile(test_d_hand="import pytest\n@pytest.mark.claim(id='a.b')\ndef test_it(): pass")
    result = run("-n", workers)
    assert result.ret == CODES["usage"]
    result.stderr.fnmatch_lines(["ERROR: test_d_hand.py::test_it is marked a claim by hand: decorate it with *"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert not (pytester.path / "out").exists(), "a ledger of an earlier run stays"
