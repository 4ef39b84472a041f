"""Intervals cover the truth as often as they say, and verdicts at a bound are wrong as seldom, as was counted."""

from __future__ import annotations

import re
from math import sqrt
from pathlib import Path

import pytest

from fixtures.tasks import TASKS
from reports.claim import REGISTER
from suite.calibration.coverage import COUNTED, SAMPLES, Count, count, counted, main, table
from suite.support.curves.at_bound import ROWS
from suite.support.curves.claim_cases import claims
from suite.support.repository import SUITE

HERE = SUITE / "calibration"

TOLD_BY_ANOTHER = {"robustness.every-window-tells-the-same"}
"""It reads the statistic of `robustness.last-sub-word-agrees`, fourteen times over."""

COUNTED_AGAIN = ("routes.question-to-last-is-significant", "stages.early-drop", "answer.lowercase-fades")
AGAIN = 150
FAR = 4
"""Standard errors of the second count; one in ten thousand goes so far by chance."""


def near(count: int, of: int, rate: float) -> bool:
    spread = sqrt(max(rate * (1 - rate), 1 / of) / of)
    return abs(count / of - rate) <= FAR * spread


def test_every_claim_that_has_a_bound_is_tried_on_it() -> None:
    claims()
    bound = {entry.id for entry in REGISTER.values() if not set(TASKS) <= set(entry.recorded)}
    assert {row.claim for row in ROWS} == bound - TOLD_BY_ANOTHER


def test_the_table_in_the_documentation_is_what_was_counted() -> None:
    assert table(counted()) in (HERE / "README.md").read_text(encoding="utf-8")
    assert {each.samples for each in counted()} == {SAMPLES}


def test_the_documentation_names_every_row_that_is_not_counted() -> None:
    done = {(each.claim, each.part) for each in counted()}
    documentation = (HERE / "README.md").read_text(encoding="utf-8").split("Not counted yet", 1)[1].split("\n\n", 1)[0]
    assert {row.claim for row in ROWS if (row.claim, row.part) not in done} == set(
        re.findall(r"`([^`]+)`", documentation)
    )


def test_a_part_is_counted_beside_what_was_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = COUNTED.read_bytes()
    chosen = ["--claim", "lowercase-fades", "--samples", "3", "--questions", "64", "--workers", "1"]
    main(chosen)
    assert capsys.readouterr().out.splitlines()[-1].startswith("| answer.lowercase-fades | ")
    assert COUNTED.read_bytes() == before
    main([*chosen, "--out", str(tmp_path / "some.json")])
    assert '"samples": 3' in (tmp_path / "some.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (["--claim", "nobody"], "no row has --claim nobody: known are setup.accuracy, "),
        (["--samples", "0"], "--samples, --questions and --workers are 1 or more"),
        (["--claim", "fades", "--samples", "1", "--out", "/dev/null/x.json"], "cannot be written (Not a directory)"),
    ],
)
def test_what_cannot_be_counted_is_said_at_once(wrong: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("claim", COUNTED_AGAIN)
def test_a_second_count_agrees_with_the_first(claim: str) -> None:
    (place,) = [place for place, row in enumerate(ROWS) if row.claim == claim]
    first: Count = next(each for each in counted() if each.claim == claim and each.questions == 64)
    again = count(place, 64, AGAIN)
    assert near(again.covered, again.read, first.covered / first.read)
    assert near(again.wrongly_held, AGAIN, first.wrongly_held / first.samples)
    assert near(again.wrongly_failed, AGAIN, first.wrongly_failed / first.samples)
