"""Records, tables and files say what they were given, and refuse what they cannot say."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reports.claim
from reports import writers
from reports.claim import ClaimError, claim, written
from reports.numbers import bound, effect, fractions, spelled
from reports.plain import LedgerError, as_json
from reports.record import (
    TASKS_OF_THE_PAPER,
    VERDICTS,
    Claim,
    Environment,
    Heard,
    Ledger,
    Measured,
    Model,
    Record,
    conclude,
)
from reports.tables import (
    WORDS,
    departures,
    finding,
    noise_floor,
    part_line,
    register,
    set_aside,
    tally,
    undecided,
    unmeasured,
    verdicts,
)

TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr", "all")
PATIENT = settings(deadline=None, max_examples=50)
LONGEST_ID = "routes.direct-image-path-is-negligible-beside-indirect"


def record(**changes: Any) -> Record:
    given: dict[str, Any] = {
        "claim": "stages.early-drop",
        "section": "5",
        "figure": "4",
        "sentence": "Blocked early, the image costs the answer most.",
        "model": "miniature",
        "task": "ChooseAttr",
        "verdict": "holds",
    }
    return Record(**{**given, **changes})


MEASURED = record(
    effect=57.25,
    low=52.0,
    high=62.5,
    bound=">= 40",
    parts=({"label": "a|b", "verdict": "holds", "value": 57.25, "low": 52.0, "high": 62.5, "unit": "points"},),
    bound_from="card",
    n=117,
    unit="points",
    layers=(0, 1, 2, 7),
    seconds=0.5,
    notes=("one question makes over a tenth of the mean",),
    twin=55.0,
)


def ledger(*records: Record, measurements: tuple[Measured, ...] = ()) -> Ledger:
    return Ledger(
        environment=Environment(
            python="3.11.7",
            platform="Linux",
            packages={"numpy": "2.0"},
            command="pytest suite/",
            started="2026-01-01T00:00:00+00:00",
            seconds=1.5,
        ),
        models=(Model(name="miniature", fingerprint="f00d", layers=14, width=3, dtype="float32", device="cpu"),),
        measurements=measurements,
        records=records,
    )


SET_ASIDE = Measured(model="miniature", task="ChooseAttr", asked=128, kept=117, set_aside={"wrong | answer": 11})

# --- records


def test_a_ledger_reads_back_as_it_was_written() -> None:
    written = ledger(MEASURED, record(task="all", verdict="not run"), measurements=(SET_ASIDE,))
    assert Ledger.from_json(json.loads(writers.ledger_json(written))) == written


def test_a_record_in_json_has_the_promised_fields() -> None:
    names = """claim section figure sentence model task verdict expected effect low high bound parts
    bound_from n unit layers seconds reason notes twin p p_holm questions_needed tasks draws pairing readings"""
    assert list(as_json(MEASURED)) == names.split()


@PATIENT
@given(st.floats(), st.floats(), st.dictionaries(st.text(), st.floats() | st.lists(st.floats())))
def test_the_ledger_is_strict_json_whatever_was_measured(low: float, high: float, part: dict[str, Any]) -> None:
    text = writers.ledger_json(ledger(replace(MEASURED, low=low, high=high, parts=(part,))))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (found,) = json.loads(text, parse_constant=refuse)["records"]
    assert found["low"] == (low if math.isfinite(low) else None)
    assert found["high"] == (high if math.isfinite(high) else None)


@pytest.mark.parametrize("schema", [None, 0, 2, "1"])
def test_a_ledger_of_another_schema_is_refused(schema: object) -> None:
    other = {**as_json(ledger(MEASURED)), "schema": schema}
    with pytest.raises(LedgerError, match=r"schema version .* run the claims again"):
        Ledger.from_json(other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict", "perhaps"),
        ("effect", "57"),
        ("effect", True),
        ("n", 1.5),
        ("layers", [0, "1"]),
        ("parts", ["a"]),
        ("reason", 3),
        ("notes", 3),
        ("task", ""),
        ("model", None),
    ],
)
def test_a_field_of_another_type_is_named(field: str, value: object) -> None:
    with pytest.raises(LedgerError, match=field):
        Record.from_json({**as_json(MEASURED), field: value})


# --- from reports to verdicts

OVER_TWO = "over 2 of the paper's 6 tasks: ChooseAttr, QueryAttr"
PLANNED = record(verdict="not run", reason="the run ended before this test")
EVIDENCE = {
    "verdict": "holds",
    "effect": 57.25,
    "low": 52.0,
    "high": 62.5,
    "bound": ">= 40",
    "n": 117,
    "layers": [2],
}


def test_evidence_fills_a_row_and_nothing_else_of_it() -> None:
    found = conclude(
        PLANNED, Heard(evidence={**EVIDENCE, "sentence": "another", "task": "all"}, called=True, seconds=2)
    )
    same = replace(PLANNED, verdict="holds", effect=57.25, low=52.0, high=62.5, bound=">= 40", n=117, layers=(2,))
    assert found == replace(same, seconds=2.0, reason="")


@pytest.mark.parametrize(
    ("heard", "verdict", "reason"),
    [
        (Heard(), "not run", "the run ended"),
        (Heard(seconds=1.0), "not run", "the run ended"),
        (Heard(evidence=EVIDENCE), "not run", "the run ended"),
        (Heard(failure="ValueError: boom"), "error", "boom"),
        (Heard(skipped="no picture"), "not run", "no picture"),
        (Heard(called=True), "error", "no evidence"),
        (Heard(evidence={"verdict": "perhaps"}, called=True), "error", "perhaps"),
        (Heard(evidence=EVIDENCE, failure="KeyError: 1", called=True), "error", "KeyError"),
        (
            Heard(evidence={**EVIDENCE, "verdict": "fails"}, failure="the claim fails", called=True),
            "fails",
            "",
        ),
        (Heard(evidence={**EVIDENCE, "expected": "fails"}, failure="no longer", called=True), "holds", ""),
        (
            Heard(evidence={**EVIDENCE, "verdict": "inconclusive", "reason": "too few"}, called=True),
            "inconclusive",
            "too few",
        ),
    ],
)
def test_what_a_test_did_becomes_a_verdict(heard: Heard, verdict: str, reason: str) -> None:
    found = conclude(PLANNED, heard)
    assert found.verdict == verdict
    assert reason in found.reason


def test_a_failed_teardown_is_noted_beside_the_verdict() -> None:
    found = conclude(PLANNED, Heard(evidence=EVIDENCE, notes=("teardown failed: OSError",), called=True))
    assert (found.verdict, found.notes) == ("holds", ("teardown failed: OSError",))


@pytest.mark.parametrize(
    ("read", "tasks", "notes"),
    [
        (TASKS, TASKS[:-1], ()),
        (TASKS[:-1], TASKS[:-1], ()),
        (("QueryAttr", "ChooseAttr"), ("ChooseAttr", "QueryAttr"), (OVER_TWO,)),
        ((), (), ()),
    ],
)
def test_a_record_of_all_tasks_says_which_it_is_over(
    read: tuple[str, ...], tasks: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    heard = Heard(evidence={**EVIDENCE, "notes": ["a note"]}, called=True, read=frozenset(read))
    pooled = conclude(replace(PLANNED, task="all"), heard)
    assert (pooled.tasks, pooled.notes) == (tasks, (*notes, "a note"))
    assert Record.from_json(json.loads(json.dumps(as_json(pooled)))) == pooled
    single = conclude(PLANNED, heard)
    assert (single.tasks, single.notes) == ((), ("a note",))


def test_the_paper_has_the_tasks_that_the_bench_has() -> None:
    from fixtures import tasks

    assert len(tasks.TASKS) == TASKS_OF_THE_PAPER
    assert (*tasks.TASKS, "all") == TASKS


# --- tables


def rows(*models: str) -> list[Record]:
    claims = (LONGEST_ID, "routes.question-dominates-image", "stages.early-drop")
    cycle = [verdict for verdict in VERDICTS for _ in range(2)]
    return [
        record(claim=claim, model=model, task=task, verdict=cycle[(7 * i + 3 * j) % len(cycle)])
        for i, claim in enumerate(claims)
        for model in models
        for j, task in enumerate(TASKS)
    ]


@pytest.mark.parametrize("models", [("miniature",), ("llava-1.5-13b", "llava-v1.6-vicuna-7b")], ids=len)
@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_table_fits_and_every_cell_is_in_it(width: int, models: tuple[str, ...]) -> None:
    records = rows(*models)
    table = verdicts(records, width)
    assert max(map(len, table.splitlines())) <= width
    cells = [word for line in table.splitlines() for word in line.replace("not ", "not_").split()]
    for verdict, word in WORDS.items():
        wanted = sum(record.verdict == verdict for record in records)
        assert cells.count(word.replace(" ", "_")) == wanted, verdict


@pytest.mark.parametrize("width", [120, 200])
def test_a_row_stands_on_one_line_where_there_is_room(width: int) -> None:
    table = verdicts(rows("miniature"), width)
    (line,) = (line for line in table.splitlines() if line.startswith(f" {LONGEST_ID.partition('.')[2]} "))
    assert len(line.replace("not ", "").split()) == 1 + len(TASKS)


def test_paint_moves_no_cell() -> None:
    def paint(text: str, markup: object) -> str:
        return f"\033[31m{text}\033[0m" if markup else text

    for width in (80, 120):
        painted = verdicts(rows("miniature"), width, paint)
        assert "\033[31m" in painted
        bare = painted.replace("\033[31m", "").replace("\033[0m", "")
        assert bare == verdicts(rows("miniature"), width)


def test_columns_are_the_tasks_of_table_1_and_the_pooled_one_last() -> None:
    table = verdicts([record(task=task) for task in reversed(TASKS)], 200).splitlines()
    assert table[0].split() == ["Choose", "Choose", "Choose", "Compare", "Logical", "Query"]
    assert table[1].split() == ["miniature", "Attr", "Cat", "Rel", "Attr", "Obj", "Attr", "all"]


def test_expected_and_unexpected_departures_are_marked_and_explained() -> None:
    expected = verdicts([record(verdict="fails", expected="fails")], 120)
    assert "fails*" in expected
    assert "* as suite/expected says" in expected
    unexpected = verdicts([record(verdict="holds", expected="fails")], 120)
    assert "holds!" in unexpected
    assert "! not what suite/expected says" in unexpected
    silent = verdicts([record(verdict="inconclusive", expected="fails"), record(expected="holds", task="all")], 120)
    assert not set("*!") & set(silent)


def test_departures_are_told_by_claim_and_the_expected_ones_last() -> None:
    found = departures(
        [
            record(verdict="fails", expected="fails", task="all"),
            record(verdict="fails", effect=12.0, low=9.0, high=15.0, unit="points", bound=">= 40", n=117),
            record(verdict="holds", expected="fails", task="ChooseCat"),
            record(verdict="error", reason="ValueError: boom", task="CompareAttr"),
            record(verdict="holds", task="ChooseRel"),
            record(verdict="inconclusive", task="QueryAttr"),
        ],
        width=100,
        full="claims.md",
    )
    assert found == [
        "stages.early-drop: Blocked early, the image costs the answer most.",
        "  fails     ChooseAttr  12.0 [9.0, 15.0] points, claimed >= 40; n 117",
        "  holds!    ChooseCat   fails expected",
        "  fails*    all",
    ]


@pytest.mark.parametrize("count", [1, 19, 20, 200])
def test_a_long_list_of_departures_ends_with_the_count_of_the_rest(count: int) -> None:
    found = departures([record(verdict="fails", task=f"Task{i}") for i in range(count)], 100, "claims.md", limit=20)
    assert len(found) <= 20
    if count < 20:
        assert len(found) == 1 + count
    else:
        assert found[-1] == f"... and {count - 18} more, all in claims.md"


def test_the_tally_counts_every_verdict_and_says_when_none_holds() -> None:
    said = tally(
        [
            record(),
            record(verdict="fails", expected="fails"),
            record(verdict="fails"),
            record(verdict="not run"),
        ]
    )
    assert said == "claims: 1 holds, 2 fails (1 expected), 1 not run"
    assert tally([record(verdict="recorded")]) == "claims: 1 recorded; no claim holds in this run"


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"effect": 0.5, "low": -0.25, "high": 1.25, "unit": "layers"}, "0.50 [-0.25, 1.25] layers"),
        ({"value": 57.25, "unit": "%"}, "57.2 %"),
        ({"effect": None, "low": None, "high": None, "unit": "points"}, ""),
        ({"effect": -0.001, "low": -0.004, "high": 0.004, "unit": ""}, "0.00 [0.00, 0.00]"),
        ({"effect": 12.5, "low": 9.97, "high": 15.0, "bound": ">= 10"}, "12.50 [9.97, 15.00]"),
        ({"effect": 12.5, "low": 10.0, "high": 15.0, "bound": ">= 10"}, "12.5 [10.0, 15.0]"),
        ({"effect": 0.5, "low": 0.6664, "high": 0.8, "bound": ">= 0.666667"}, "0.500 [0.666, 0.800]"),
        ({"effect": 0.5, "low": 0.0, "high": 0.3501, "bound": "in [0.35, 0.85]"}, "0.5000 [0.0000, 0.3501]"),
        ({"effect": 0.5, "low": 0.5, "high": 39.99999, "bound": "<= 40"}, "0.5000 [0.5000, 40.0000]"),
    ],
)
def test_no_rounding_contradicts_a_verdict(numbers: dict[str, Any], told: str) -> None:
    assert effect(numbers) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (">= 0.666667", ">= 2/3"),
        ("P(capitalized) at 0.6667 of depth", "P(capitalized) at 2/3 of depth"),
        ("in (0.333333, 0.666667)", "in (1/3, 2/3)"),
        ("in [0.35, 0.85]", "in [0.35, 0.85]"),
        (">= 0.1250", ">= 0.1250"),
        (">= 0.6543", ">= 0.6543"),
        ("<= 10.6667", "<= 10.6667"),
        ("0.66", "0.66"),
        ("v1.0.333333", "v1.0.333333"),
    ],
)
def test_a_fraction_is_written_as_people_write_it(text: str, told: str) -> None:
    assert fractions(text) == told


def test_a_bound_has_its_unit() -> None:
    assert bound({"bound": ">= 40", "unit": "points"}) == ">= 40 points"
    assert bound({"bound": ">= 0.666667", "unit": ""}) == ">= 2/3"
    assert bound({"bound": "in [0.35, 0.85]", "unit": "of depth"}) == "in [0.35, 0.85] of depth"
    assert bound({"bound": "", "unit": "points"}) == ""


def test_layers_are_spelled_in_runs() -> None:
    assert spelled([7, 2, 0, 1, 2]) == "0-2, 7"
    assert spelled([]) == ""


PEAK = {"label": "peak of P(lower)", "effect": 3.0, "low": 2.0, "high": 4.0, "bound": ">= 20", "unit": "%"}
DEPTH = {"label": "its depth", "effect": None, "bound": "in [0.35, 0.85]", "unit": "of depth"}
EARLY = {"label": "P(lower) at 0.333333 of depth", "effect": 1.0, "low": 0.5, "high": 1.5, "bound": "<= 2", "unit": "%"}
COMPOSITE = record(
    verdict="fails", effect=3.0, low=2.0, high=4.0, bound=">= 20", unit="%", n=117, notes=("a note",),
    parts=(
        {**PEAK, "verdict": "fails", "notes": ["a note"]},
        {**DEPTH, "verdict": "inconclusive", "reason": "nothing to locate"},
        {**EARLY, "verdict": "holds"},
    ),
)  # fmt: skip


def test_a_finding_is_told_against_its_bound() -> None:
    simple = replace(MEASURED, parts=())
    assert finding(simple) == "57.2 [52.0, 62.5] points, claimed >= 40; n 117"
    assert finding(COMPOSITE) == "peak of P(lower): 3.00 [2.00, 4.00] %, claimed >= 20; 1 of 3 parts fails; n 117"
    pooled = replace(simple, task="all", tasks=("ChooseAttr", "QueryAttr"))
    assert finding(pooled) == f"57.2 [52.0, 62.5] points, claimed >= 40; n 117; {OVER_TWO}"
    assert finding(record(verdict="unsupported", reason="no image")) == "no image"


def test_a_part_is_told_with_its_label_effect_bound_and_notes() -> None:
    assert [part_line(part) for part in COMPOSITE.parts] == [
        "peak of P(lower): 3.00 [2.00, 4.00] %, claimed >= 20; a note",
        "its depth, claimed in [0.35, 0.85] of depth; nothing to locate",
        "P(lower) at 1/3 of depth: 1.00 [0.50, 1.50] %, claimed <= 2",
    ]


def test_the_table_says_which_tasks_its_last_column_is_over() -> None:
    few = record(task="all", tasks=("ChooseAttr", "QueryAttr"))
    assert f"all: {OVER_TWO}" in verdicts([few, record()], 120)
    assert "over" not in verdicts([replace(few, tasks=TASKS[:-1]), record()], 120)
    most = replace(few, tasks=TASKS[:-2], claim="stages.late-drop")
    assert max(map(len, verdicts([most], 60).splitlines())) <= 60
    assert "over" not in verdicts([few, most], 120), "each says so for itself"


def measured(task: str, model: str = "miniature", **reasons: int) -> Measured:
    named = {reason.replace("_", " "): count for reason, count in reasons.items()}
    return Measured(model=model, task=task, asked=128, kept=128 - sum(reasons.values()), set_aside=named)


def test_questions_set_aside_are_counted_with_their_reasons() -> None:
    one = measured("ChooseAttr", picture_missing=1, answered_otherwise=2)
    many = measured("ChooseCat", no_box=1, too_long=2, picture_missing=3, unknown_word=4, answered_otherwise=5)
    assert set_aside([one, many, measured("QueryAttr"), measured("LogicalObj", too_long=0)], 100) == [
        "ChooseAttr: 3 of 128 set aside: 2 answered otherwise, 1 picture missing",
        "ChooseCat: 15 of 128 set aside: 5 answered otherwise, 4 unknown word, 3 picture missing, 3 for other",
        "    reasons",
        "no question set aside on QueryAttr, LogicalObj",
    ]
    assert set_aside([measured("ChooseAttr"), measured("ChooseCat")], 80) == ["no question set aside on any task"]
    assert set_aside([one, replace(one, model="other", asked=None)], 80) == [
        "miniature ChooseAttr: 3 of 128 set aside: 2 answered otherwise, 1 picture",
        "    missing",
        "other ChooseAttr: 3 set aside: 2 answered otherwise, 1 picture missing",
    ]
    assert set_aside([], 80) == []


def test_small_print() -> None:
    lost = [
        record(verdict="not run", reason="crashed"),
        *[record(verdict="not run", reason="ended")] * 2,
        record(),
    ]
    assert unmeasured(lost, 80) == [
        "not run: 2 (stages.early-drop miniature ChooseAttr; stages.early-drop miniature",
        "    ChooseAttr), ended",
        "not run: 1 (stages.early-drop miniature ChooseAttr), crashed",
    ]
    broken = [record(verdict="error", reason="ValueError: boom", task=task) for task in TASKS]
    assert unmeasured(broken, 80) == ["error: 7, ValueError: boom"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_register_shows_every_field_within_the_width(width: int) -> None:
    entries = [
        Claim(LONGEST_ID, "5", "3", "What " * 20, "ours", statistic="drop " * 12, bound="< 0 points"),
        Claim("answer.fades", "abstract", None, "It fades.", "paper", statistic="mean P(lower)", bound="<= 5 %"),
    ]
    table = register(entries, width)
    assert max(map(len, table.splitlines())) <= width
    assert table.split().count("What") == 20
    assert table.split().count("drop") == 12
    for text in (
        LONGEST_ID,
        "§5, figure 3",
        "< 0 points (ours)",
        "abstract",
        "It fades.",
        "mean P(lower)",
        "<= 5 % (paper)",
    ):
        assert text in table


# --- files


def cells(line: str) -> list[str]:
    return line.replace("\\\\", "").replace("\\|", "").strip("|").split("|")


@PATIENT
@given(st.text(), st.text())
def test_whatever_is_said_a_row_of_markdown_keeps_its_columns(reason: str, note: str) -> None:
    text = writers.claims_markdown(ledger(replace(MEASURED, reason=reason, notes=(note,)), measurements=(SET_ASIDE,)))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert {len(cells(line)) for line in table} == {len(cells(table[0]))}


def test_markdown_tells_every_record_and_part() -> None:
    text = writers.claims_markdown(ledger(MEASURED, record(task="all", verdict="fails", expected="fails")))
    for said in (
        "**1 holds, 1 fails (1 expected).**",
        "miniature: 14 layers, knocked out in windows of 3, float32, cpu, weights f00d.",
        "\\* as suite/expected says",
        "## stages.early-drop",
        "section 5, figure 4",
        "57.2 [52.0, 62.5] points",
        ">= 40 points",
        "  - **holds** a\\|b: 57.2 [52.0, 62.5] points",
        "fails (expected)",
        "0-2, 7",
    ):
        assert said in text


def test_markdown_tells_each_part_on_a_line_of_its_own() -> None:
    text = writers.claims_markdown(ledger(COMPOSITE, record(task="QueryAttr")))
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
    of_two = writers.claims_markdown(
        ledger(COMPOSITE, replace(COMPOSITE, model="other", verdict="holds", expected="fails"))
    )
    assert "\n- other, ChooseAttr: holds (fails expected)\n" in of_two


def test_markdown_names_every_reason_for_setting_questions_aside() -> None:
    many = measured("ChooseCat", no_box=1, too_long=2, picture_missing=3, unknown_word=4, answered_otherwise=5)
    text = writers.claims_markdown(ledger(record(), measurements=(many, measured("QueryAttr"))))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "ChooseCat" in line]
    assert rows == [
        ["miniature", "ChooseCat", "128", str(count), reason]
        for reason, count in sorted(many.set_aside.items())
    ]  # fmt: skip
    assert "no question set aside on any task" in writers.claims_markdown(
        ledger(record(), measurements=(measured("QueryAttr"),))
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<= 5", "<= 5"),
        ("a < b", "a < b"),
        ("<b>", "\\<b>"),
        ("</b", "\\</b"),
        ("<!--", "\\<!--"),
        ("_*`|", "\\_\\*\\`\\|"),
    ],
)
def test_markdown_is_escaped_where_it_would_be_read_as_such(text: str, told: str) -> None:
    assert f"({told})" in writers.claims_markdown(ledger(record(sentence=f"({text})")))


def test_csv_has_a_row_a_record(tmp_path: Path) -> None:
    writers.write(ledger(MEASURED, record(task="all", sentence='a "b", c\nd')), tmp_path)
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
    writers.write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        writers.write_whole(path, "half of it \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# --- the register


@pytest.fixture
def empty_register(monkeypatch: pytest.MonkeyPatch) -> dict[str, Claim]:
    entries: dict[str, Claim] = {}
    monkeypatch.setattr(reports.claim, "REGISTER", entries)
    monkeypatch.setattr(reports.claim, "_places", {})
    return entries


def sentence() -> Callable[[], None]:
    def test() -> None:
        """The image speaks
        to the question.

        Not of this.
        """

    return test


def test_a_claim_enters_the_register_and_marks_its_test(empty_register: dict[str, Claim]) -> None:
    decorate = claim("a.b", section="5", figure="3", bound_from="ours", tasks=("all",), statistic="drop", bound="> 0")
    test = decorate(sentence())
    wanted = Claim("a.b", "5", "3", "The image speaks to the question.", "ours", ("all",), None, (), "drop", "> 0")
    assert empty_register == {"a.b": wanted}
    (mark,) = test.pytestmark  # pyright: ignore[reportFunctionMemberAccess] - pytest's own
    assert (mark.name, Claim(**mark.kwargs)) == ("claim", wanted)


def test_a_claim_imported_twice_stays_one(empty_register: dict[str, Claim]) -> None:
    for _ in range(2):
        claim("a.b", section="5")(sentence())
    assert list(empty_register) == ["a.b"]


def test_an_id_is_given_once(empty_register: dict[str, Claim]) -> None:
    def other() -> None:
        """Another sentence."""

    claim("a.b", section="5")(sentence())
    with pytest.raises(ClaimError, match=r"a\.b is registered already .*test_reports\.py"):
        claim("a.b", section="5")(other)
    assert empty_register["a.b"].sentence == "The image speaks to the question."


def test_a_claim_without_a_sentence_is_refused(empty_register: dict[str, Claim]) -> None:
    def silent() -> None: ...

    with pytest.raises(ClaimError, match="no docstring"):
        claim("a.b", section="5")(silent)
    assert not empty_register


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("", {}, "malformed"),
        ("A b", {}, "malformed"),
        ("a.b", {"bound_from": "me"}, "paper, card, ours"),
        ("a.b", {"tasks": "all"}, "tasks of the claim a.b is 'all'"),
        ("a.b", {"tasks": ("",)}, "write a tuple of names"),
        ("a.b", {"models": ["x"]}, "models"),
        ("a.b", {"recorded": (1,)}, "recorded"),
        ("a.b", {"recorded": None}, "recorded"),
    ],
)
def test_a_malformed_claim_is_refused(
    empty_register: dict[str, Claim], name: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClaimError) as refused:
        claim(name, section="5", **arguments)(sentence())
    assert said in str(refused.value)
    assert not empty_register


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("@claim('a.b', section='5')\ndef test_it(): pass", {"a.b"}),
        ("@reports.claim.claim(section='5', id='a.b')\nasync def test_it(): pass", {"a.b"}),
        ("class Test:\n @skip\n @claim('a.b')\n def test(_): pass\n@claim('c.d')\ndef test(): pass", {"a.b", "c.d"}),
        ("@parametrize('a.b')\n@fixture\ndef test_it(): pass\nclaim('c.d', section='5')(test_it)", set()),
        ("import nothing_of_this_name\n@claim('a.b', **more)\ndef test_it(): pass", {"a.b"}),
        ("@claim(name, section='5')\ndef test_it(): pass", None),
        ("@claim(**everything)\ndef test_it(): pass", None),
        ("@claim('a.b'\ndef test_it(): pass", None),
        ("\0", None),
    ],
)  # fmt: skip
def test_claims_can_be_read_of_files_that_are_not_imported(tmp_path: Path, text: str, ids: set[str] | None) -> None:
    (tmp_path / "test_it.py").write_text(text)
    (tmp_path / "test_more.py").write_text("@claim('e.f')\ndef test_it(): pass")
    assert written([tmp_path / "test_it.py", tmp_path / "test_more.py"]) == (None if ids is None else {*ids, "e.f"})
    assert written([tmp_path / "absent.py"]) is None
    assert written([]) == set()


def test_the_noise_floor_is_told_where_it_is_notable() -> None:
    loud = Measured(model="half", task="ChooseAttr", noise_median=0.314, noise_most=4.87)
    still = Measured(model="single", task="ChooseAttr", noise_median=1e-6, noise_most=2e-5)
    silent = Measured(model="slow", task="ChooseAttr")
    said = "half: noise floor 0.31 points at the median question, 4.9 at most (what knocking out nothing moves)"
    assert noise_floor([loud, still, silent], 200, above=0.1) == [said]
    assert [line.split(":")[0] for line in noise_floor([loud, still, silent], 200)] == ["half", "single"]


def test_the_grounds_of_what_is_inconclusive_are_counted() -> None:
    row = replace(PLANNED, verdict="inconclusive", reason="")
    rows = [
        replace(row, reason="about 260 questions would settle it", questions_needed=260),
        replace(row, reason="about 90 questions would settle it", questions_needed=90),
        replace(row, reason="nothing to locate: c(a->b) drops 0.0 points"),
        replace(row, reason="nothing to locate: c(b->a) drops 1.0 points"),
        replace(row, reason="too few questions: 8 images in a half of them, at least 10 are needed"),
        replace(row, verdict="holds"),
    ]
    assert " ".join(undecided(rows, 200)) == (
        "inconclusive: 2 with the bound inside the interval (about 90 questions would settle one); "
        "2 nothing to locate; 1 too few questions: 8 images in a half of them, at least 10 are needed"
    )
    assert undecided([replace(row, verdict="holds")], 200) == []
