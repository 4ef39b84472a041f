"""The process that prints a run joins its tests' reports with the selected claims, and writes the ledger."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from reports import hookspec
from reports.claim import REGISTER, paper_order
from reports.collector import INSTRUMENT, Collector
from reports.compare import BadComparison, compare_with_file, parse_limits, read_ledger
from reports.environment import run_environment
from reports.files.exports import text_properties
from reports.files.folder import ReportOptions, why_unwritable, write_report
from reports.files.json_csv import write_whole
from reports.files.markdown import MARKDOWN
from reports.ledger.ledger import Ledger, UnfinishedRecord
from reports.ledger.record import NOT_REACHED, Claim, ClaimReports, Key, Record, task_order, unique
from reports.ledger.strict_json import LedgerError, as_json
from reports.sigterm import SigtermHandler
from reports.text.summary import summary
from reports.text.tables import Paint, register, tally

DEFAULT_FOLDER = Path("reports", "out")
LOG_WIDTH = 120
"""Columns of the output where it is no terminal and COLUMNS is not set: a page of a log shows as many."""

QUIETEST = -2
"""The verbosity at which pytest prints neither header nor totals."""

PLAN_FOLDER = "claims_plan"
"""The key of a worker's input that says where it leaves its plan."""

REFUSED = "refused"
"""The key of a worker's output that says why it runs nothing."""

RUN_AGAIN = "run again, and what was measured is taken up"
"""The advice after a worker was lost."""

PLAN = pytest.StashKey[dict[str, Record]]()
"""The rows of this process's selected tests, by node id."""


class WorkerNode(Protocol):
    """The part of an xdist worker's controller that is used here."""

    workerinput: dict[str, Any]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pytest.hookspec(firstresult=True)(hookspec.pytest_measurements_unfinished)
    pluginmanager.add_hookspecs(hookspec)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reports", "the report of a run")
    group.addoption("--claims", action="store_true", help="print the register of claims and stop")
    group.addoption("--compare", metavar="LEDGER.json", help="say what changed since the run that wrote this ledger")
    group.addoption(
        "--compare-fail",
        default="",
        metavar="LIST",
        help="with --compare: fail where a change is beyond these limits, such as drop:5,verdict",
    )
    group.addoption("--no-figures", action="store_true", help="write no figures, and no page that shows them")
    group.addoption("--model-card", action="store_true", help="write the effects as front matter of a model card")
    group.addoption("--no-images", action="store_true", help="leave the questions' pictures out of the report")
    group.addoption("--report-dir", metavar="DIR", help=f"the folder to write the report to; default: {DEFAULT_FOLDER}")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The register needs no workers, and none of pytest's own lines around it."""
    if config.option.claims:
        config.option.verbose = QUIETEST
        if config.pluginmanager.hasplugin("xdist"):
            config.option.numprocesses, config.option.dist, config.option.distload = 0, "no", False


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "claim(id, section, ...): a sentence of the paper, see reports.claim")
    config.stash[PLAN] = {}
    if not (hasattr(config, "workerinput") or config.option.claims or config.option.collectonly):
        _require_writable(config)
        _require_comparable(config)
        config.pluginmanager.register(Recorder(config), "claims-recorder")


def _require_writable(config: pytest.Config) -> None:
    """Refuse a folder that cannot be written before hours of measuring, not after."""
    chosen: str | None = config.option.report_dir
    if chosen is None:
        return
    if not chosen.strip():
        raise pytest.UsageError("--report-dir is empty: give a folder")
    if why := why_unwritable(config.invocation_params.dir / chosen):
        raise pytest.UsageError(f"--report-dir {chosen} takes no report ({why}): give another folder")


