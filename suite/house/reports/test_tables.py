"""Tables fit their width, hold every cell, and tell each number so that it contradicts no verdict."""

from dataclasses import replace
from typing import Any

import pytest

from reports.ledger.ledger import MeasurementRecord, UnfinishedRecord
from reports.ledger.record import Claim
from reports.text.numbers import bound, effect, fractions, layers_in_words
from reports.text.remarks import (
    absences,
    cut_short,
    left_out,
    noise_floor,
    set_aside,
    timings,
    unasked,
    undecided,
    unmeasured,
)
from reports.text.tables import WORDS, departures, finding, part_line, register, tally, verdicts
from suite.support.runs.ledgers import COMPOSITE, LONGEST_ID, MEASURED, OVER_TWO, PLANNED, TASKS, measured, record, rows


@pytest.mark.parametrize("models", [("miniature",), ("llava-1.5-13b", "llava-v1.6-vicuna-7b")], ids=len)
@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_table_fits_and_every_cell_is_in_it(width: int, models: tuple[str, ...]) -> None:
    records = rows(*models)
    table = verdicts(records, width)
    assert max(map(len, table.splitlines())) <= width
    cells = [word for line in table.splitlines() for word in line.replace("not ", "not_").split()]
    for verdict, word in WORDS.items():
        number = sum(record.verdict == verdict for record in records)
        assert cells.count(word.replace(" ", "_")) == number, verdict


@pytest.mark.parametrize("width", [120, 200])
def test_a_row_stands_on_one_line_where_there_is_room(width: int) -> None:
    table = verdicts(rows("miniature"), width)
    (line,) = (line for line in table.splitlines() if line.startswith(f" {LONGEST_ID.partition('.')[2]} "))
    assert len(line.replace("not ", "").split()) == 1 + len(TASKS)


def test_paint_moves_no_cell() -> None:
    def paint(text: str, markup: object) -> str:
        return f"\033[31m{text}\033[0m" if markup else text

    for width in (80, 120):
        table = verdicts(rows("miniature"), width, paint)
        assert "\033[31m" in table
        bare = table.replace("\033[31m", "").replace("\033[0m", "")
        assert bare == verdicts(rows("miniature"), width)


def test_columns_are_the_tasks_of_table_1_and_the_pooled_one_last() -> None:
    table = verdicts([record(task=task) for task in reversed(TASKS)], 200).splitlines()
    assert table[0].split() == ["Choose", "Choose", "Choose", "Compare", "Logical", "Query"]
    assert table[1].split() == ["miniature", "Attr", "Cat", "Rel", "Attr", "Obj", "Attr", "all"]


def test_expected_and_unexpected_departures_are_marked_and_explained() -> None:
    expected = verdicts([record(verdict="fails", expected="fails")], 120)
    assert "fails*" in expected
    assert "* as suite/expected says" in expected
    table = verdicts([record(verdict="holds", expected="fails")], 120)
    assert "holds!" in table
    assert "! not what suite/expected says" in table
    silent = verdicts([record(verdict="inconclusive", expected="fails"), record(expected="holds", task="all")], 120)
    assert not set("*!") & set(silent)


