"""Printing the help, the register or a list of tests imports nothing heavy and measures nothing."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]

from fixtures.plugin.scheduling import pytest_xdist_make_scheduler
from suite.support.repository import HEAVY, ROOT

PROBE = """
import json, sys, pytest
status = pytest.main({arguments!r})
print(json.dumps(dict(status=int(status), heavy=[name for name in {heavy!r} if name in sys.modules])))
"""


@pytest.mark.parametrize("arguments", [["suite/", "--collect-only", "-q"], ["--claims"], ["--help"]], ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    probe = PROBE.format(arguments=[*arguments, "-p", "no:cacheprovider"], heavy=sorted(HEAVY))
    ran = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert json.loads(ran.stdout.splitlines()[-1]) == {"status": 0, "heavy": []}, ran.stdout + ran.stderr


def test_pytest_on_the_suite_collects_claims_alone() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "suite/", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line for line in ran.stdout.splitlines() if "::" in line]
    assert names
    assert not [line for line in names if "suite/house" in line or "suite/calibration" in line]


def test_what_is_named_next_to_the_claims_is_collected_and_instruments_come_first() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "suite/",
         "suite/calibration/statistics/test_interval.py", "suite/house/reports/test_holm.py",
         "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = list(dict.fromkeys(line.partition("::")[0] for line in ran.stdout.splitlines() if "::" in line))
    claims = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "suite").glob("test_*.py"))
    assert files[0] == "suite/calibration/statistics/test_interval.py"
    assert sorted(files[1:]) == sorted(["suite/house/reports/test_holm.py", *claims])


@pytest.mark.parametrize(
    ("dist", "arguments", "scheduling"),
    [("load", (), "WorkStealingScheduling"), ("load", ("--dist", "load"), None), ("each", (), None)],
)
def test_workers_share_what_is_left_unless_the_run_says_how(
    request: pytest.FixtureRequest, dist: str, arguments: tuple[str, ...], scheduling: str | None
) -> None:
    assert request.config.pluginmanager.hasplugin("fixtures.plugin.scheduling")
    options = {"dist": dist, "maxschedchunk": None, "tx": ["2*popen"], "numprocesses": 2}
    config: Any = SimpleNamespace(
        getoption=options.get, getvalue=options.get, option=SimpleNamespace(**options),
        invocation_params=SimpleNamespace(args=arguments),
    )  # fmt: skip
    scheduler = pytest_xdist_make_scheduler(config, Producer("test"))
    assert (type(scheduler).__name__ if scheduler else None) == scheduling
