"""How sure a verdict will be: known values, the bench's own verdicts simulated, and what bad input says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.model_flow import FEWEST_ASKED, Flow
from fixtures.statistics import evidence
from fixtures.statistics.curve import Curve
from fixtures.statistics.resampling import resampling
from fixtures.tasks import TASKS
from reports.claim import REGISTER
from reports.ledger.ledger import Environment, Ledger, MeasurementRecord
from reports.ledger.record import Record
from reports.ledger.strict_json import as_json
from reports.pilot import LIKELY, Pilot, pilots
from reports.power import FEWEST, MEASURED, PUBLISHED, SIZES, Published, main, power_text, powers, undecided
from suite.support.curves.claim_cases import NAME, claims
from suite.support.curves.paper_model import Model

NORMAL = NormalDist()
MODEL = "miniature"
PATIENT = settings(deadline=None, max_examples=100)

numbers = st.floats(-100, 100)
widths = st.floats(0.01, 50)
growths = st.floats(0.01, 100)


def pilot(effect: float, down: float, up: float, bound: str, n: int = 100) -> Pilot:
    return Pilot(
        claim="a.claim",
        model=MODEL,
        task="ChooseAttr",
        label="",
        verdict="inconclusive",
        effect=effect,
        low=effect - down,
        high=effect + up,
        bound=bound,
        unit="points",
        n=n,
        each=n,
        questions_needed=None,
        reason="",
    )


def record(claim: str = "stages.early-drop", **changes: Any) -> Record:
    fields: dict[str, Any] = {"section": "5", "figure": "4", "sentence": "It is.", "model": MODEL, "task": "ChooseAttr"}
    evidence: dict[str, Any] = {"effect": 60.0, "low": 50.0, "high": 75.0, "bound": ">= 40", "n": 100, "unit": "points"}
    return Record(**{"claim": claim, "verdict": "holds", **fields, **evidence, **changes})


def part(label: str, verdict: str, effect: float | None, bound: str, **changes: Any) -> dict[str, Any]:
    ends = {} if effect is None else {"low": effect - 5, "high": effect + 5}
    return {"label": label, "verdict": verdict, "effect": effect, **ends, "bound": bound, "n": 100, **changes}


def ledger(*records: Record, kept: int = 100) -> Ledger:
    environment = Environment(python="", platform="", packages={}, command="", started="", seconds=None)
    measurement_records = tuple(MeasurementRecord(model=MODEL, task=task, asked=128, kept=kept) for task in TASKS)
    return Ledger(environment=environment, models=(), measurements=measurement_records, records=records)


# ---- one statistic


def test_known_chances() -> None:
    """An effect of 10, half a width of 5 below it and 8 above; one standard error is the half-width over 1.96."""
    pilot_effect = pilot(10, 5, 8, "> 0")
    assert pilot_effect.chance(10, 1) == pytest.approx(NORMAL.cdf(1.959964), abs=1e-6)
    assert pilot_effect.chance(5, 1) == pytest.approx(0.5), "the truth is a half-width above the bound"
    assert pilot_effect.chance(0, 1) == pytest.approx(0.025), "the truth is on the bound"
    assert pilot_effect.chance(2.5, 4) == pytest.approx(0.5), "four times the questions, half the half-width"
    assert pilot_effect.chance(-8, 1) == pytest.approx(0.5), "below, the half-width above it counts"


def test_a_bound_of_two_ends_is_held_at_both() -> None:
    pilot_effect = pilot(30, 5, 5, "in [20, 40]")
    assert pilot_effect.chance(30, 1) == pytest.approx(2 * NORMAL.cdf(1.959964) - 1, abs=1e-6)
    assert pilot_effect.chance(30, 0.01) == 0, "the interval is wider than the bound"
    assert pilot_effect.chance(45, 1) == pytest.approx(0.5)
    assert pilot_effect.chance(15, 1) == pytest.approx(0.5)


def test_without_spread_it_is_certain() -> None:
    assert pilot(0, 0, 0, "<= 10").chance(0, 0.5) == 1
    assert pilot(0, 0, 0, "> 0").chance(0, 0.5) == 1
    assert pilot(0, 0, 0, ">= 0").chance(0, 0.5) == 1


def test_how_many_questions_make_it_likely() -> None:
    """One half-width must shrink until its distance holds it and the normal's 80th percentile besides."""
    expected = 100 * ((1.959964 + 0.841621) / 1.959964) ** 2 * (8 / 4) ** 2
    assert pilot(-4, 5, 8, "> 0").likely_at() == pytest.approx(expected, abs=1)
    assert pilot(0, 5, 8, "> 0").likely_at() is None, "it is on its bound"


@PATIENT
@given(effect=numbers, down=widths, up=widths, end=numbers, n=st.integers(10, 1000))
def test_what_the_ledger_calls_needed_is_an_even_chance(
    effect: float, down: float, up: float, end: float, n: int
) -> None:
    bound = evidence.Bound(low=end)
    needed = bound.needed(effect, effect - down, effect + up, n)
    pilot_effect = pilot(effect, down, up, str(bound), n)
    if needed is None or needed == n + 1 or f"{end:g}" != str(end):
        return
    assert pilot_effect.chance(effect, needed / n) >= 0.5 - 1e-9
    assert pilot_effect.chance(effect, (needed - 1) / n) <= 0.5 + 1e-9


