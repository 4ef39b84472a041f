"""A project of four claims on models that need no measuring, and a run of it."""

from collections.abc import Callable
from typing import Any

import pytest

from suite.support.repository import ROOT

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
    cell, properties = request.param, request.node.user_properties
    properties.append(("measurement", dict(model="sibling", task="LogicalObj", asked=9, kept=9, set_aside={})))
    for task in ("QueryAttr", "ChooseAttr") if cell.task == "all" else (cell.task,):
        properties.append(("measurement", dict(
            model=cell.model, task=task, asked=128, kept=120, set_aside={"wrong answer": 7, "no picture": 1},
            seconds=1.0, fingerprint="f00d", revision="c0ffee", layers=14, width=3, dtype="float32", device="cpu",
            engine="fast", versions={},
        )))
        drop = dict(name="c(image->question)", kind="knockout", unit="points", n=120)
        properties.append(("exhibit", dict(
            model=cell.model, task=task, examples=[dict(id="1", text="Is it?", answer="yes", said="Yes")],
            curves=[dict(drop, mean=[-50.0] * 14, low=[-60.0] * 14, high=[-40.0] * 14)],
            missed=[dict(id="2", text="Is it not?", answer="yes", said="No")],
        )))
    def find(verdict):
        properties.append(("evidence", dict(
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


def writer(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Write:
    """A function that writes a project of four claims, the last with *body*, and what pytest needs to run it."""

    def write(body: str = 'flow("recorded")', columns: int = 120) -> None:
        pytester.makeconftest(BENCH)
        pytester.makepyfile(test_a_routes=ROUTES, test_b_stages=STAGES.format(body=body))
        pytester.makepyfile(test_c_house="def test_house(): pass")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    return write


def runner(pytester: pytest.Pytester, write: Write) -> Run:
    """A function that writes the project and runs pytest on it in another process."""

    def start(*arguments: str, **project: Any) -> pytest.RunResult:
        write(**project)
        return pytester.runpytest_subprocess(*OPTIONS, *arguments)

    return start