def test_departures_are_told_by_claim_and_the_expected_ones_last() -> None:
    lines = departures(
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
    assert lines == [
        "stages.early-drop: Blocked early, the image costs the answer most.",
        "  fails     ChooseAttr  12.0 [9.0, 15.0] points, claimed >= 40; n 117",
        "  holds!    ChooseCat   fails expected",
        "  fails*    all",
    ]


@pytest.mark.parametrize("count", [1, 19, 20, 200])
def test_a_long_list_of_departures_ends_with_the_count_of_the_rest(count: int) -> None:
    lines = departures([record(verdict="fails", task=f"Task{i}") for i in range(count)], 100, "claims.md", limit=20)
    assert len(lines) <= 20
    if count < 20:
        assert len(lines) == 1 + count
    else:
        assert lines[-1] == f"... and {count - 18} more, all in claims.md"


def test_the_tally_counts_every_verdict_and_says_when_none_holds() -> None:
    line = tally(
        [
            record(),
            record(verdict="fails", expected="fails"),
            record(verdict="fails"),
            record(verdict="not run"),
        ]
    )
    assert line == "claims: 1 holds, 2 fails (1 expected), 1 not run"
    assert tally([record(verdict="recorded")]) == "claims: 1 recorded; no claim holds in this run"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"effect": 0.5, "low": -0.25, "high": 1.25, "unit": "layers"}, "0.50 [-0.25, 1.25] layers"),
        ({"effect": 57.25, "unit": "%"}, "57.2 %"),
        ({"effect": None, "low": None, "high": None, "unit": "points"}, ""),
        ({"effect": -0.001, "low": -0.004, "high": 0.004, "unit": ""}, "0.00 [0.00, 0.00]"),
        ({"effect": 12.5, "low": 9.97, "high": 15.0, "bound": ">= 10"}, "12.50 [9.97, 15.00]"),
        ({"effect": 12.5, "low": 10.0, "high": 15.0, "bound": ">= 10"}, "12.5 [10.0, 15.0]"),
        ({"effect": 0.5, "low": 0.6664, "high": 0.8, "bound": ">= 0.666667"}, "0.500 [0.666, 0.800]"),
        ({"effect": 0.5, "low": 0.0, "high": 0.3501, "bound": "in [0.35, 0.85]"}, "0.5000 [0.0000, 0.3501]"),
        ({"effect": 0.5, "low": 0.5, "high": 39.99999, "bound": "<= 40"}, "0.5000 [0.5000, 40.0000]"),
    ],
)
def test_no_rounding_contradicts_a_verdict(numbers: dict[str, Any], text: str) -> None:
    assert effect(numbers) == text


@pytest.mark.parametrize(
    ("text", "fractional"),
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
def test_a_fraction_is_written_as_people_write_it(text: str, fractional: str) -> None:
    assert fractions(text) == fractional


def test_a_bound_has_its_unit() -> None:
    assert bound({"bound": ">= 40", "unit": "points"}) == ">= 40 points"
    assert bound({"bound": ">= 0.666667", "unit": ""}) == ">= 2/3"
    assert bound({"bound": "in [0.35, 0.85]", "unit": "of depth"}) == "in [0.35, 0.85] of depth"
    assert bound({"bound": "", "unit": "points"}) == ""


def test_layers_are_spelled_in_runs() -> None:
    assert layers_in_words([7, 2, 0, 1, 2]) == "0-2, 7"
    assert layers_in_words([]) == ""


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
        Claim(LONGEST_ID, "5", "3", "What " * 20, "ours", statistic="drop " * 12, bound="< 0 points", absence=True),
        Claim("answer.fades", "abstract", None, "It fades.", "paper", statistic="mean P(lower)", bound="<= 5 %"),
    ]
    table = register(entries, width)
    assert max(map(len, table.splitlines())) <= width
    assert table.split().count("What") == 20
    assert table.split().count("drop") == 13
    for text in (
        LONGEST_ID,
        "§5, figure 3",
        "< 0 points (ours)",
        "absent",
        "abstract",
        "It fades.",
        "mean P(lower)",
        "<= 5 % (paper)",
    ):
        assert text in table


def test_the_noise_floor_is_told_where_it_is_notable() -> None:
    loud = MeasurementRecord(model="half", task="ChooseAttr", noise_median=0.314, noise_most=4.87)
    still = MeasurementRecord(model="single", task="ChooseAttr", noise_median=1e-6, noise_most=2e-5)
    silent = MeasurementRecord(model="slow", task="ChooseAttr")
    line = "half: noise floor 0.31 points at the median question, 4.9 at most (what knocking out nothing moves)"
    assert noise_floor([loud, still, silent], 200, above=0.1) == [line]
    assert [line.split(":")[0] for line in noise_floor([loud, still, silent], 200)] == ["half", "single"]


def test_claims_that_hold_by_an_absence_are_named_once() -> None:
    absent = record(claim="a.b", verdict="holds", absence=True)
    told = absences([absent, replace(absent, task="QueryAttr"), replace(absent, claim="c.d", verdict="fails")], 1000)
    assert len(told) == 1
    assert told[0].endswith("which does not say that it is unused: a.b")
    assert not absences([record(verdict="holds")], 1000)


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


