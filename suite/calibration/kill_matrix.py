"""Runs the suite on each fault of the planted model to see which claims fail on it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.models.planted import VARIANTS
from fixtures.models.planted.faults import FAULTS
from fixtures.tasks import TASKS
from suite.support.repository import ROOT

PLANTED, SMALL = "planted", "planted:small"

ASKED = 26
"""Questions per task: the fewest with which every claim except the accuracy is decided."""

ONE_TASK = ("ChooseAttr",)
"""The task for most faults, which show on any; it has options, an answer of two sub-words and a large second stage."""

BETWEEN_TASKS = ("scattered", "equal-second-stage")
"""Faults that show only on all six tasks together."""

OF_ACCURACY = ("mistaken",)
"""Faults that are run on 128 questions, because a verdict on accuracy needs them."""

WITHOUT_A_PICTURE = ("blind", "random")
"""Faults that leave at most half of the answers right, so they are run on twice as many questions."""

OF_WINDOWS = ("in-waves",)
"""Faults tried in windows of other widths, one sweep each; other faults move far more than a window does."""

WINDOWS = "robustness.every-window"
JUDGED = "not fine. and not parts. and not image-to-suffix"
"""The claims that have a verdict, as an expression for -k."""


@dataclass(frozen=True)
class Run:
    """One run of the suite, with *models* on *tasks*."""

    models: tuple[str, ...]
    tasks: Sequence[str]
    questions: int = ASKED
    claims: str = f"{JUDGED} and not {WINDOWS}"

    def verdicts(self, out: Path) -> list[dict[str, Any]]:
        """The records of the run's ledger."""
        named = [part for option, names in (("--model", self.models), ("--task", self.tasks)) for name in names
                 for part in (option, name)]  # fmt: skip
        command = [
            sys.executable, "-m", "pytest", "suite/", *named, "--questions", str(self.questions), "-n", "2", "-q",
            "--measured", str(ASKED),
            "-p", "no:cacheprovider", "--device", "cpu", "--dtype", "float32", "--red", "error",
            "--report-dir", str(out), "--no-figures", "-k", self.claims,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        ledger = out / "ledger.json"
        if done.returncode or not ledger.is_file():
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-3000:]}{done.stderr}")
        return json.loads(ledger.read_text(encoding="utf-8"))["records"]


def named(fault: str) -> str:
    return f"{PLANTED}:{fault}"


def runs() -> tuple[Run, ...]:
    elsewhere = (*BETWEEN_TASKS, *WITHOUT_A_PICTURE)
    others = tuple(named(each) for each in FAULTS if each not in elsewhere)
    return (
        Run((PLANTED, SMALL, *map(named, BETWEEN_TASKS)), TASKS),
        Run((SMALL, *others), ONE_TASK),
        Run((SMALL, *map(named, WITHOUT_A_PICTURE)), ONE_TASK, 2 * ASKED),
        Run((PLANTED, *map(named, OF_WINDOWS)), ONE_TASK, claims=WINDOWS),
        Run((PLANTED, *map(named, (*OF_ACCURACY, *WITHOUT_A_PICTURE))), ONE_TASK, 128, "setup."),
    )


def claims_that(verdict: str, records: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """The claims with this *verdict* on any task, by model."""
    claims: dict[str, set[str]] = {PLANTED: set(), **{named(each): set() for each in VARIANTS if each}}
    for record in records:
        if record["verdict"] == verdict:
            claims[record["model"]].add(record["claim"])
    return claims


def all_verdicts() -> list[dict[str, Any]]:
    """The records of all `runs`."""
    with tempfile.TemporaryDirectory() as folder:
        return [each for number, run in enumerate(runs()) for each in run.verdicts(Path(folder) / str(number))]


def table() -> str:
    """The faults with the claims that catch them, in Markdown."""
    rows = [f"| `{name}` | {fault.sentence} | {', '.join(sorted(fault.caught_by))} |" for name, fault in FAULTS.items()]
    return "\n".join(["| planted:... | what is different | caught by |", "|---|---|---|", *rows])


def main() -> None:
    for model, claims in claims_that("fails", all_verdicts()).items():
        print(model, *sorted(claims))


if __name__ == "__main__":
    main()
