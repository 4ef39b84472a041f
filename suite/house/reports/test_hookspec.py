"""Every hook of the project says what it is for, and the example in its docstring works."""

import inspect
import json
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from reports import hookspec
from suite.support.runs.four_claims import Run, runner, writer

HOOKS = {name: hook for name, hook in vars(hookspec).items() if name.startswith("pytest_")}


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(pytester, writer(pytester, monkeypatch))


def example(hook: Callable[..., Any]) -> str:
    (code,) = re.findall(r"```\n(.*?)```", inspect.getdoc(hook) or "", re.DOTALL)
    return textwrap.dedent(code)


def test_every_hook_is_registered_with_its_specification(pytestconfig: pytest.Config) -> None:
    assert HOOKS
    for name, hook in HOOKS.items():
        caller: Any = getattr(pytestconfig.hook, name)
        assert caller.spec.function is hook


def test_the_example_of_unfinished_measurements_fills_the_ledger(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(measuring=example(hookspec.pytest_measurements_unfinished))
    run("-p", "measuring", "-k", "test_last", body="raise KeyboardInterrupt")
    unfinished = json.loads((pytester.path / "out" / "ledger.json").read_text())["unfinished"]
    assert {(entry["measured"], entry["asked"]) for entry in unfinished} == {(40, 128)}
