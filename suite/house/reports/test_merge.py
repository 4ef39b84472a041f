"""Shards become one report; what was not measured alike is refused in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.files.json_csv import ledger_json
from reports.ledger.ledger import Ledger
from reports.merge import BadMerge, merge
from reports.text.holm import adjusted
from suite.support.runs import ledgers as made_up


def whole() -> Ledger:
    """As a run leaves it: adjusted for its claims."""
    run = made_up.whole()
    return replace(run, records=adjusted(run.records))


def shard(tasks: tuple[str, ...]) -> Ledger:
    """The part of a run that is about some *tasks*, its other rows not run."""
    run = whole()
    return replace(
        run,
        records=tuple(
            each if each.task in tasks else replace(each, verdict="not run", effect=None) for each in run.records
        ),
        measurements=tuple(each for each in run.measurements if each.task in tasks),
        curves=tuple(each for each in run.curves if each.task in tasks),
        examples=tuple(each for each in run.examples if each.task in tasks),
    )


FIRST, REST = ("ChooseAttr", "CompareAttr"), ("ChooseCat", "ChooseRel", "LogicalObj", "QueryAttr")


@pytest.mark.parametrize("order", [(FIRST, REST), (REST, FIRST), (FIRST, REST, FIRST)])
def test_shards_make_the_whole(order: tuple[tuple[str, ...], ...]) -> None:
    whole_again = merge([shard(tasks) for tasks in order], [str(place) for place in range(len(order))])
    run = whole()
    assert (whole_again.records, whole_again.measurements, whole_again.models) == (
        run.records,
        run.measurements,
        run.models,
    )
    assert sorted(whole_again.curves, key=repr) == sorted(run.curves, key=repr)
    assert whole_again.examples == run.examples
    assert whole_again.environment.seconds == 1.5 * len(order)


def test_disjoint_claims_are_joined() -> None:
    run = whole()
    halves = replace(run, records=run.records[:2]), replace(run, records=run.records[2:])
    assert merge(halves, ["a", "b"]).records == run.records


@pytest.mark.parametrize(("name", "value"), [("fingerprint", "beef"), ("layers", 12), ("dtype", "bfloat16")])
def test_models_that_were_not_measured_alike_are_refused(name: str, value: Any) -> None:
    run = whole()
    other = replace(run, models=(replace(run.models[0], **{name: value}),))
    with pytest.raises(BadMerge, match=rf"miniature has {name} .* in here and in there: merge only"):
        merge([run, other], ["here", "there"])


def test_a_model_that_a_shard_did_not_measure_disagrees_with_none() -> None:
    run = whole()
    bare = replace(run, models=(replace(run.models[0], fingerprint="", layers=None, width=None, dtype=""),))
    for runs in ([bare, run], [run, bare]):
        assert merge(runs, ["a", "b"]).models == run.models


def test_another_draw_of_questions_is_refused() -> None:
    run = whole()
    other = replace(run, measurements=tuple(replace(each, seed=1) for each in run.measurements))
    with pytest.raises(BadMerge, match="miniature, ChooseAttr has seed None and 1"):
        merge([run, other], ["a", "b"])


def test_another_number_of_questions_measured_is_refused_before_what_comes_of_it() -> None:
    run = whole()
    other = replace(
        run,
        measurements=tuple(replace(each, at_most=26) for each in run.measurements),
        records=tuple(replace(each, verdict="inconclusive") for each in run.records),
    )
    with pytest.raises(BadMerge, match="miniature, ChooseAttr has --measured None and 26 in a and in b"):
        merge([run, other], ["a", "b"])


def test_a_claim_that_was_judged_otherwise_is_refused() -> None:
    run = whole()
    other = replace(run, records=tuple(replace(each, verdict="holds") for each in run.records))
    with pytest.raises(BadMerge, match="is fails in a and holds in b, with other numbers"):
        merge([run, other], ["a", "b"])


def test_shards_are_adjusted_for_the_claims_of_all() -> None:
    run = whole()
    shards = [
        replace(run, records=adjusted([replace(run.records[0], claim=claim, verdict="holds", p=0.03)]))
        for claim in ("a.claim", "another.claim")
    ]
    assert [each.p_holm for each in merge(shards, ["one", "two"]).records] == pytest.approx([0.06, 0.06])


def test_rounding_is_no_contradiction() -> None:
    run = whole()
    other = replace(run, records=tuple(replace(each, effect=(each.effect or 0) + 1e-9) for each in run.records))
    assert merge([run, other], ["a", "b"]).records == run.records


def test_the_command_writes_the_whole_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, tasks in (("a", FIRST), ("b", REST)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ledger.json").write_text(ledger_json(shard(tasks)))
    out = tmp_path / "out"
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out), "--no-figures"]) == 0
    assert f"written in {out}: ledger.json, claims.md" in capsys.readouterr().out
    assert main(["compare", str(out), str(tmp_path / "a")]) == 0
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "none"), "--out", str(out)]) == 2
    assert "cannot be read" in capsys.readouterr().err