def test_why_claims_cannot_be_asked_is_told_without_their_tasks() -> None:
    row = record(verdict="unsupported")
    rows = [
        *(
            replace(row, reason=f"a: b cannot be asked about {edge} on {row.task}: no tiles")
            for edge in ("a->b", "c->b")
        ),
        *(replace(row, reason=f"{model} has 4 layers, too few") for model in ("a: b", "c: b")),
        replace(row, reason=""),
        replace(row, verdict="holds"),
    ]
    assert unasked(rows, 200) == [
        "unsupported: 2 no tiles; 1 a: b has 4 layers, too few; 1 c: b has 4 layers, too few; 1 without a reason"
    ]
    assert unasked(rows[-1:], 200) == []


def test_claims_about_all_tasks_are_counted_with_those_about_one() -> None:
    row = record(verdict="inconclusive", questions_needed=None)
    pooled = replace(row, task="all", tasks=("ChooseAttr", "QueryAttr"))
    rows = [
        replace(row, reason="too few questions: 8 images"),
        replace(pooled, reason="ChooseAttr: too few questions: 8 images; QueryAttr: too few questions: 9 images"),
    ]
    assert undecided(rows, 200) == ["inconclusive: 2 too few questions"]


def test_timings_are_of_each_model_and_name_the_longest() -> None:
    made_up = [
        replace(measured(task), seconds=seconds) for task, seconds in (("ChooseAttr", 10.0), ("QueryAttr", 54.0))
    ]
    assert timings([*made_up, measured("ChooseCat")], 120) == [
        "miniature: 256 questions of 2 tasks measured in 64 s (4/s), longest QueryAttr with 54 s"
    ]
    some = [replace(each, at_most=26, kept=26) for each in made_up]
    (line,) = timings(some, 200)
    assert line.startswith("miniature: 256 questions of 2 tasks, 52 of them knocked out, measured in 64 s (0.812/s), ")
    assert timings([measured("ChooseAttr")], 120) == []


def test_advice_is_no_finer_than_an_estimate() -> None:
    row = record(verdict="inconclusive", n=32, questions_needed=33)
    assert undecided([row], 200) == [
        "inconclusive: 1 with the bound inside the interval (a few more questions would settle one)"
    ]
    (line,) = undecided([replace(row, questions_needed=36)], 200)
    assert "(about 36 questions would settle one)" in line


def test_questions_that_lack_an_edge_are_counted_with_their_reasons() -> None:
    lacking = replace(
        measured("ChooseAttr"),
        left_out={
            "related->question": {"box on no patch": 3},
            "other->question": {"box on no patch": 3},
            "image->options": {"no option found": 1},
        },
    )
    assert left_out([lacking, measured("QueryAttr")], 200) == [
        "left out of some curves, box on no patch: 3 of ChooseAttr (related->question, other->question)",
        "left out of some curves, no option found: 1 of ChooseAttr (image->options)",
    ]
    assert left_out([measured("QueryAttr")], 200) == []


def test_how_far_a_run_came_is_told_by_task() -> None:
    lines = [
        UnfinishedRecord(model="miniature", task="ChooseAttr", measured=40, asked=128),
        UnfinishedRecord(model="miniature", task="QueryAttr"),
    ]
    assert cut_short(lines, 200) == [
        "measured when the run ended: ChooseAttr 40 of 128 questions, QueryAttr none yet; "
        "the next run goes on from there"
    ]
    assert "other ChooseAttr 40" in cut_short([replace(lines[0], model="other"), lines[1]], 200)[0]
    assert cut_short([], 200) == []


def test_a_run_that_measured_nothing_has_nothing_to_go_on_from() -> None:
    none = UnfinishedRecord(model="miniature", task="ChooseAttr", measured=0, asked=1)
    assert cut_short([none], 200) == ["measured when the run ended: ChooseAttr 0 of 1 question"]
    assert cut_short([replace(none, asked=None)], 200) == ["measured when the run ended: ChooseAttr none yet"]
