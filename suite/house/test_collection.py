"""Asking for help, for the register or for a list of tests imports nothing heavy and measures nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ["torch", "transformers", "datasets", "scipy", "matplotlib", "pandas", "pyarrow"]

PROBE = """
import json, sys, pytest
status = pytest.main({arguments!r})
print(json.dumps(dict(status=int(status), heavy=[name for name in {heavy!r} if name in sys.modules])))
"""


@pytest.mark.parametrize("arguments", [["suite/", "--collect-only", "-q"], ["--claims"], ["--help"]], ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    probe = PROBE.format(arguments=[*arguments, "-p", "no:cacheprovider"], heavy=HEAVY)
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
    listed = [line for line in ran.stdout.splitlines() if "::" in line]
    assert listed
    assert not [line for line in listed if "suite/house" in line or "suite/calibration" in line]
