"""README is short and true: every command that it shows is run, here or by `.ci/run`."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from suite.support.repository import ROOT

README = (ROOT / "README.md").read_text()
MOST_LINES = 120
"""Short: what does not fit on three screens belongs in the README of its folder."""

SET_UP_BY_CI = re.findall(r"^```bash\n(python3 -m venv .*)\n```$", README, flags=re.MULTILINE)
FENCED = re.findall(r"^```bash\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
OTHERS = [
    line
    for block in FENCED
    for line in block.splitlines()
    if line and not line.startswith("#") and line not in SET_UP_BY_CI
]


def test_two_commands_do_all_their_own_set_up() -> None:
    assert len(SET_UP_BY_CI) == 2
    assert [command.split("pytest ", 1)[1].split(" -n")[0] for command in SET_UP_BY_CI] == [
        "suite/",
        "suite/house suite/calibration",
    ]


def test_ci_reads_both_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for command in SET_UP_BY_CI:
        heading = README[: README.index(command)].rsplit("\n## ", 1)[1].splitlines()[0]
        assert f'"{heading}"' in script


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves in `reports/out`, here of some claims on one task."""
    folder = tmp_path_factory.mktemp("reported")
    words = ["suite/test_routes_to_last.py", "--task", "ChooseAttr", "--questions", "32", "--no-figures"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--report-dir", str(folder), "-p", "no:cacheprovider"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return folder


@pytest.mark.parametrize("command", OTHERS)
def test_every_other_command_runs(command: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    command = command.partition("#")[0]
    if "reports/out" in command:
        command = command.replace("reports/out", str(request.getfixturevalue("reported")))
    words = shlex.split(command)
    assert words[0] in ("pytest", "python")
    options = ["--report-dir", str(tmp_path / "out"), "-p", "no:cacheprovider"]
    run = ["-m", *words, *options] if words[0] == "pytest" else words[1:]
    ran = subprocess.run([sys.executable, *run], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_the_command_for_a_model_of_ones_own_is_understood(tmp_path: Path) -> None:
    commands = re.findall(r"^pytest suite/ --model llava-1.5-7b.*$", README, flags=re.MULTILINE)
    world = ROOT / "fixtures" / "tasks" / "world"
    words = shlex.split(commands[0].replace("GQA_DIR", str(world)).replace("images.zip", str(world / "images.zip")))
    ran = subprocess.run(
        [sys.executable, "-m", *words, "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "llava-1.5-7b-ChooseAttr" in ran.stdout


def test_the_lines_of_python_run() -> None:
    (lines,) = re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    ran = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
