"""Every key of a ledger that a run really leaves is explained in reports/README.md, and nothing else is."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import SCHEMA as ledger_version  # noqa: N811 - the schema's own file has that name here
from reports.ledger.ledger import Ledger, UnfinishedRecord
from reports.ledger.strict_json import as_json
from suite.support.repository import ROOT
from suite.support.runs import stand_in_model as stand_in

README = (ROOT / "reports" / "README.md").read_text()
OBJECTS = ("environment", "models", "measurements", "records", "parts", "curves", "examples")
SCHEMA = json.loads((ROOT / "reports" / "ledger.schema.json").read_text())


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the suite's own claims leave of a made-up model, asked on two of the tasks."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "made_up.py").write_text("from suite.support.runs import stand_in_model\nstand_in_model.install()\n")
    values = {
        "--model": stand_in.folder(folder / "model"),
        "--curves": folder / "curves",
        "--report-dir": folder / "out",
    }
    options = [str(word) for option in values.items() for word in option]
    tasks = ["--task", "ChooseAttr", "--task", "QueryAttr", "--questions", "24"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "made_up", "suite/", *options, *tasks],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}, capture_output=True, check=False,
    )  # fmt: skip
    return folder / "out"


@pytest.fixture(scope="module")
def ledger(out: Path) -> dict[str, Any]:
    return json.loads((out / "ledger.json").read_text())


def documented_keys(name: str) -> set[str]:
    """The keys in the first column of the table under the line that begins with `name`."""
    (table,) = re.findall(rf"^`{name}`: .*?\n\n\| key .*?\n\|---.*?\n(.*?)\n\n", README, flags=re.MULTILINE | re.DOTALL)
    return {key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])}


def keys(objects: Sequence[Mapping[str, Any]]) -> set[str]:
    """Those of all *objects*, which must have the same."""
    key_sets = {frozenset(each) for each in objects}
    assert len(key_sets) == 1
    return set(key_sets.pop())


def test_every_key_is_documented_and_no_other(ledger: dict[str, Any]) -> None:
    parts = [part for record in ledger["records"] for part in record["parts"]]
    objects = {**ledger, "environment": [ledger["environment"]], "parts": parts}
    assert {name: keys(objects[name]) for name in OBJECTS} == {name: documented_keys(name) for name in OBJECTS}
    assert not [part for part in parts if part["parts"]]
    assert {each.name for each in fields(UnfinishedRecord)} == documented_keys("unfinished")


def test_the_ledger_marks_the_claims_that_hold_by_an_absence(ledger: dict[str, Any]) -> None:
    assert {record["claim"] for record in ledger["records"] if record["absence"]} == {
        "routes.last-to-itself-is-negligible",
        "routes.image-to-last-is-not-significant",
        "routes.direct-image-path-is-negligible-beside-indirect",
        "stages.early-drop-is-sharp",
        "stages.are-disjoint",
    }


def test_the_ledger_holds_what_the_readme_lists_and_no_more(ledger: dict[str, Any]) -> None:
    assert set(ledger) == {"schema", "unfinished", *OBJECTS} - {"parts"}
    assert ledger["unfinished"] == []
    assert "`schema` is the version" in README
    assert f'`"schema": {ledger["schema"]}`' in README


def test_the_spreadsheet_has_the_records_keys(out: Path, ledger: dict[str, Any]) -> None:
    with (out / "claims.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(list(row) == [key for key in ledger["records"][0] if key != "draws"] for row in rows)
    assert not [row for row in rows if '"draws"' in row["parts"]]


def test_a_real_ledger_is_of_the_committed_schema(ledger: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="install the extra 'test'")
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    validator.validate(ledger)
    validator.validate({**ledger, "unfinished": [as_json(UnfinishedRecord(model="m", task="t", measured=3, asked=9))]})
    for damage in (
        {**ledger, "schema": 2},
        {**ledger, "more": 1},
        {key: ledger[key] for key in ledger if key != "curves"},
    ):
        assert not validator.is_valid(damage)


def test_the_schema_is_of_the_version_that_is_read_and_explains_itself() -> None:
    assert SCHEMA["properties"]["schema"] == {"const": ledger_version}
    assert all(each.get("description") for each in SCHEMA["$defs"].values())


def test_what_a_real_run_leaves_reads_back(ledger: dict[str, Any]) -> None:
    read = Ledger.from_json(ledger)
    of_all = [record for record in read.records if record.task == "all" and record.verdict != "unsupported"]
    assert {record.tasks for record in of_all} == {("ChooseAttr", "QueryAttr")}
    assert all("over 2 of the paper's 6 tasks" in record.notes[0] for record in of_all)
    assert {record.tasks for record in read.records if record.task != "all"} == {()}
