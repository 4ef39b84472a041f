"""A claim proves something by failing where it is false: each fault of the planted circuit is caught, as predicted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fixtures.models.planted.faults import FAULTS
from fixtures.tasks import TASKS
from reports.claim import written as registered
from suite.calibration import kill_matrix
from suite.calibration.kill_matrix import (
    TABLE,
    TIED_TO_A_CHECKPOINT,
    WITHOUT_VERDICT,
    claims_on,
    claims_that,
    documented,
    main,
    place_of,
    verdicts,
    write,
    written,
)
from suite.support.repository import SUITE

CLAIMS = sorted(SUITE.glob("test_*.py"))
GUESSES = ("blind", "random")
"""Faults that leave at most half of the answers right."""


def judged() -> set[str]:
    return {claim for claim in registered(CLAIMS) or () if not claim.startswith(WITHOUT_VERDICT)} - {
        TIED_TO_A_CHECKPOINT
    }


# ---- the table that is written


def test_the_table_in_the_documentation_is_that_of_the_faults() -> None:
    assert documented() in (SUITE / "calibration" / "README.md").read_text(encoding="utf-8")


def test_every_claim_is_meant_to_be_killed() -> None:
    assert judged() == {claim for fault in FAULTS.values() for claim in fault.caught_by}


def test_the_table_has_every_fault_and_every_task() -> None:
    table = written()
    assert list(table) == ["", *FAULTS]
    for fault, cells in table.items():
        assert set(cells) == {(claim, place) for place in kill_matrix.PLACES for claim in claims_on(place, fault)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_exactly_the_claims_that_it_breaks(fault: str) -> None:
    assert claims_that("fails", written()[fault]) == FAULTS[fault].caught_by


def test_all_that_is_judged_of_the_planted_model_holds() -> None:
    cells = written()[""]
    assert claims_that("fails", cells) == set()
    assert judged() <= claims_that("holds", cells)


@pytest.mark.parametrize("fault", GUESSES)
def test_nothing_holds_of_a_model_whose_answers_are_guesses(fault: str) -> None:
    assert not claims_that("holds", written()[fault])


# ---- what a run finds today


@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_a_fault_is_caught_as_the_table_says(fault: str) -> None:
    """Each fault is asked on one task, which is another one whenever the table changes."""
    place = place_of(fault)
    found = verdicts(fault, place)
    wanted = {cell: verdict for cell, verdict in written()[fault].items() if cell[1] == place}
    assert found == wanted, f"python -m suite.calibration.kill_matrix --fault {fault} makes the rows anew"


# ---- the command


def test_faults_take_turns_through_the_tasks(tmp_path: Path) -> None:
    assert len({place_of(fault) for fault in FAULTS}) > len(TASKS) / 2
    other = Path(shutil.copy(TABLE, tmp_path / "other.csv"))
    other.write_text(TABLE.read_text(encoding="utf-8") + "planted,one more\n", encoding="utf-8")
    assert [place_of(fault, other) for fault in FAULTS] != [place_of(fault) for fault in FAULTS]


def test_rows_are_written_beside_those_that_are_there(tmp_path: Path) -> None:
    table = Path(shutil.copy(TABLE, tmp_path / "table.csv"))
    write({"blind": {("setup.accuracy", "ChooseAttr"): "holds"}}, table)
    after, before = written(table), written()
    assert after.pop("blind") == {("setup.accuracy", "ChooseAttr"): "holds"}
    assert after == {fault: cells for fault, cells in before.items() if fault != "blind"}


def test_an_unknown_fault_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--fault", "bilnd"])
    assert "unknown --fault bilnd: known are random, blind," in capsys.readouterr().err
