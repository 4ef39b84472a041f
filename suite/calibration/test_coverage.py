"""Intervals cover the truth as often as they say, and verdicts at a bound are wrong as seldom, as was counted."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import pytest

from fixtures.tasks import TASKS
from reports.claim import REGISTER
from suite.calibration.at_bound import ROWS
from suite.calibration.coverage import SAMPLES, Count, count, counted, table
from suite.calibration.drawn import claims

HERE = Path(__file__).parent

TOLD_BY_ANOTHER = {"robustness.every-window-tells-the-same"}
"""It reads the statistic of `robustness.last-sub-word-agrees`, fourteen times over."""

COUNTED_AGAIN = ("routes.image-to-last-is-not-significant", "stages.second-is-smaller", "answer.lowercase-fades")
AGAIN = 150
FAR = 4
"""Standard errors of the second count; one in ten thousand goes so far by chance."""


def near(found: int, of: int, rate: float) -> bool:
    spread = sqrt(max(rate * (1 - rate), 1 / of) / of)
    return abs(found / of - rate) <= FAR * spread


def test_every_claim_that_has_a_bound_is_tried_on_it() -> None:
    claims()
    bound = {entry.id for entry in REGISTER.values() if not set(TASKS) <= set(entry.recorded)}
    assert {row.claim for row in ROWS} == bound - TOLD_BY_ANOTHER


def test_the_table_in_the_documentation_is_what_was_counted() -> None:
    assert table(counted()) in (HERE / "README.md").read_text(encoding="utf-8")
    assert {each.samples for each in counted()} == {SAMPLES}


@pytest.mark.parametrize("claim", COUNTED_AGAIN)
def test_a_second_count_agrees_with_the_first(claim: str) -> None:
    (place,) = [place for place, row in enumerate(ROWS) if row.claim == claim]
    first: Count = next(each for each in counted() if each.claim == claim and each.questions == 64)
    again = count(place, 64, AGAIN)
    assert near(again.covered, again.read, first.covered / first.read)
    assert near(again.wrongly_held, AGAIN, first.wrongly_held / first.samples)
    assert near(again.wrongly_failed, AGAIN, first.wrongly_failed / first.samples)
