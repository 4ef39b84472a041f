"""For every claim, models of the paper's kind on which one of its numbers lies on its bound, found by bisection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from fixtures.evidence import Evidence
from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED
from suite.calibration.asked import evidence
from suite.calibration.population import Population
from suite.calibration.synthetic import LAYERS, POINTS, Floats, Model, bump, paper_curves, paper_lens

I_Q, Q_L, I_L, L_L = IMAGE >> QUESTION, QUESTION >> LAST, IMAGE >> LAST, LAST >> LAST
R_Q, O_Q = RELATED >> QUESTION, OTHER >> QUESTION
PAPER, LENS = paper_curves(), paper_lens()
EARLY, LATE = bump(1, 2.5, -60), bump(12, 2.5, -24)
ONE: Final = "ChooseAttr"

STEPS: Final = 40
"""Of a bisection: to a part in 10^12 of where it began."""

FEW: Final = 48
"""Questions of an exact population: all are alike."""


@dataclass(frozen=True)
class Family:
    """Models that differ in one number, from *low* to *high*, between which a *part* of a claim meets its *bound*."""

    claim: str
    part: str
    """Words of its label; empty where the claim has but one part."""
    model: Callable[[float], Model]
    low: float
    high: float
    bound: float
    task: str

    def number(self, x: float) -> float:
        """What the part comes to, without noise."""
        whole = Population(questions=FEW, exact=True).of(self.model(x))
        return part_of(evidence(whole, self.claim, self.task), self.part).value

    def at_bound(self) -> Model:
        """The model whose part is on the bound; `ValueError` where neither end is beyond it."""
        low, high = self.low, self.high
        rises = self.number(low) < self.bound
        if rises == (self.number(high) < self.bound):
            raise ValueError(f"{self.claim} {self.part} is on one side of {self.bound} from {low} to {high}")
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if (self.number(middle) < self.bound) == rises else (low, middle)
        return self.model((low + high) / 2)


def part_of(found: Evidence, words: str) -> Evidence:
    """The part whose label has the *words*."""
    if not words:
        assert not found.parts, f"say which of {[part.label for part in found.parts]}"
        return found
    (part,) = [part for part in found.parts if words in part.label]
    return part


def with_curves(**curves: Floats) -> Model:
    names = {"iq": I_Q, "ql": Q_L, "il": I_L, "ll": L_L, "rq": R_Q, "oq": O_Q}
    return replace(Model(), curves={**PAPER, **{names[name]: curve for name, curve in curves.items()}})


def with_lens(**forms: Floats) -> Model:
    return replace(Model(), lens={**LENS, **forms})


def second(height: float) -> Floats:
    return EARLY + bump(12, 2.5, -height)


def turned(by: float, curve: Floats) -> Floats:
    """The curve, and as much of its mirror image as takes its ranks apart."""
    return (1 - by) * curve + by * curve[::-1]


def lower(rise: float = 18, height: float = 0.5, foot: float = 0.0, end: float = 0.0) -> Floats:
    up, down = 1 / (1 + np.exp(-(POINTS - rise) * 2)), 1 / (1 + np.exp((POINTS - 31) * 2))
    return np.maximum(height * up * down, np.where(POINTS < rise, foot, end))


def capital(foot: float = 0.0, end: float = 0.85) -> Floats:
    return np.maximum(end / (1 + np.exp(-(POINTS - 33) * 2)), foot * (POINTS <= LAYERS / 2))


def small(x: float) -> Model:
    return replace(Model(), smaller={O_Q: bump(1, 2.5, -x)})


def alike(x: float) -> Model:
    return replace(Model(), of_tasks={task: {I_Q: second(x)} for task in ("CompareAttr", "LogicalObj")})


def final(x: float) -> Model:
    return replace(Model(), of_final_sub_words={Q_L: turned(x, PAPER[Q_L])})


def larger(x: float) -> Model:
    return replace(Model(), of_final_sub_words={Q_L: bump(20, 5, -x)})


def false_lower(x: float) -> Model:
    return with_lens(false_lowercase=x * LENS["lowercase"])


def false_capital(x: float) -> Model:
    return with_lens(false_capitalized=x * LENS["capitalized"])


RISES, COMES, FOLLOWS = "answer.lowercase-rises-in-the-middle", "answer.capitalized-comes-late", "answer.follows-integration"
AGREES, BELOW = "robustness.last-sub-word-agrees", "answer.false-option-stays-below"

FAMILIES: Final = tuple(
    Family(claim, part, model, low, high, bound, task)
    for claim, part, model, low, high, bound, task in (
        ("setup.accuracy", "", lambda x: replace(Model(), right=x), 0.9, 0.99, 95.0, ONE),
        ("routes.last-to-itself-is-negligible", "", lambda x: with_curves(ll=bump(20, 4, -x)), 2, 9, 5.0, ONE),
        ("routes.question-to-last-is-significant", "", lambda x: with_curves(ql=bump(20, 5, -x)), 5, 20, 10.0, ONE),
        ("routes.question-to-last-choose-attr", "", lambda x: with_curves(ql=bump(20, 5, -x)), 10, 29, 20.0, ONE),
        ("routes.question-to-last-in-the-middle", "", lambda x: with_curves(ql=bump(x, 5, -32)), 2, 20, 2 / 3, ONE),
        ("routes.question-dominates-image", "", lambda x: with_curves(il=bump(16, 5, -x)), 10, 60, 0.0, ONE),
        ("routes.image-to-last-is-not-significant", "", lambda x: with_curves(il=bump(16, 5, -x)), 5, 20, 10.0, ONE),
        (
            "routes.direct-image-path-is-negligible-beside-indirect",
            "", lambda x: with_curves(il=bump(16, 5, -x)), 10, 60, 0.0, ONE,
        ),
        ("stages.early-drop", "", lambda x: with_curves(iq=bump(1, 2.5, -x) + LATE), 20, 60, 40.0, ONE),
        ("stages.second-drop", "", lambda x: with_curves(iq=second(x)), 0, 30, 5.0, ONE),
        ("stages.second-is-smaller", "", lambda x: with_curves(iq=second(x)), 20, 80, 0.0, ONE),
        ("stages.second-is-smaller-on-compare-and-logical", "", alike, 5, 50, 0.0, "all"),
        (
            "stages.image-to-question-precedes-question-to-last",
            "", lambda x: with_curves(ql=bump(x, 5, -32)), 0, 25, 0.0, ONE,
        ),
        ("regions.other-patches-carry-the-first-stage", "", lambda x: with_curves(rq=bump(1, 2.5, -x)), 30, 90, 0.0, ONE),
        ("regions.related-patches-carry-the-second-stage", "", lambda x: with_curves(oq=bump(12, 2.5, -x)), 5, 60, 0.0, ONE),
        ("regions.related-follow-the-rest", "", lambda x: with_curves(rq=bump(x, 2.5, -24)), 0, 20, 0.0, ONE),
        ("regions.smaller-model-reads-less-of-the-rest", "", small, 30, 80, 0.0, ONE),
        (RISES, "peak of P(lowercase)", lambda x: with_lens(lowercase=lower(height=x)), 0.1, 0.5, 20.0, ONE),
        (RISES, "(first 0.3)", lambda x: with_lens(lowercase=lower(foot=x)), 0.0, 0.1, 2.0, ONE),
        (COMES, "up to half-way", lambda x: with_lens(capitalized=capital(foot=x)), 0.0, 0.2, 5.0, ONE),
        (COMES, "at the end", lambda x: with_lens(capitalized=capital(end=x)), 0.2, 0.9, 50.0, ONE),
        (FOLLOWS, "half peak of P(lowercase) minus", lambda x: with_lens(lowercase=lower(rise=x)), 8, 16, 0.0, ONE),
        ("answer.lowercase-fades", "", lambda x: with_lens(lowercase=lower(end=x)), 0.0, 0.3, 5.0, ONE),
        (BELOW, "lowercase", false_lower, 0.2, 1.5, 0.0, ONE),
        (BELOW, "capitalized", false_capital, 0.2, 1.5, 0.0, ONE),
        (AGREES, "rank correlation of c(question->last)", final, 0.0, 0.5, 0.8, ONE),
        (AGREES, "drop of c(question->last)", larger, 32, 60, -10.0, ONE),
    )
)  # fmt: skip
