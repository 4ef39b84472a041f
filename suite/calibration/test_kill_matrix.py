"""A claim proves something by failing where it is false: each fault of the planted circuit is caught, as predicted."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fixtures.models.planted.faults import FAULTS
from reports.claim import written
from suite.calibration.kill_matrix import PLANTED, SMALL, all_verdicts, claims_that, named, table

HERE = Path(__file__).parent
CLAIMS = sorted(HERE.parent.glob("test_*.py"))

TIED_TO_A_CHECKPOINT = {"routes.question-to-last-choose-attr"}
"""Asked of one model of the paper alone; `test_register.py` kills it on curves that are made for it."""

WITHOUT_A_BOUND = ("fine.", "parts.", "routes.image-to-suffix")


OF_THE_PICTURE = ("stages.", "regions.", "routes.direct-image-path", "answer.follows-integration")
"""Claims that cannot be true of a model which reads nothing of it."""


@cache
def found(verdict: str = "fails") -> dict[str, set[str]]:
    return claims_that(verdict, records())


@cache
def records() -> list[dict[str, Any]]:
    return all_verdicts()


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


def test_nothing_holds_of_random_weights() -> None:
    assert not found("holds")[named("random")]


def test_nothing_about_the_picture_holds_of_a_model_that_does_not_see_it() -> None:
    held = found("holds")[named("blind")]
    assert not [claim for claim in held if claim.startswith(OF_THE_PICTURE)]
    assert held, "the last position reads the question, and that is so"


def test_all_that_is_judged_of_the_planted_model_holds() -> None:
    assert judged() <= found("holds")[PLANTED]
