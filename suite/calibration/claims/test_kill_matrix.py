"""A claim proves something by failing where it is false: each fault of the planted circuit is caught, as predicted."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from filelock import FileLock

from fixtures.models.planted.faults import FAULTS
from reports.claim import written
from suite.calibration.kill_matrix import PLANTED, SMALL, WITHOUT_A_PICTURE, all_verdicts, claims_that, named, table
from suite.support.repository import SUITE

HERE = SUITE / "calibration"
CLAIMS = sorted(HERE.parent.glob("test_*.py"))

TIED_TO_A_CHECKPOINT = {"routes.question-to-last-choose-attr"}
"""A claim about one model of the paper only; `test_register.py` makes curves on which it fails."""

WITHOUT_A_BOUND = ("fine.", "parts.", "routes.image-to-suffix")


ClaimsByVerdict = Callable[[str], dict[str, set[str]]]
"""Maps a verdict to the claims that have it, by model."""


@pytest.fixture(scope="session")
def claims_by_verdict(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> ClaimsByVerdict:
    """The claims with a verdict, from the runs that one worker makes for all workers."""
    file = tmp_path_factory.getbasetemp().parent / f"kill-matrix-{testrun_uid}.json"
    with FileLock(f"{file}.lock"):
        if not file.is_file():
            file.write_text(json.dumps(all_verdicts()), encoding="utf-8")
    records = json.loads(file.read_text(encoding="utf-8"))
    return lambda verdict: claims_that(verdict, records)


def judged() -> set[str]:
    return {claim for claim in written(CLAIMS) or () if not claim.startswith(WITHOUT_A_BOUND)} - TIED_TO_A_CHECKPOINT


def test_the_table_in_the_documentation_is_that_of_the_faults() -> None:
    assert table() in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_claim_is_meant_to_be_killed() -> None:
    assert judged() == {claim for fault in FAULTS.values() for claim in fault.caught_by}


@pytest.mark.parametrize("model", [PLANTED, SMALL])
def test_nothing_fails_where_nothing_is_broken(model: str, claims_by_verdict: ClaimsByVerdict) -> None:
    assert claims_by_verdict("fails")[model] == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_exactly_the_claims_that_it_breaks(fault: str, claims_by_verdict: ClaimsByVerdict) -> None:
    assert claims_by_verdict("fails")[named(fault)] == FAULTS[fault].caught_by


@pytest.mark.parametrize("fault", WITHOUT_A_PICTURE)
def test_nothing_holds_of_a_model_whose_answers_are_guesses(fault: str, claims_by_verdict: ClaimsByVerdict) -> None:
    assert not claims_by_verdict("holds")[named(fault)]


def test_all_that_is_judged_of_the_planted_model_holds(claims_by_verdict: ClaimsByVerdict) -> None:
    assert judged() <= claims_by_verdict("holds")[PLANTED]
