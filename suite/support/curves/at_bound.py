"""Bisection finds models like the paper's on which one number of a claim lies on its bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, Edge
from fixtures.statistics.evidence import Evidence
from suite.support.curves.claim_cases import evidence
from suite.support.curves.paper_model import LAYERS, POINTS, Floats, Model, bump, paper_curves, paper_lens
from suite.support.curves.population import Population

I_Q, Q_L, I_L, L_L = IMAGE >> QUESTION, QUESTION >> LAST, IMAGE >> LAST, LAST >> LAST
R_Q, O_Q = RELATED >> QUESTION, OTHER >> QUESTION
PAPER, LENS = paper_curves(), paper_lens()
EARLY, LATE = bump(1, 2.5, -60), bump(12, 2.5, -24)
ONE: Final = "ChooseAttr"

STEPS: Final = 20
"""The steps of a bisection; so many narrow the interval to a millionth."""

FEW, MANY = 48, 40_000
"""The questions of an exact population, in which all are the same, and of a nearly exact one."""

ACCURACY, INFERRED = "setup.accuracy", "answer.inferred-by-half-way"


@dataclass(frozen=True)
class Row:
    """A claim or one part of it, with models on which this part lies on its bound and the rest of the claim holds."""

    claim: str
    part: str
    """A pattern that only this part's label matches; empty if the claim has one part."""
    task: str
    at_bound: Callable[[], tuple[Model, Model]]
    """The nearest model on which the part is true and the nearest on which it is false.

    Both are the same model unless the part counts layers.
    """

    def number(self, model: Model) -> float:
        """The number that the part reads on *model*, over all questions."""
        if self.claim == ACCURACY:
            return 100 * model.right
        exact = self.claim != INFERRED  # That claim counts questions, which an exact population answers all the same.
        whole = Population(questions=FEW if exact else MANY, exact=exact).of(model)
        return part_of(evidence(whole, self.claim, self.task), self.part).value


def part_of(whole: Evidence, pattern: str) -> Evidence:
    """The part of *whole* whose label has the *pattern*."""
    if not pattern:
        assert not whole.parts, f"say which of {[part.label for part in whole.parts]}"
        return whole
    (part,) = [part for part in whole.parts if re.search(pattern, part.label)]
    return part


def on_bound(
    claim: str,
    model: Callable[[float], Model],
    between: tuple[float, float],
    bound: float,
    *,
    part: str = "",
    task: str = ONE,
) -> Row:
    """The row of the model *between* two values whose number is the *bound*; bisection finds it.

    `ValueError` if both values are on one side of the bound.
    """

    def bisection() -> tuple[Model, Model]:
        start, end = between
        rises = row.number(model(start)) < bound
        if rises == (row.number(model(end)) < bound):
            raise ValueError(f"{claim} {part} is on one side of {bound} between {between[0]:g} and {between[1]:g}")
        for _ in range(STEPS):
            middle = (start + end) / 2
            start, end = (middle, end) if (row.number(model(middle)) < bound) == rises else (start, middle)
        return model((start + end) / 2), model((start + end) / 2)

    row = Row(claim, part, task, bisection)
    return row


def next_to_bound(claim: str, part: str, true: Model, false: Model, task: str = ONE) -> Row:
    return Row(claim, part, task, lambda: (true, false))


def with_curves(**curves: Floats) -> Model:
    names = {"iq": I_Q, "ql": Q_L, "il": I_L, "ll": L_L, "rq": R_Q, "oq": O_Q}
    return replace(Model(), curves={**PAPER, **{names[name]: curve for name, curve in curves.items()}})


def with_lens(**forms: Floats) -> Model:
    return replace(Model(), lens={**LENS, **forms})


def second(height: float) -> Floats:
    return EARLY + bump(12, 2.5, -height)


def lower(rise: float = 18, height: float = 0.5, foot: float = 0.0, end: float = 0.0) -> Floats:
    up, down = 1 / (1 + np.exp(-(POINTS - rise) * 2)), 1 / (1 + np.exp((POINTS - 31) * 2))
    return np.maximum(height * up * down, np.where(rise > POINTS, foot, end))


def capital(foot: float = 0.0, end: float = 0.85) -> Floats:
    return np.maximum(end / (1 + np.exp(-(POINTS - 33) * 2)), foot * (POINTS <= LAYERS / 2))


def first_at(layer: int) -> Model:
    return with_curves(iq=bump(layer, 2.5, -60) + bump(layer + 11, 2.5, -24))


def shelf(x: float) -> Model:
    return with_curves(iq=np.minimum(EARLY, np.where(POINTS[:-1] < 19, -x, 0.0)))


def small(x: float) -> Model:
    return replace(Model(), smaller={O_Q: bump(1, 2.5, -x)})


def alike(x: float) -> Model:
    return replace(Model(), of_tasks={task: {I_Q: second(x)} for task in ("CompareAttr", "LogicalObj")})


def final(x: float) -> Model:
    return replace(Model(), of_final_sub_words={Q_L: PAPER[Q_L] + bump(31, 3, -x)})


def larger(x: float) -> Model:
    return replace(Model(), of_final_sub_words={Q_L: bump(20, 5, -x)})


def false_lower(x: float) -> Model:
    return with_lens(false_lowercase=x * LENS["lowercase"])


def appears(at: int) -> Model:
    return with_lens(lowercase=bump(at, 0.6, 0.5, POINTS))


