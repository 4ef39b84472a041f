"""Each claim holds where its sentence is true and fails where it is false, at every depth and without a doubt."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from fixtures.statistics.resampling import Resampling, resampling
from fixtures.tasks import TASKS
from reports.claim import REGISTER
from suite.calibration.claims.truth.answers import ANSWERS
from suite.calibration.claims.truth.case import Case
from suite.calibration.claims.truth.regions import REGIONS
from suite.calibration.claims.truth.routes import ROUTES
from suite.calibration.claims.truth.stages import STAGES
from suite.support.curves.claim_cases import NAME, claims, evidence_on

RESAMPLES = 300
"""Fewer than a verdict takes; noise decides nothing here."""

LEAST_TRUE, LEAST_FALSE = 3, 5
TABLE = {**ROUTES, **STAGES, **REGIONS, **ANSWERS}
LINES = [
    pytest.param(claim, case, depth, id=f"{claim}-{'true' if case.is_true else 'false'}-{case.why}-{depth}")
    for claim, cases in TABLE.items()
    for case in cases
    for depth in case.depths
]


def fewer(images: list[str], seed: int) -> Resampling:
    return resampling(images, seed, RESAMPLES)


def test_every_claim_that_has_a_bound_is_in_the_table() -> None:
    claims()
    assert set(TABLE) == {entry.id for entry in REGISTER.values() if not set(TASKS) <= set(entry.recorded)}
    for claim, cases in TABLE.items():
        assert sum(case.is_true for case in cases) >= LEAST_TRUE, claim
        assert sum(not case.is_true for case in cases) >= LEAST_FALSE, claim


@pytest.mark.parametrize(("claim", "case", "depth"), LINES)
def test_a_claim_says_what_a_person_says(claim: str, case: Case, depth: int) -> None:
    with patch("fixtures.statistics.resampling.resampling", fewer):
        evidence = evidence_on(case.model.at(depth).measured, NAME, claim, case.task)
    if case.premise and evidence.verdict == "inconclusive":
        assert "nothing to" in evidence.reason, evidence.sentence()
    else:
        assert evidence.verdict == ("holds" if case.is_true else "fails"), evidence.sentence()
