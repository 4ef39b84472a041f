"""Whatever becomes of a run, its ledger has a row for every claim, model and task that was selected."""

import json
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
CODES = {"passed": 0, "failed": 1, "interrupted": 2, "internal": 3, "usage": 4, "empty": 5}

BENCH = """
from dataclasses import dataclass
import pytest

pytest_plugins = ["reports.plugin"]

@dataclass(frozen=True)
class Cell:
    model: str
    task: str

def pytest_generate_tests(metafunc):
    if "flow" in metafunc.fixturenames:
        claim = metafunc.definition.get_closest_marker("claim").kwargs
        cells = [
            Cell(model, task)
            for model in ("b-model", "a-model")
            for task in claim["tasks"] or ("ChooseCat", "ChooseAttr")
            if claim["models"] is None or model in claim["models"]
        ]
        names = [f"{cell.model}-{cell.task}" for cell in cells]
        metafunc.parametrize("flow", cells, indirect=True, ids=names)

@pytest.fixture
def flow(request):
    cell, said = request.param, request.node.user_properties
    said.append(("measurement", dict(model="beside", task="LogicalObj", asked=9, kept=9, set_aside={})))
    for task in ("QueryAttr", "ChooseAttr") if cell.task == "all" else (cell.task,):
        said.append(("measurement", dict(
            model=cell.model, task=task, asked=128, kept=120, set_aside={"wrong answer": 7, "no picture": 1},
            seconds=1.0, fingerprint="f00d", revision="c0ffee", layers=14, width=3, dtype="float32", device="cpu",
            engine="fast", versions={},
        )))
        drop = dict(name="c(image->question)", kind="knockout", unit="points", n=120)
        said.append(("exhibit", dict(
            model=cell.model, task=task, examples=[dict(id="1", text="Is it?", answer="yes", said="Yes")],
            curves=[dict(drop, mean=[-50.0] * 14, low=[-60.0] * 14, high=[-40.0] * 14)],
            missed=[dict(id="2", text="Is it not?", answer="yes", said="No")],
        )))
    def find(verdict):
        said.append(("evidence", dict(
            model=cell.model, task=cell.task, verdict=verdict, expected=None, effect=57.5, low=52.0,
            high=63.0, bound=">= 40", parts=[], n=120, unit="points", layers=[0, 1], reason="",
            sentence="57.5 points", notes=[], twin=55.0, questions_needed=None,
        )))
        if verdict == "fails":
            pytest.fail("57.5 points", pytrace=False)
        if verdict == "inconclusive":
            pytest.skip("57.5 points")
    find.cell = cell
    return find
"""

ROUTES = '''
from reports.claim import claim

@claim("routes.first", section="5", figure="3", bound_from="paper", statistic="drop", bound=">= 40")
def test_first(flow):
    """The question speaks to the last position."""
    flow("holds")

@claim("routes.one-model", section="5", models=("b-model",))
def test_one_model(flow):
    """In one model it is clear."""
    flow("inconclusive")

@claim("routes.no-model", section="5", models=("nobody",))
def test_no_model(flow):
    """In no model that is here it is tested."""
    flow("holds")
'''

STAGES = '''
from reports.claim import claim

@claim("stages.pooled", section="5", figure="4", bound_from="card", tasks=("ChooseAttr", "all"))
def test_pooled(flow):
    """The image speaks early."""
    flow("holds" if flow.cell.task == "all" else "fails")

@claim("stages.last", section="6")
def test_last(flow):
    """It ends."""
    {body}
'''

OPTIONS = ("-p", "xdist", "--report-dir=out", "--no-figures")