def peaks(at: int) -> Model:
    return with_lens(lowercase=bump(20, 5, 0.5, POINTS), capitalized=bump(at, 5, 0.8, POINTS))


def apart(edge: Edge, by: int) -> Model:
    return replace(Model(), of_tasks={"QueryAttr": {edge: bump(1 + by, 2.5, -60)}})


RISES, COMES = "answer.lowercase-rises-in-the-middle", "answer.capitalized-comes-late"
FOLLOWS = "answer.follows-integration"
AGREES, BELOW = "robustness.last-sub-word-agrees", "answer.false-option-stays-below"

ROWS: Final = (
    on_bound(ACCURACY, lambda x: replace(Model(), right=x), (0.9, 0.99), 95.0),
    on_bound("routes.last-to-itself-is-negligible", lambda x: with_curves(ll=bump(20, 4, -x)), (2, 9), 5.0),
    on_bound("routes.question-to-last-is-significant", lambda x: with_curves(ql=bump(20, 5, -x)), (5, 20), 10.0),
    on_bound("routes.question-to-last-choose-attr", lambda x: with_curves(ql=bump(20, 5, -x)), (10, 29), 20.0),
    on_bound("routes.question-to-last-in-the-middle", lambda x: with_curves(ql=bump(x, 5, -32)), (2, 20), 2 / 3),
    on_bound("routes.question-dominates-image", lambda x: with_curves(il=bump(16, 5, -x)), (10, 60), 0.0),
    on_bound("routes.image-to-last-is-not-significant", lambda x: with_curves(il=bump(16, 5, -x)), (5, 20), 10.0),
    on_bound(
        "routes.direct-image-path-is-negligible-beside-indirect",
        lambda x: with_curves(il=bump(16, 5, -x)),
        (10, 60),
        0.0,
    ),
    on_bound("stages.early-drop", lambda x: with_curves(iq=bump(1, 2.5, -x) + LATE), (20, 60), 40.0),
    on_bound("stages.second-drop", lambda x: with_curves(iq=second(x)), (0, 30), 5.0),
    next_to_bound("stages.early-drop-is-sharp", "^c.*first trough", first_at(4), first_at(5)),
    on_bound("stages.early-drop-is-sharp", shelf, (0, 60), 0.0, part="^return"),
    on_bound("stages.are-disjoint", lambda x: with_curves(ql=bump(x, 5, -32)), (2, 25), 1 / 3),
    on_bound("stages.second-is-smaller", lambda x: with_curves(iq=second(x)), (20, 80), 0.0),
    on_bound("stages.second-is-smaller-on-compare-and-logical", alike, (5, 50), 0.0, task="all"),
    on_bound(
        "stages.image-to-question-precedes-question-to-last", lambda x: with_curves(ql=bump(x, 5, -32)), (0, 25), 0.0
    ),
    on_bound("regions.other-patches-carry-the-first-stage", lambda x: with_curves(rq=bump(1, 2.5, -x)), (30, 90), 0.0),
    on_bound(
        "regions.related-patches-carry-the-second-stage", lambda x: with_curves(oq=bump(12, 2.5, -x)), (5, 60), 0.0
    ),
    on_bound("regions.related-follow-the-rest", lambda x: with_curves(rq=bump(x, 2.5, -24)), (0, 20), 0.0),
    on_bound("regions.smaller-model-reads-less-of-the-rest", small, (30, 80), 0.0),
    on_bound(RISES, lambda x: with_lens(lowercase=lower(height=x)), (0.1, 0.5), 20.0, part=r"^peak of P\(lowercase\)$"),
    on_bound(RISES, lambda x: with_lens(lowercase=lower(foot=x)), (0.0, 0.1), 5.0, part="first 0.3"),
    on_bound(COMES, lambda x: with_lens(capitalized=capital(foot=x)), (0.0, 0.2), 5.0, part="up to half-way"),
    on_bound(COMES, lambda x: with_lens(capitalized=capital(end=x)), (0.2, 0.9), 50.0, part="at the end"),
    on_bound(FOLLOWS, lambda x: with_lens(lowercase=lower(rise=x)), (8, 16), 0.0, part="^half peak"),
    on_bound("answer.lowercase-fades", lambda x: with_lens(lowercase=lower(end=x)), (0.0, 0.3), 5.0),
    on_bound(
        FOLLOWS, lambda x: with_curves(ql=bump(14, 3, -32)).read("lowercase", lower(rise=x)), (17, 24), 0.0, part="^end"
    ),
    on_bound(INFERRED, false_lower, (0.3, 1.0), 75.0),
    on_bound(BELOW, false_lower, (0.2, 1.5), 0.0),
    on_bound(AGREES, final, (12, 32), 0.8, part=r"^rank .*c\(q"),
    on_bound(AGREES, larger, (32, 60), -10.0, part=r"^drop of c\(q"),
    next_to_bound(RISES, "^depth", appears(14), appears(13)),
    next_to_bound("answer.lowercase-peaks-before-capitalized", "", peaks(21), peaks(20)),
    next_to_bound("stages.same-layers-on-every-task", "QueryAttr", apart(I_Q, 4), apart(I_Q, 5), "all"),
    next_to_bound("regions.same-layers-on-every-task", "QueryAttr.*other", apart(O_Q, 4), apart(O_Q, 5), "all"),
)
"""A row for every part of every claim that has a bound. `robustness.every-window-tells-the-same` has no row: it
reads the statistic of `robustness.last-sub-word-agrees` fourteen times."""
