"""What changed from one run to another is told with intervals in pairs, and is red beyond its limits alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.compare import BadComparison, Limits, compare, conditions, parse_limits, report_lines
from reports.files.json_csv import ledger_json
from reports.ledger.ledger import Ledger
from reports.ledger.record import Record
from suite.support.runs.ledgers import MEASURED, SET_ASIDE, ledger, record, whole

NO_LIMITS = Limits({})
SPREAD = tuple(57.25 + 0.01 * (place % 100 - 49.5) for place in range(500))


def verdict_record(effect: float = 57.25, pairing: str = "same", noise: float = 0.0, **changes: Any) -> Record:
    """A record whose resamples are SPREAD, moved with the *effect*, every other one by *noise* more or less."""
    draws = tuple(effect - 57.25 + draw + noise * (-1) ** place for place, draw in enumerate(SPREAD))
    return replace(MEASURED, effect=effect, draws=draws, pairing=pairing, parts=(), **changes)


def test_the_same_run_changed_nothing() -> None:
    (change,) = compare(ledger(verdict_record()), ledger(verdict_record()))
    assert (change.turned, change.moved) == (False, [])
    (difference,) = change.differences
    assert (difference.value, difference.low, difference.high, difference.paired) == (0, 0, 0, True)


def test_a_difference_in_pairs_is_surer_than_either_interval() -> None:
    (change,) = compare(ledger(verdict_record()), ledger(verdict_record(57.35, noise=0.01)))
    (difference,) = change.moved
    assert 0.08 < difference.low < difference.value < difference.high < 0.12
    assert report_lines([change], NO_LIMITS)[1] == "    +0.10 points [+0.09, +0.11] paired, from 57.25 to 57.35"


def test_other_questions_are_not_paired() -> None:
    (change,) = compare(ledger(verdict_record()), ledger(verdict_record(pairing="other")))
    assert not change.differences[0].paired


@pytest.mark.parametrize(
    ("text", "effect", "verdict", "is_beyond"),
    [
        ("drop:5", 50.0, "holds", True),
        ("drop:5", 64.5, "holds", True),
        ("drop:5", 53.0, "fails", False),
        ("drop:8", 50.0, "holds", False),
        ("lens:1", 50.0, "holds", False),
        ("verdict", 57.25, "fails", True),
        ("drop:50, verdict", 57.25, "fails", True),
        ("verdict", 50.0, "holds", False),
        ("", 0.0, "fails", False),
    ],
)
def test_a_limit_is_to_one_unit_or_to_verdicts(text: str, effect: float, verdict: Any, is_beyond: bool) -> None:
    (change,) = compare(ledger(verdict_record()), ledger(verdict_record(effect, verdict=verdict)))
    assert change.beyond(parse_limits(text)) == is_beyond


def test_noise_is_never_beyond_a_limit() -> None:
    wide = tuple(57.25 + 20 * (-1) ** place for place in range(500))
    (change,) = compare(ledger(verdict_record()), ledger(replace(verdict_record(65.0), draws=wide)))
    assert not change.beyond(parse_limits("drop:5"))


@pytest.mark.parametrize("text", ["drop", "drop:", "drop:x", "drop:-1", "drop:nan", "speed:5", "verdict:1"])
def test_an_unknown_limit_names_those_that_are_known(text: str) -> None:
    with pytest.raises(BadComparison, match=r"known are drop:POINTS, lens:%, layers:LAYERS and verdict"):
        parse_limits(text)


def test_parts_are_compared_by_their_labels() -> None:
    def composite(peak: float) -> Record:
        part: dict[str, Any] = {"unit": "%", "draws": [peak] * 100, "pairing": "p", "verdict": "holds"}
        parts = ({**part, "label": "peak", "effect": peak}, {**part, "label": "depth", "effect": None, "draws": []})
        return replace(MEASURED, parts=parts)

    (change,) = compare(ledger(composite(20.0)), ledger(composite(30.0)))
    assert [(each.label, each.value) for each in change.moved] == [("peak", 10.0)]


def test_without_resamples_intervals_are_joined() -> None:
    accuracy = replace(MEASURED, effect=99.0, low=97.0, high=100.0, unit="%", parts=())
    worse = replace(accuracy, effect=80.0, low=73.0, high=86.0)
    (change,) = compare(ledger(accuracy), ledger(worse))
    assert change.moved[0].high < -10
    (same,) = compare(ledger(accuracy), ledger(accuracy))
    assert not same.moved


def test_what_one_run_did_not_ask_is_counted() -> None:
    both = [record(), record(task="QueryAttr")]
    lines = report_lines(compare(ledger(*both), ledger(both[0], record(task="all"))), NO_LIMITS)
    assert lines[:2] == [
        "asked before alone: 1, such as stages.early-drop, miniature, QueryAttr",
        "asked now alone: 1, such as stages.early-drop, miniature, all",
    ]
    assert lines[-1] == "compared: 1 claim, 0 verdicts turned, 0 effects surely moved"


def test_two_models_are_compared_where_each_run_has_one() -> None:
    (change,) = compare(ledger(record()), ledger(record(model="other", verdict="fails")))
    assert change.turned
    with pytest.raises(BadComparison, match="no claim, model and task in common"):
        compare(ledger(record()), ledger(record(model="b"), record(model="c")))


def test_how_many_were_to_be_measured_is_a_condition_of_its_own() -> None:
    before = whole()
    now = replace(before, measurements=tuple(replace(each, at_most=26) for each in before.measurements))
    assert conditions(before, now) == ["all correct answers a task were to be measured, now 26"]
    assert conditions(now, before) == ["26 correct answers a task were to be measured, now all"]


def test_conditions_that_differ_are_told() -> None:
    before = whole()
    now = replace(
        before,
        environment=replace(before.environment, packages={"numpy": "3.0", "torch": "2.13"}),
        models=(replace(before.models[0], fingerprint="beef"),),
        measurements=tuple(replace(each, seed=1) for each in before.measurements[:1]),
    )
    assert conditions(before, now) == [
        "numpy: 2.0 before, 3.0 now",
        "torch: none before, 2.13 now",
        "fingerprint of miniature: f00d before, beef now",
        "other questions or prompts on ChooseAttr",
    ]
    assert not conditions(before, before)


def test_conditions_of_several_models_are_those_of_the_same_name() -> None:
    before = whole()
    other, *_ = before.models
    another = replace(other, name="another", fingerprint="d00f")
    of_another = tuple(replace(each, model="another", seed=7) for each in before.measurements)
    now = replace(before, models=(another, other), measurements=(*of_another, *before.measurements))
    assert not conditions(before, now)
    assert not conditions(replace(now, models=(other, another)), now)


def test_prompts_whose_token_ids_alone_differ_are_told() -> None:
    """As under another tokenizer; a ledger that does not say says nothing of it."""
    told_before, told_now, untold = (
        ledger(measurements=(replace(SET_ASIDE, prompt="{question}", prompts_sha256=digest),))
        for digest in ("aa", "bb", "")
    )
    assert conditions(told_before, told_now) == ["the same prompts in other token ids on ChooseAttr"]
    assert not conditions(told_before, told_before)
    assert not conditions(untold, told_now)


def file_of(folder: Path, run: Ledger) -> str:
    folder.mkdir()
    (folder / "ledger.json").write_text(ledger_json(run))
    return str(folder)


def test_the_command_ends_by_its_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (
        file_of(tmp_path / "a", ledger(verdict_record())),
        file_of(tmp_path / "b", ledger(verdict_record(50.0))),
    )
    assert main(["compare", one, f"{other}/ledger.json"]) == 0
    assert main(["compare", one, other, "--compare-fail", "drop:5"]) == 1
    assert "! stages.early-drop, miniature, ChooseAttr: holds\n    -7.25 points" in capsys.readouterr().out


def test_the_command_says_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.json").write_text("{")
    (tmp_path / "old.json").write_text(json.dumps({"schema": 0}))
    for name, sentence in (("none", "cannot be read"), ("no.json", "no JSON"), ("old.json", "schema version 0")):
        assert main(["compare", str(tmp_path / name), str(tmp_path / name)]) == 2
        assert sentence in capsys.readouterr().err


def test_the_curves_of_both_runs_are_laid_over_each_other(tmp_path: Path) -> None:
    one, other = file_of(tmp_path / "a", whole()), file_of(tmp_path / "b", whole("other"))
    assert main(["compare", one, other, "--figures", str(tmp_path / "figures")]) == 0
    svg = (tmp_path / "figures" / "other-figure-4.svg").read_text()
    assert "miniature, before" in svg
    assert "other, now" in svg