Write = Callable[..., None]
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def write(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a project of four claims, the last with *body*, and what pytest needs to run it."""

    def write(body: str = 'flow("recorded")', columns: int = 120) -> None:
        pytester.makeconftest(BENCH)
        pytester.makepyfile(test_a_routes=ROUTES, test_b_stages=STAGES.format(body=body))
        pytester.makepyfile(test_c_house="def test_house(): pass")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    return write


@pytest.fixture
def run(pytester: pytest.Pytester, write: Write) -> Run:
    """Write the project and run pytest on it in a process of its own."""

    def start(*arguments: str, **project: Any) -> pytest.RunResult:
        write(**project)
        return pytester.runpytest_subprocess(*OPTIONS, *arguments)

    return start


def busy() -> float:
    """Seconds that processors worked for finished children: what else the machine does counts for nothing."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ledger(pytester: pytest.Pytester) -> dict[str, Any]:
    return json.loads((pytester.path / "out" / "ledger.json").read_text())


def found(pytester: pytest.Pytester) -> dict[tuple[str, str, str], str]:
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


def test_however_many_workers_the_ledger_is_the_same(run: Run, pytester: pytest.Pytester) -> None:
    ledgers: list[dict[str, Any]] = []
    for workers in ("0", "2", "4"):
        assert run("-n", workers).ret == CODES["failed"]
        assert found(pytester) == EXPECTED
        assert list(found(pytester)) == list(EXPECTED), "in the register's order"
        ledgers.append(ledger(pytester))
    for each in ledgers:
        assert all(row.pop("seconds") >= 0 for row in each["records"])
        each.pop("environment")
    assert ledgers[0] == ledgers[1] == ledgers[2]
    assert [model["name"] for model in ledgers[0]["models"]] == ["b-model", "a-model", "beside"]
    assert ledgers[0]["models"][0]["fingerprint"] == "f00d"
    assert ledgers[0]["models"][0]["revision"] == "c0ffee"
    assert [(row["model"], row["task"]) for row in ledgers[0]["curves"]] == [
        (model, task) for model in ("b-model", "a-model") for task in ("ChooseAttr", "ChooseCat", "QueryAttr")
    ]
    assert [(row["id"], row["kept"]) for row in ledgers[0]["examples"]] == [("1", True), ("2", False)] * 6
    assert [(row["model"], row["task"]) for row in ledgers[0]["measurements"]] == [
        *((model, task) for model in ("b-model", "a-model") for task in ("ChooseAttr", "ChooseCat", "QueryAttr")),
        ("beside", "LogicalObj"),
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
            "beside: no question set aside on any task",
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
    assert found(pytester) == {("routes.one-model", "b-model", "ChooseCat"): "inconclusive"}
    assert result.outlines[-1] == "claims: 1 inconclusive; no claim holds in this run"


def test_a_crashed_worker_loses_its_own_row_alone(run: Run, pytester: pytest.Pytester) -> None:
    result = run("-n", "2", body='import os; flow.cell.task == "ChooseCat" and os._exit(1); flow("recorded")')
    assert result.ret != 0
    lost = {key for key in EXPECTED if key[0] == "stages.last" and key[2] == "ChooseCat"}
    assert found(pytester) == {key: "not run" if key in lost else verdict for key, verdict in EXPECTED.items()}
    reasons = [row["reason"] for row in ledger(pytester)["records"] if row["verdict"] == "not run"]
    assert all("crashed while running" in reason and "test_last" in reason for reason in reasons)
    result.stdout.fnmatch_lines(["*not run*", "not run: 1 (stages.last * ChooseCat), worker 'gw*' crashed while*"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_stops_early_has_every_row(run: Run, pytester: pytest.Pytester, workers: str) -> None:
    result = run("-x", "-n", workers)
    assert result.ret in (CODES["failed"], CODES["interrupted"])
    verdicts = found(pytester)
    assert verdicts.keys() == EXPECTED.keys()
    assert "not run" in verdicts.values()
    assert all(verdict in ("not run", EXPECTED[key]) for key, verdict in verdicts.items())


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupted_run_has_every_row(run: Run, pytester: pytest.Pytester, workers: str) -> None:
    result = run("-n", workers, body="raise KeyboardInterrupt")
    assert result.ret == CODES["interrupted"]
    verdicts = found(pytester)
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
    with (pytester.path / "said").open("w") as said:
        asked = pytester.popen([sys.executable, "-m", "pytest", *OPTIONS, "-n", workers], stdout=said, stderr=said)
        while not (started := pytester.path / "started").exists():
            assert asked.poll() is None
            time.sleep(0.1)
        asked.terminate()
        assert asked.wait(timeout=60) == CODES["interrupted"]
    verdicts = found(pytester)
    assert verdicts.keys() == EXPECTED.keys()
    assert {verdicts[key] for key in verdicts if key[0] == "stages.last"} == {"not run"}
    assert all(verdict in ("not run", EXPECTED[key]) for key, verdict in verdicts.items())
    text = (pytester.path / "said").read_text()
    assert "SIGTERM: the run was asked to end" in text
    assert text.splitlines()[-1].startswith("claims: ")
    if workers != "0":
        assert started.read_text() == str(signal.SIG_DFL), "a worker dies of it"


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
    told, heard = ledger(pytester)["unfinished"], ledger(pytester)["measurements"]
    missing, measured = ({(each["model"], each["task"]) for each in part} for part in (told, heard))
    assert missing == {(model, task) for _, model, task in found(pytester)} - measured
    assert ("a-model", "ChooseAttr") in missing
    assert all((each["measured"], each["asked"]) == (40, 128) for each in told if each["task"] == "ChooseAttr")
    result.stdout.fnmatch_lines(["measured when the run ended: *-model ChooseAttr 40 of 128 questions*"])


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
    verdicts = found(pytester)
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
    assert set(found(pytester).values()) == {"error"}
    assert {row["reason"] for row in ledger(pytester)["records"]} == {"MemoryError: no room for the weights"}


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
    ("given", "said"),
    [
        ("taken/out", "--report-dir taken/out takes no report (*): give another folder"),
        ("", "--report-dir is empty: *"),
    ],
)
def test_a_chosen_folder_that_cannot_be_written_ends_the_run_before_it_begins(
    given: str, said: str, run: Run, pytester: pytest.Pytester
) -> None:
    (pytester.path / "taken").write_text("a file")
    result = run(f"--report-dir={given}", "-k", "test_first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    result.stdout.no_fnmatch_line("*holds*")


def test_a_run_is_compared_with_an_earlier_one(run: Run, pytester: pytest.Pytester) -> None:
    assert run("-k", "test_last").ret == CODES["passed"]
    (pytester.path / "out" / "ledger.json").rename(pytester.path / "before.json")
    options = ("-k", "test_last", "--compare", "before.json", "--compare-fail")
    same = run(*options, "verdict,drop:5", "-n", "2")
    assert same.ret == CODES["passed"]
    same.stdout.fnmatch_lines(["compared: 4 claims, 0 verdicts turned, 0 effects surely moved"])
    turned = run(*options, "verdict", body='flow("holds")')
    assert turned.ret == CODES["failed"]
    turned.stdout.fnmatch_lines(["! stages.last, b-model, ChooseAttr: recorded -> holds"])
    assert run(*options, "drop:5", body='flow("holds")').ret == CODES["passed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--compare", "none.json"), "*none.json cannot be read*"),
        (("--compare-fail", "drop:5"), "*--compare-fail needs a run to compare with*"),
        (("--compare-fail", "speed:5", "--compare", "none.json"), "*speed:5: no such limit; known are*"),
    ],
)
def test_a_comparison_that_cannot_be_made_ends_the_run_before_it_begins(
    options: tuple[str, ...], said: str, run: Run
) -> None:
    result = run(*options)
    assert result.ret == CODES["usage"]
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


def test_junit_takes_the_claims_numbers_and_no_more(run: Run, pytester: pytest.Pytester) -> None:
    run("-k", "test_first", "-n", "2", "--junit-xml=junit.xml")
    cases = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    told = [{each.attrib["name"]: each.attrib["value"] for each in case.iter("property")} for case in cases]
    assert len(told) == 4
    assert {each["verdict"] for each in told} == {"holds"}
    assert {each["effect"] for each in told} == {"57.5"}
    assert not [each for each in told if {"measurement", "evidence"} & set(each)]


def test_a_run_without_claims_prints_and_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    result = run("test_c_house.py")
    assert result.ret == CODES["passed"]
    assert not re.search("= claims =|claims: |no claim", result.stdout.str())
    assert not (pytester.path / "out").exists()


def test_collecting_alone_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    assert run("--collect-only", "-q").ret == CODES["passed"]
    assert not (pytester.path / "out").exists()


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
    said = result.stdout.str()
    for text in ("§5, figure 3", "The question speaks to", "drop", ">= 40 (paper)"):
        assert text in said
    assert "passed" not in said
    assert not (pytester.path / "out").exists()


def test_the_register_is_of_what_is_selected(run: Run) -> None:
    assert [line for line in run("--claims", "-k", "test_last").outlines if "." in line][-1].startswith("stages.last")
    assert "no claim is selected" in run("--claims", "test_c_house.py").stdout.str()


def test_a_file_that_cannot_be_collected_is_no_silent_gap(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_d_broken="import nothing_of_this_name")
    assert run("--claims").ret == CODES["interrupted"]
    result = run("--continue-on-collection-errors")
    assert result.outlines[-1].endswith("; 1 not collected")
    assert found(pytester) == EXPECTED


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_claim_marked_by_hand_is_refused(run: Run, pytester: pytest.Pytester, workers: str) -> None:
    pytester.makepyfile(test_d_hand="import pytest\n@pytest.mark.claim(id='a.b')\ndef test_it(): pass")
    result = run("-n", workers)
    assert result.ret == CODES["usage"]
    result.stderr.fnmatch_lines(["ERROR: test_d_hand.py::test_it is marked a claim by hand: decorate it with *"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert not (pytester.path / "out").exists(), "a ledger of an earlier run stays"