@PATIENT
@given(truth=numbers, down=widths, up=widths, ends=st.tuples(numbers, numbers), growths=st.tuples(growths, growths))
def test_more_questions_never_make_it_less_sure(
    truth: float, down: float, up: float, ends: tuple[float, float], growths: tuple[float, float]
) -> None:
    low, high = sorted(ends)
    fewer, more = sorted(growths)
    for bound in (f">= {low:g}", f"< {high:g}", f"in [{low:g}, {high:g}]"):
        pilot_effect = pilot(truth, down, up, bound)
        assert 0 <= pilot_effect.chance(truth, fewer) <= pilot_effect.chance(truth, more) + 1e-12 <= 1 + 1e-9


# ---- against what happens


@pytest.mark.parametrize("n", [64, 256])
@pytest.mark.parametrize("truth", [3.0, 5.0])
def test_a_simulated_mean_is_decided_as_often_as_is_said(n: int, truth: float) -> None:
    """Of 4,000 runs of *n* questions, with a spread of 20 that a pilot of 100 measured."""
    generator, runs, spread, pilot_n = np.random.default_rng(n), 4_000, 20.0, 100
    half = 1.96 * spread / pilot_n**0.5
    expected = pilot(4.0, half, half, "> 0", pilot_n).chance(truth, n / pilot_n)
    samples = generator.normal(truth, spread, (runs, n))
    verdicts = samples.mean(axis=1) - 1.96 * samples.std(axis=1, ddof=1) / n**0.5 > 0
    error = (expected * (1 - expected) / runs) ** 0.5
    # A spread that is estimated from n questions moves the power by about 1 / n.
    assert abs(verdicts.mean() - expected) < 4 * error + 1 / n


def test_a_drop_on_the_bench_is_decided_as_often_as_is_said() -> None:
    """A pilot of 400 questions says how often 100 settle a drop that is cross-read and bootstrapped."""
    generator, runs, bound = np.random.default_rng(0), 400, 56.0
    shape = -60.0 / (1 + (np.arange(12) - 4.0) ** 2)

    def drop(n: int, seed: int) -> Any:
        values = shape * (1 + 0.35 * generator.standard_normal((n, 1))) + 4 * generator.standard_normal((n, 12))
        sample = resampling([f"i{each}" for each in range(n)], seed, 400)
        return Curve("edge", values, np.arange(12) / 12, "points", sample, None, "knockout").drop()

    large = drop(400, 0).at_least(bound)
    pilot_effect = replace(pilot(large.value, 0, 0, large.bound, 400), low=large.low, high=large.high)
    expected = pilot_effect.chance(60.0, 100 / 400)
    share = sum(drop(100, seed).at_least(bound).verdict == "holds" for seed in range(runs)) / runs
    assert 0.2 < expected < 0.8, "or the comparison says little"
    assert abs(share - expected) < 4 * (expected * (1 - expected) / runs) ** 0.5


# ---- a ledger


def test_a_claim_of_all_tasks_counts_questions_of_one() -> None:
    pooled = record(task="all", n=600, tasks=TASKS)
    alone, together = (pilots(each, ledger(each))[0].each for each in (record(), pooled))
    assert (alone, together) == (100, 100)
    (power,) = [each for each in powers(ledger(pooled)) if each.source == MEASURED]
    assert power.chances[64] == pilot(60, 10, 15, ">= 40", 100).chance(60, 0.64)


def test_a_claim_of_two_models_counts_questions_of_one() -> None:
    comparison = record("regions.smaller-model-reads-less-of-the-rest", n=190, bound="> 0")
    assert pilots(comparison, ledger(comparison, kept=95))[0].each == 95


def test_the_least_sure_part_decides_and_of_failing_ones_the_surest() -> None:
    parts = (part("one", "holds", 50.0, ">= 40"), part("two", "inconclusive", 42.0, ">= 40"))
    (decides,) = [each for each in powers(ledger(record("a.claim", parts=parts))) if each.decides]
    assert decides.pilot.label == "two"
    parts = (*parts, part("three", "fails", 30.0, ">= 40"), part("four", "inconclusive", 38.0, ">= 40"))
    (decides,) = [each for each in powers(ledger(record("a.claim", parts=parts))) if each.decides]
    assert (decides.pilot.label, decides.outcome) == ("three", "fails")


def test_a_part_without_a_number_leaves_the_whole_open() -> None:
    unread = part("two", "inconclusive", None, "> 0", reason="nothing to locate: it drops 0.1 points")
    only = record("a.claim", verdict="inconclusive", parts=(part("one", "holds", 50.0, ">= 40"), unread))
    assert not [each for each in powers(ledger(only)) if each.decides]
    assert "nothing to locate" in power_text(ledger(only))
    assert "claims without a number to go by: 1" in power_text(ledger(only))
    (result,) = undecided(ledger(only))
    assert [each.label for each in result.parts] == ["two"]
    assert result.likely_at is None


