"""Runs a claim's own test on synthetic measurements and returns its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from fixtures.model_flow import POOLED, Flow, MeasurementSource, PooledFlow
from fixtures.statistics.evidence import Evidence, Inconclusive, Unsupported, journal
from fixtures.tasks import TASKS
from reports.claim import REGISTER
from suite.support.curves.paper_model import Model
from suite.support.repository import SUITE

NAME = "llava-1.5-13b"
"""A model on which every claim is tested, and which has a smaller sibling."""


@cache
def claims() -> Mapping[str, Callable[[Any], None]]:
    """The test of every claim, by its id."""
    modules = [import_module(f"suite.{path.stem}") for path in sorted(SUITE.glob("test_*.py"))]
    tests = [test for module in modules for name, test in vars(module).items() if name.startswith("test_")]
    marked = {mark.kwargs["id"]: test for test in tests for mark in getattr(test, "pytestmark", ())}
    assert marked.keys() == REGISTER.keys() & marked.keys()
    return marked


def cases() -> list[tuple[str, str]]:
    """The claims, each with the first task on which it has a verdict."""
    claims()
    candidates = [
        (entry, next((t for t in entry.tasks or TASKS if t not in entry.recorded), "")) for entry in REGISTER.values()
    ]
    return [(entry.id, task) for entry, task in candidates if task]


def evidence(model: Model, claim: str, task: str) -> Evidence:
    """The evidence that the claim's own test asserts on *model*; `Unsupported` if the model lacks what it needs."""
    return evidence_on(model.measured, NAME, claim, task)


def evidence_on(source: MeasurementSource, name: str, claim: str, task: str) -> Evidence:
    """The evidence that the claim's own test asserts on the model *name*, whose measurements *source* gives."""
    flow = PooledFlow(claim, name, TASKS, source) if task == POOLED else Flow(claim, name, task, source)
    asserted: list[Evidence] = []
    token = journal.set(asserted)
    try:
        claims()[claim](flow)
    except AssertionError:
        assert asserted[-1].verdict == "fails"
    except Inconclusive:
        if not asserted:
            raise
        assert asserted[-1].verdict == "inconclusive"
    finally:
        journal.reset(token)
    return asserted[-1]


def verdict(model: Model, claim: str, task: str) -> str:
    """The verdict of the claim's own test on *model*."""
    return verdict_on(model.measured, NAME, claim, task)


def verdict_on(source: MeasurementSource, name: str, claim: str, task: str) -> str:
    """The verdict of the claim's own test on the model *name*."""
    try:
        return evidence_on(source, name, claim, task).verdict
    except Unsupported:
        return "unsupported"
    except Inconclusive:  # no question was answered correctly, so nothing was asserted
        return "inconclusive"
