"""A claim reads the curves that it names, resampled by a seed of its own, in one unit, on one task or on all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.flow import IMAGE, LAST, PADDING, QUESTION
from fixtures.model_flow import Flow, PooledFlow, seed_of
from fixtures.statistics.evidence import Unsupported
from suite.support.runs import stand_in_model as stand_in
from suite.support.runs.benches import SELECTION, bench, logged


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    return logged(monkeypatch, tmp_path)


@pytest.mark.usefixtures("measured")
def test_curves_of_one_test_are_resampled_alike_and_of_another_claim_otherwise() -> None:
    one = bench()
    flow = Flow("a.claim", "model", "ChooseAttr", one.measurement)
    curves = (
        flow(IMAGE >> QUESTION),
        flow(QUESTION >> LAST),
        flow(IMAGE >> LAST, width=5),
        flow.lens("lowercase"),
    )
    keys = {curve.resampling.key for curve in curves}
    assert len(keys) == 1
    others = [replace(flow, claim="another"), replace(flow, task="QueryAttr")]
    assert not keys & {other(IMAGE >> QUESTION).resampling.key for other in others}
    assert seed_of("a", "b", "c") != seed_of("a", "bc", "") != seed_of("ab", "", "c")


def test_what_the_paper_has_not_is_measured_when_it_is_read(measured: Callable[[], list[str]]) -> None:
    flow = Flow("a.claim", "model", "ChooseAttr", bench().measurement)
    assert flow(PADDING >> QUESTION).drop().value == pytest.approx(stand_in.DROP)
    assert flow(IMAGE >> QUESTION, width=5).drop().value == pytest.approx(stand_in.DROP)
    assert (flow.width, flow.layers) == (3, stand_in.LAYERS)
    assert measured() == ["model contract", *["model ChooseAttr"] * 3]


@pytest.mark.usefixtures("measured")
def test_another_models_curves_say_whose_they_are() -> None:
    flow = Flow("a.claim", "model", "ChooseAttr", bench().measurement)
    other = flow.of_model("model")
    assert flow(QUESTION >> LAST).drop().label == "drop of c(question->last)"
    assert other(QUESTION >> LAST).drop().label == "drop of c(question->last) of model"
    assert other.lens("lowercase").label == f"{flow.lens('lowercase').label} of model"


@pytest.mark.usefixtures("measured")
def test_the_lens_is_in_percent_and_accuracy_counts_all_that_was_asked() -> None:
    flow = Flow("a.claim", "model", "ChooseAttr", bench().measurement)
    assert flow.lens("lowercase").at(1.0).value == pytest.approx(100)
    assert flow.accuracy().value == 100
    assert flow.accuracy().n == SELECTION.questions


@pytest.mark.usefixtures("measured")
def test_tasks_are_pooled_each_with_its_own_seed() -> None:
    pooled = PooledFlow("a.claim", "model", SELECTION.tasks, bench().measurement)
    assert pooled.task == "all"
    assert pooled(IMAGE >> QUESTION).drop().value == pytest.approx(stand_in.DROP)
    assert len({task for task, _ in pooled(IMAGE >> QUESTION).drop().sources}) == 2
    assert (pooled.width, pooled.layers) == (3, stand_in.LAYERS)
    with pytest.raises(Unsupported, match="leaves out ChooseCat"):
        pooled.among("ChooseAttr", "ChooseCat")
    with pytest.raises(Unsupported, match="this run has QueryAttr alone"):
        pooled.among("QueryAttr")(IMAGE >> QUESTION)
