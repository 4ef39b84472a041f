"""A claim proves something by failing where it is false: each fault of the planted circuit is caught, as predicted."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from fixtures.models.planted.faults import FAULTS
from reports.claim import written
from suite.calibration.kill_matrix import PLANTED, SMALL, all_verdicts, failures, named, table

HERE = Path(__file__).parent
CLAIMS = sorted(HERE.parent.glob("test_*.py"))

TIED_TO_A_CHECKPOINT = {"routes.question-to-last-choose-attr"}
"""Asked of one model of the paper alone; `test_register.py` kills it on curves that are made for it."""

WITHOUT_A_BOUND = ("fine.", "parts.", "routes.image-to-suffix")


@cache
def found() -> dict[str, set[str]]:
    return failures(all_verdicts())


def judged() -> set[str]:
    return {claim for claim in written(CLAIMS) or () if not claim.startswith(WITHOUT_A_BOUND)} - TIED_TO_A_CHECKPOINT


def test_the_table_in_the_documentation_is_that_of_the_faults() -> None:
    assert table() in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_claim_is_meant_to_be_killed() -> None:
    assert judged() == {claim for fault in FAULTS.values() for claim in fault.caught_by}


@pytest.mark.parametrize("model", [PLANTED, SMALL])
def test_nothing_fails_where_nothing_is_broken(model: str) -> None:
    assert found()[model] == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_exactly_the_claims_that_it_breaks(fault: str) -> None:
    assert found()[named(fault)] == FAULTS[fault].caught_by