def _require_comparable(config: pytest.Config) -> None:
    """Refuse a ledger or a limit that cannot be read before hours of measuring, not after."""
    ledger, limits = config.option.compare, config.option.compare_fail
    try:
        if limits and ledger is None:
            raise BadComparison("--compare-fail needs a run to compare with: give its ledger with --compare")
        parse_limits(limits)
        if ledger is not None:
            read_ledger(config.invocation_params.dir / ledger)
    except (LedgerError, BadComparison) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_itemcollected(item: pytest.Item) -> None:
    """Attach the claim, model and task to every report of a claim's test."""
    row = _planned(item)
    if row:
        names = ("section", "figure", "sentence", "bound_from", "model", "task")
        item.user_properties.append(("claim", {"id": row.claim, **{name: getattr(row, name) for name in names}}))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """A worker that refuses the run leaves its reason. The process that prints ends the run; xdist would break."""
    try:
        return (yield)
    except pytest.UsageError as error:
        output: dict[str, object] = getattr(session.config, "workeroutput", {})
        output[REFUSED] = str(error)
        raise


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the rows of the selected tests; a worker leaves them in a file for the process that prints."""
    rows = {item.nodeid: row for item in session.items if (row := _planned(item))}
    models = unique(row.model for row in rows.values())
    claims = [entry.id for entry in paper_order()]

    def order(node: str) -> tuple[int, int, tuple[bool, str]]:
        row = rows[node]
        return claims.index(row.claim), models.index(row.model), task_order(row.task)

    plan = session.config.stash[PLAN] = {node: rows[node] for node in sorted(rows, key=order)}
    worker: Mapping[str, Any] = getattr(session.config, "workerinput", {})
    if PLAN_FOLDER in worker:
        text = json.dumps([[node, as_json(row)] for node, row in plan.items()])
        write_whole(Path(worker[PLAN_FOLDER], f"{worker['workerid']}.json"), text)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With `--claims`, print the register and stop; refuse where a file could not be collected."""
    if not session.config.option.claims:
        return None
    if session.testsfailed:
        raise session.Interrupted("no register: a file could not be collected")
    selected = {claim.id for item in session.items if (claim := _claim(item))}
    claims = [entry for entry in paper_order() if entry.id in selected]
    width, paint = _page(session.config)
    session.config.get_terminal_writer().line(register(claims, width, paint) if claims else "no claim is selected")
    return True


def _claim(item: pytest.Item) -> Claim | None:
    marker = item.get_closest_marker("claim")
    if marker is None:
        return None
    if marker.kwargs.get("id") not in REGISTER:
        raise pytest.UsageError(f"{item.nodeid} is marked a claim by hand: decorate it with reports.claim.claim")
    return REGISTER[marker.kwargs["id"]]


def _planned(item: pytest.Item) -> Record | None:
    """The row of *item*; None where it tests no claim, or a claim that no selected model and task is asked."""
    claim = _claim(item)
    parameters: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    if claim is None:
        return None
    match parameters.get("flow"):
        case (str(model), str(task)) | object(model=str(model), task=str(task)):
            pass
        case _:
            return None
    return Record(
        claim=claim.id,
        section=claim.section,
        figure=claim.figure,
        sentence=claim.sentence,
        bound_from=claim.bound_from,
        model=model,
        task=task,
        verdict="not run",
        statistic=claim.statistic,
        reason=NOT_REACHED,
        absence=claim.absence,
    )


def _page(config: pytest.Config) -> tuple[int, Paint]:
    """The width of the output in columns, and what paints it."""
    writer = config.get_terminal_writer()
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    is_page = "COLUMNS" in os.environ or getattr(terminal, "isatty", False)

    def paint(text: str, markup: Sequence[str]) -> str:
        return writer.markup(text, **dict.fromkeys(markup, True))

    return writer.fullwidth if is_page else LOG_WIDTH, paint


