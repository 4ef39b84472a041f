"""Files hold every record, escaped for their readers, and take the place of older ones whole or not at all."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.files import json_csv
from reports.files.markdown import claims_markdown
from suite.support.runs.ledgers import COMPOSITE, MEASURED, PATIENT, SET_ASIDE, ledger, measured, record


def cells(line: str) -> list[str]:
    return line.replace("\\\\", "").replace("\\|", "").strip("|").split("|")


@PATIENT
@given(st.text(), st.text())
def test_whatever_is_said_a_row_of_markdown_keeps_its_columns(reason: str, note: str) -> None:
    text = claims_markdown(ledger(replace(MEASURED, reason=reason, notes=(note,)), measurements=(SET_ASIDE,)))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert {len(cells(line)) for line in table} == {len(cells(table[0]))}


def test_markdown_tells_every_record_and_part() -> None:
    departure = record(task="all", verdict="fails", expected="fails", expected_because="it reads words alone")
    text = claims_markdown(ledger(MEASURED, departure))
    for cell in (
        "**1 holds, 1 fails (1 expected).**",
        "miniature: 14 layers, knocked out in windows of 3, float32, cpu, weights f00d.",
        "\\* as suite/expected says",
        "## stages.early-drop",
        "section 5, figure 4",
        "57.2 [52.0, 62.5] points",
        ">= 40 points",
        "  - **holds** a\\|b: 57.2 [52.0, 62.5] points",
        "fails (expected)",
        "expected: it reads words alone",
        "0-2, 7",
    ):
        assert cell in text


def test_markdown_says_of_each_claim_that_holds_by_an_absence_what_that_does_not_show() -> None:
    absent = replace(MEASURED, absence=True, verdict="holds")
    assert "does not say that it is unused" in claims_markdown(ledger(absent))
    for other in (replace(absent, absence=False), replace(absent, verdict="fails")):
        assert "unused" not in claims_markdown(ledger(other))


def test_markdown_tells_each_part_on_a_line_of_its_own() -> None:
    text = claims_markdown(ledger(COMPOSITE, record(task="QueryAttr")))
    (row,) = (line for line in text.splitlines() if line.startswith("| ChooseAttr ") and "fails" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "ChooseAttr", "fails", "3.00 [2.00, 4.00] %", ">= 20 %", "", "117", "", "1 of 3 parts fails: peak of P(lower)",
    ]  # fmt: skip
    assert text.endswith(
        """

- ChooseAttr: fails
  - **fails** peak of P(lower): 3.00 [2.00, 4.00] %, claimed >= 20; a note
  - **inconclusive** its depth, claimed in [0.35, 0.85] of depth; nothing to locate
  - **holds** P(lower) at 1/3 of depth: 1.00 [0.50, 1.50] %, claimed <= 2
"""
    )
    of_two = claims_markdown(ledger(COMPOSITE, replace(COMPOSITE, model="other", verdict="holds", expected="fails")))
    assert "\n- other, ChooseAttr: holds (fails expected)\n" in of_two


def test_markdown_names_every_reason_for_setting_questions_aside() -> None:
    many = measured("ChooseCat", no_box=1, too_long=2, picture_missing=3, unknown_word=4, answered_otherwise=5)
    text = claims_markdown(ledger(record(), measurements=(many, measured("QueryAttr"))))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "ChooseCat" in line]
    assert rows == [
        ["miniature", "ChooseCat", "128", str(count), reason]
        for reason, count in sorted(many.set_aside.items())
    ]  # fmt: skip
    assert "no question set aside on any task" in claims_markdown(
        ledger(record(), measurements=(measured("QueryAttr"),))
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<= 5", "<= 5"),
        ("a < b", "a < b"),
        ("<b>", "\\<b>"),
        ("</b", "\\</b"),
        ("<!--", "\\<!--"),
        ("_*`|", "\\_\\*\\`\\|"),
    ],
)
def test_markdown_is_escaped_where_it_would_be_read_as_such(text: str, escaped: str) -> None:
    assert f"({escaped})" in claims_markdown(ledger(record(sentence=f"({text})")))


def test_csv_has_a_row_a_record(tmp_path: Path) -> None:
    made_up = ledger(MEASURED, record(task="all", sentence='a "b", c\nd'))
    json_csv.write_whole(tmp_path / "claims.csv", json_csv.claims_csv(made_up))
    with (tmp_path / "claims.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["claim"], first["effect"], json.loads(first["layers"])) == (
        "stages.early-drop",
        "57.25",
        [0, 1, 2, 7],
    )
    assert (second["task"], second["sentence"], second["effect"]) == ("all", 'a "b", c\nd', "")


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "claims.md"
    json_csv.write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        json_csv.write_whole(path, "half of it \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