def test_the_papers_own_effect_stands_next_to_the_measured_one() -> None:
    result = powers(ledger(record(effect=45.0, low=35.0, high=55.0, verdict="inconclusive")))
    assert [(each.truth, each.outcome) for each in result] == [(45.0, "holds"), (60.0, "holds")]
    assert result[1].chances[128] > result[0].chances[128]
    assert result[1].chances[128] == pilot(45, 10, 10, ">= 40").chance(60.0, 1.28)


def test_accuracy_is_not_decided_by_fewer_questions_than_it_takes() -> None:
    assert FEWEST == {"setup.accuracy": FEWEST_ASKED}
    sure = record("setup.accuracy", effect=100.0, low=99.0, high=100.0, bound="> 95", unit="%", n=500)
    (result,) = powers(ledger(sure))
    assert result.chances[64] == 0.0
    assert result.chances[128] > 0.5


def test_a_pilot_that_found_little_says_nothing_of_the_papers_effect() -> None:
    result = powers(ledger(record(effect=0.1, low=0.0, high=0.2, verdict="fails")))
    assert result[0].chances == dict.fromkeys(SIZES, 1.0)
    assert result[1].chances == {}
    assert "whose spread is no guide to them: 1" in power_text(
        ledger(record(effect=0.1, low=0.0, high=0.2, verdict="fails"))
    )


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.claim)
def test_published_effects_are_of_claims_that_are_made(published: Published) -> None:
    claims()
    entry = REGISTER[published.claim]
    assert set(published.tasks) <= set(entry.tasks or TASKS)
    # As the claim's own test labels them, on a model that does what the paper says.
    task = (published.tasks or TASKS)[0]
    journal: list[evidence.Evidence] = []
    token = evidence.journal.set(journal)
    try:
        claims()[published.claim](Flow(published.claim, NAME, task, Model().measured))
    finally:
        evidence.journal.reset(token)
    result = as_json(journal[-1].to_json())
    of_claim = record(published.claim, task=task, parts=(result, *journal[-1].to_json()["parts"])[1:])
    plain = replace(of_claim, **{name: result[name] for name in ("low", "high", "bound", "n")}, effect=result["value"])
    parts = pilots(plain, ledger(plain))
    (mine,) = [each for each in parts if published.is_of(each)]
    assert all(mine.settles(size) == "holds" for size in published.sizes)


# ---- the command


def written_file(folder: Path, *records: Record) -> Path:
    path = folder / "ledger.json"
    path.write_text(json.dumps(as_json(ledger(*records))))
    return path


def test_it_prints_both_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_claim = record(effect=42.0, low=36.0, high=47.0, verdict="inconclusive", questions_needed=901)
    assert main(["--ledger", str(written_file(tmp_path, open_claim, record(task="QueryAttr")))]) == 0
    output = capsys.readouterr().out
    assert "miniature: 1 of 2 claims are undecided" in output
    row = next(line.split("  ") for line in output.splitlines() if "42.0 [36.0, 47.0] points" in line)
    assert [cell.strip() for cell in row if cell][-2:] == ["910", "1,900"]
    assert f"{LIKELY:.0%} sure at" in output
    assert "60.0 points (paper)" in output


def test_it_writes_strict_json(tmp_path: Path) -> None:
    path, out = written_file(tmp_path, record(), record(task="QueryAttr", effect=None)), tmp_path / "power.json"
    assert main(["--ledger", str(path), "--json", str(out)]) == 0
    result = json.loads(out.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no strict JSON"))
    assert result.keys() == {"method", "undecided", "power"}
    assert [each["truth"] for each in result["power"]] == [60.0, 60.0]
    assert result["power"][0]["chances"].keys() == {str(size) for size in SIZES}


def test_nothing_that_is_held_to_a_bound_is_nothing_to_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--ledger", str(written_file(tmp_path, record(verdict="recorded", bound="")))]) == 0
    assert "nothing to plan" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ("\udcff", "is no JSON"),
        ("[]", "should be an object"),
        ("{}", "schema version None"),
        ('{"schema": 99}', "schema version 99"),
        ('{"schema": 1, "environment": {}, "records": 5}', "records of the ledger should be a list"),
        (json.dumps(as_json(ledger())), "has no records"),
        (json.dumps(as_json(ledger(record(bound="around 5")))), "'around 5' is not read here"),
    ],
)
def test_bad_input_is_one_sentence(
    content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.json"
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
    assert main(["--ledger", str(path)]) == 2
    output = capsys.readouterr()
    assert says in output.err
    assert len(output.err.splitlines()) == 1
    assert not output.out


def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--ledger", str(written_file(tmp_path, record())), "--json", str(tmp_path / "none" / "p.json")]) == 2
    assert "p.json cannot be written" in capsys.readouterr().err