class Recorder:
    """Takes every report of a run, then writes and prints the ledger."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started, self.clock = datetime.now(UTC), time.perf_counter()
        self.plans: Path | None = None
        self.sigterm = SigtermHandler()
        self.reports: dict[Key, ClaimReports] = {}
        self.lost: dict[str, str] = {}
        self.uncollected: set[str] = set()
        self.collector = Collector()
        self.ledger: Ledger | None = None
        self.details = ""
        self.is_printed = False
        self.messages: list[str] = []
        self.compared: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        self.sigterm.begin()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerNode) -> None:
        if self.plans is None:
            self.plans = Path(tempfile.mkdtemp(prefix="claims-plan-"))
        node.workerinput[PLAN_FOLDER] = str(self.plans)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerNode) -> None:
        if reason := getattr(node, "workeroutput", {}).get(REFUSED):
            raise pytest.UsageError(reason)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.uncollected.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        for exhibit in _values(report, "exhibit"):
            self.collector.exhibit(exhibit)
        measurements = [self.collector.measurement(value) for value in _values(report, "measurement")]
        if report.failed and INSTRUMENT in properties:
            self.collector.broken.add(report.nodeid)
        if "claim" not in properties:
            # A worker that crashed loses the properties of its test; only the node id is left.
            if report.failed:
                self.lost[report.nodeid] = f"{_reason(report)}: {RUN_AGAIN}"
            return
        claim = cast("dict[str, str]", properties["claim"])
        key = claim["id"], claim["model"], claim["task"]
        reports = ClaimReports() if report.when == "setup" else self.reports.get(key, ClaimReports())
        read = {measured.task for measured in measurements if measured and measured.model == claim["model"]}
        reports = replace(
            reports,
            seconds=reports.seconds + report.duration,
            evidence=properties.get("evidence"),
            read=reports.read | read,
        )
        if report.failed and report.when == "teardown":
            reports = replace(reports, notes=(f"teardown failed: {_reason(report)}",))
        elif report.failed:
            reports = replace(reports, failure=_reason(report))
        elif report.skipped:
            reports = replace(reports, skipped=_reason(report))
        self.reports[key] = replace(reports, called=reports.called or report.when == "call")
        if report.when == "teardown":
            # Plugins that take the report after this one, such as the writer of JUnit's files, take only text.
            own = {"claim", "evidence", "measurement"}
            others = [(name, value) for name, value in report.user_properties if name not in own]
            report.user_properties = [*text_properties(claim, properties.get("evidence")), *others]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """The files are written before anything is printed; the count of verdicts is the very last line."""
        self.sigterm.settle()
        planned = {} if session.exitstatus == pytest.ExitCode.USAGE_ERROR else self._plan()
        if planned:
            environment = run_environment(
                self.config.invocation_params.args, self.started, time.perf_counter() - self.clock
            )
            ledger = self.collector.ledger(environment, planned, self.reports)
            self.ledger = replace(ledger, unfinished=self._unfinished(ledger))
            self._write(self.ledger, session)
        result = yield
        terminal: pytest.TerminalReporter | None = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.ledger and terminal:
            if not self.is_printed:  # pytest has no summary after an internal error
                self._print(self.ledger, terminal)
            missing = f"; {len(self.uncollected)} not collected" if self.uncollected else ""
            terminal.write_line(tally(self.ledger.records) + missing)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        result = yield
        if self.ledger:
            self._print(self.ledger, terminalreporter)
        return result

    def pytest_unconfigure(self) -> None:
        self.sigterm.end()
        if self.plans:
            shutil.rmtree(self.plans, ignore_errors=True)

    def _plan(self) -> dict[Key, Record]:
        """A row for every selected test, collected here or by the workers, as if none had run."""
        rows = dict(self.config.stash[PLAN])
        for plan in sorted(self.plans.glob("*.json")) if self.plans else ():
            rows.update({node: Record.from_json(row) for node, row in json.loads(plan.read_text("utf-8"))})
        return {row.key: replace(row, reason=self.lost.get(node, row.reason)) for node, row in rows.items()}

    def _unfinished(self, ledger: Ledger) -> tuple[UnfinishedRecord, ...]:
        """How far measuring came for the claims that were not run, asked of the plugins by a hook."""
        missing = [(record.model, record.task) for record in ledger.records if record.verdict == "not run"]
        if not missing:
            return ()
        cells = list(dict.fromkeys(missing))
        answers = self.config.hook.pytest_measurements_unfinished(config=self.config, cells=cells)
        return self.collector.unfinished(answers or ())

    def _write(self, ledger: Ledger, session: pytest.Session) -> None:
        """Write the files; where that fails, keep a message and make a green run red."""
        base, chosen = self.config.invocation_params.dir, self.config.option.report_dir
        folder = base / chosen if chosen else self.config.rootpath / DEFAULT_FOLDER
        option = self.config.option
        self._compare(ledger, session)
        options = ReportOptions(figures=not option.no_figures, card=option.model_card)
        relative = folder.relative_to(base) if folder.is_relative_to(base) else folder
        try:
            sentences = write_report(ledger, folder, options, os.environ)
        except OSError as error:
            self.messages.append(f"no report in {folder} ({error.strerror or error}): give another --report-dir")
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        else:
            self.details = str(relative / MARKDOWN)
            self.messages += [sentence.replace(str(folder), str(relative)) for sentence in sentences]

    def _compare(self, ledger: Ledger, session: pytest.Session) -> None:
        """Compare with the ledger that `--compare` names; beyond its limits, make a green run red."""
        option = self.config.option
        if option.compare is not None:
            try:
                before = self.config.invocation_params.dir / option.compare
                self.compared, beyond = compare_with_file(ledger, before, option.compare_fail)
            except (LedgerError, BadComparison) as error:
                self.compared, beyond = [f"not compared: {error}"], bool(option.compare_fail)
            if beyond and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _print(self, ledger: Ledger, terminal: pytest.TerminalReporter) -> None:
        width, paint = _page(self.config)
        messages = [*self.collector.messages, *self.messages]
        text = summary(ledger, width, paint, full=self.details, compared=self.compared, messages=messages)
        terminal.write_sep("=", "claims")
        terminal.write_line(text)
        self.is_printed = True


def _values(report: pytest.TestReport, name: str) -> list[object]:
    """The values of all properties of *report* that have this *name*."""
    return [value for key, value in report.user_properties if key == name]


def _reason(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, on one line."""
    text = report.longrepr
    if isinstance(text, tuple):
        return text[2].removeprefix("Skipped: ")
    crash = getattr(text, "reprcrash", None)
    return " ".join(str(crash.message.partition("\n")[0] if crash else text).split())
