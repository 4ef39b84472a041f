"""What a run leaves for papers, cards and job summaries holds its verdicts, escaped, and what came before it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from reports.files.exports import claims_latex, model_card, text_properties
from reports.files.folder import EARLIER, STEP_SUMMARY, ReportOptions, write_report
from reports.ledger.ledger import Ledger
from suite.support.runs.ledgers import MEASURED, ledger, record, whole

TEXTS = ReportOptions(figures=False)


@pytest.fixture
def without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes figures without content, for tests of where files go."""
    drawings = {"svg": b"<svg/>", "pdf": b"%PDF"}
    monkeypatch.setattr("reports.files.figures._draw", lambda *_: drawings)


def test_latex_has_two_tables_a_model_and_nothing_unescaped() -> None:
    hostile = "a_b & 50 % $x$ #1 {y} ^ ~ \\input{z}"
    text = claims_latex(ledger(replace(MEASURED, model=hostile), replace(MEASURED, model=hostile, task="all")))
    assert text.count("\\begin{table*}") == text.count("\\end{table*}") == text.count("\\toprule") == 2
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert not [line for line in body if re.search(r"(?<!\\)[%$#_]", line)]
    assert not [line for line in body if "\\input" in line]
    assert "57.2 [52.0, 62.5]" in text


def test_a_model_card_has_every_effect_under_its_task() -> None:
    made_up = whole()
    (card,) = [yaml.safe_load(each) for each in re.findall(r"---\n(.*?)\n---", model_card(made_up), re.DOTALL)]
    (entry,) = card["model-index"]
    assert entry["name"] == "miniature"
    assert [result["dataset"]["name"] for result in entry["results"]] == [each.task for each in made_up.records]
    (metric,) = entry["results"][0]["metrics"]
    assert (metric["type"], metric["value"]) == ("stages.early-drop", 57.25)


def test_a_run_without_effects_has_no_card() -> None:
    assert not model_card(ledger(record(verdict="not run")))


def test_properties_are_text_and_none_is_empty() -> None:
    properties = text_properties(
        {"id": "a.b", "task": "all", "figure": None}, {"verdict": "holds", "effect": 1.5, "draws": [1]}
    )
    assert properties == [("claim", "a.b"), ("task", "all"), ("verdict", "holds"), ("effect", "1.5")]
    assert text_properties({"id": "a.b"}, None) == [("claim", "a.b")]


def test_the_summary_of_a_job_is_added_to(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    write_report(whole(), tmp_path / "out", TEXTS, {STEP_SUMMARY: str(summary)})
    assert summary.read_text() == "before\n" + (tmp_path / "out" / "claims.md").read_text()


def test_a_summary_that_takes_nothing_is_said(tmp_path: Path) -> None:
    sentences = write_report(whole(), tmp_path / "out", TEXTS, {STEP_SUMMARY: str(tmp_path)})
    assert any(sentence.startswith(f"no summary in {tmp_path}") for sentence in sentences)


def cut_short(run: Ledger, remaining: int = 1) -> Ledger:
    rest = (replace(each, verdict="not run", effect=None) for each in run.records[remaining:])
    return replace(run, records=(*run.records[:remaining], *rest))


def files_in(folder: Path) -> list[str]:
    return [row["verdict"] for row in json.loads((folder / "ledger.json").read_text())["records"]]


def test_a_fuller_report_is_kept_next_to_one_that_was_cut_short(tmp_path: Path) -> None:
    write_report(whole(), tmp_path, replace(TEXTS, card=True), {})
    sentences = write_report(cut_short(whole()), tmp_path, TEXTS, {})
    assert sentences[0].startswith("the earlier report said more (6 claims judged, and 1 now): it is kept in")
    assert files_in(tmp_path) == ["fails", *["not run"] * 5]
    assert files_in(tmp_path / EARLIER) == ["fails"] * 6
    assert {path.name for path in (tmp_path / EARLIER).iterdir()} >= {"claims.md", "claims.tex", "model-card.md"}
    assert not write_report(cut_short(whole()), tmp_path, TEXTS, {})[:-1], "an equal one takes its place"


def test_every_fuller_report_is_kept(tmp_path: Path) -> None:
    for remaining in (5, 3, 1):
        write_report(cut_short(whole(), remaining), tmp_path, TEXTS, {})
    assert [files_in(tmp_path / name).count("fails") for name in (EARLIER, f"{EARLIER}-1", ".")] == [5, 3, 1]


@pytest.mark.parametrize("there", ["", "{", "[]", '{"schema": 7}'])
def test_what_is_no_report_is_written_over(there: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(there)
    write_report(cut_short(whole()), tmp_path, TEXTS, {})
    assert not (tmp_path / EARLIER).exists()


def test_a_whole_run_takes_the_place_of_any(tmp_path: Path) -> None:
    write_report(whole(), tmp_path, TEXTS, {})
    write_report(ledger(MEASURED), tmp_path, TEXTS, {})
    assert not (tmp_path / EARLIER).exists()


@pytest.mark.usefixtures("without_drawing")
def test_figures_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    write_report(whole("one"), tmp_path, ReportOptions(), {})
    sentences = write_report(whole("two"), tmp_path, ReportOptions(), {})
    assert {path.name.partition("-figure")[0] for path in (tmp_path / "figures").iterdir()} == {"two"}
    assert sentences == [
        f"written in {tmp_path}: index.html, figures/ (8), ledger.json, claims.md, claims.csv, claims.tex"
    ]


@pytest.mark.usefixtures("without_drawing")
def test_what_an_earlier_run_drew_is_not_left_next_to_a_ledger_that_it_does_not_show(tmp_path: Path) -> None:
    write_report(whole("one"), tmp_path, ReportOptions(card=True), {})
    sentences = write_report(whole("two"), tmp_path, TEXTS, {})
    names = {"index.html", "figures", "model-card.md"}
    assert {path.name for path in (tmp_path / EARLIER).iterdir()} == names
    assert not names & {path.name for path in tmp_path.iterdir()}
    assert len(list((tmp_path / EARLIER / "figures").iterdir())) == 8
    assert sentences[0] == (
        f"of an earlier run, and not of this one: index.html, model-card.md, figures/, now in {tmp_path / EARLIER}"
    )
    assert len(write_report(whole("three"), tmp_path, TEXTS, {})) == 1, "it is moved once"


@pytest.mark.usefixtures("without_drawing")
def test_figures_that_a_fuller_report_took_along_are_moved_once(tmp_path: Path) -> None:
    write_report(whole(), tmp_path, ReportOptions(), {})
    assert len(write_report(cut_short(whole()), tmp_path, TEXTS, {})) == 2
    assert {path.name for path in (tmp_path / EARLIER).iterdir()} >= {"ledger.json", "index.html", "figures"}
    assert not (tmp_path / f"{EARLIER}-1").exists()


def test_a_page_where_no_report_was_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    write_report(whole(), tmp_path, TEXTS, {})
    assert (tmp_path / "index.html").read_text() == "mine"
