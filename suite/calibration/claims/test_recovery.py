"""Planted stages of any layers and strengths are recovered: their places and their sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, Window, default_width
from fixtures.measure import measure
from fixtures.models.planted.build import build
from fixtures.models.planted.circuit import DIRECT, LAST_DROP, RIVALS, SCALE, Circuit, Read
from fixtures.models.planted.codes import CLEAREST, FAINTEST
from fixtures.models.planted.processor import processor
from fixtures.models.planted.subject import Planted
from fixtures.statistics.resampling import resampling
from fixtures.tasks import questions

ASKED = 24
EDGES = (IMAGE >> QUESTION, QUESTION >> LAST, RELATED >> QUESTION, OTHER >> QUESTION)
MURMURS = 1.5
"""Points of a drop that come from what every layer moves in addition to the stages."""
CLEAR = np.linspace(FAINTEST, CLEAREST, 1001)
"""How clearly objects show, each as often."""


@dataclass(frozen=True)
class Plan:
    """The layers of two stages and of the answer's own, and the parts of it that each of the former reads."""

    depth: int
    first: int
    second: int
    answer: int
    reads_first: float
    reads_second: float

    @property
    def circuit(self) -> Circuit:
        return Circuit(
            depth=self.depth,
            reads=(
                Read(self.first, self.reads_first, from_box=False),
                Read(self.second, self.reads_second, from_box=True),
            ),
            options=1 - self.reads_first - self.reads_second,
            gather=self.second + 1,
            relay=self.answer - 2,
            answer=self.answer - 1,
            direct=DIRECT,
            capitalize=self.depth - 1,
        )

    def drop(self, reads: float) -> float:
        """The mean in percent over objects of any clearness, where this part of the answer is not read."""
        options = 1 - self.reads_first - self.reads_second
        whole = options + (1 - options) * CLEAR
        return 100 * (1 - float(np.mean(_probability(whole - reads * CLEAR) / _probability(whole))))


def _probability(part: np.ndarray) -> np.ndarray:
    """The probability of an answer of which this part has been read."""
    return 1 / (1 + RIVALS * np.exp(-SCALE * part))


TO_THE_ANSWER = 5
"""Layers from the second stage on: words gather, make answers, one layer more, the instruction reads them, the last."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    depth = draw(st.integers(16, 22))
    apart = default_width(depth)
    first = draw(st.integers(0, 2))
    second = draw(st.integers(first + apart, first + apart + 2))
    answer = draw(st.integers(second + TO_THE_ANSWER, depth - 3))
    return Plan(depth, first, second, answer, draw(st.floats(0.15, 0.35)), draw(st.floats(0.08, 0.25)))


def around(layer: int, depth: int) -> set[int]:
    """The centres of the windows that have it."""
    return {centre for centre in range(depth) if layer in Window(centre, default_width(depth)).layers(depth)}


def built(plan: Plan) -> Planted:
    return Planted(build(plan.circuit), processor(), "drawn", "chat", lambda: "drawn")


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_what_is_planted_is_recovered(plan: Plan) -> None:
    measurement = measure(built(plan), questions("ChooseAttr", n=ASKED), EDGES)
    assert measurement.correct.all()
    planted = {
        OTHER >> QUESTION: (plan.first, plan.drop(plan.reads_first)),
        RELATED >> QUESTION: (plan.second, plan.drop(plan.reads_second)),
        QUESTION >> LAST: (plan.answer, 100 * LAST_DROP),
    }
    for edge, (layer, drop) in planted.items():
        curve = measurement.curve(edge)
        fallen = set(np.flatnonzero(curve.values.mean(axis=0) < -drop / 2))
        assert fallen == around(layer, plan.depth), edge
        assert curve.trough_layer().value == np.mean(list(fallen)), edge
        assert curve.drop().value == pytest.approx(drop, abs=MURMURS), edge
    stages = measurement.curve(IMAGE >> QUESTION)
    assert set(np.flatnonzero(stages.values.mean(axis=0) < -MURMURS)) == (
        around(plan.first, plan.depth) | around(plan.second, plan.depth)
    )


TRIALS = 400
FEWEST_COVERED = 0.92
"""An interval of 95 % covers fewer of so many samples in one of 400 cases."""


def test_what_is_planted_lies_in_its_interval_as_often_as_the_interval_says() -> None:
    plan = Plan(depth=16, first=1, second=6, answer=11, reads_first=0.3, reads_second=0.12)
    measurement = measure(built(plan), questions("ChooseAttr", n=128), EDGES)
    images = np.array([question.image_id for question in measurement.questions])
    generator, covered = np.random.default_rng(4), dict.fromkeys(EDGES, 0)
    for trial in range(TRIALS):
        image_sample = generator.choice(np.unique(images), ASKED)
        rows = [np.flatnonzero(images == image) for image in image_sample]
        sample = resampling([f"{place}" for place, row in enumerate(rows) for _ in row], trial, 500)
        for edge in EDGES:
            values = measurement.curve(edge).values
            drop = replace(
                measurement.curve(edge), values=values[np.concatenate(rows)], resampling=sample, baseline=None
            ).drop()
            covered[edge] += drop.low <= -values.mean(axis=0).min() <= drop.high
    assert min(covered.values()) >= FEWEST_COVERED * TRIALS, covered
