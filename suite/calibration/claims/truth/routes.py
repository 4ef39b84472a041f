"""Section 5, first experiment: what the last position reads; and section 4: how often the answer is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from suite.calibration.claims.truth.case import Case, false, true
from suite.support.curves.shapes import (
    EARLY,
    I_L,
    I_Q,
    L_L,
    LATE,
    NOTHING,
    Q_L,
    Shape,
    ShapedModel,
    bump,
    level,
    line,
    reader,
    scaled,
    total,
)


def last(ql: Shape | None = None, il: Shape | None = None, ll: Shape | None = None) -> ShapedModel:
    """The paper's model but for the edges to the last position that are given."""
    given = {Q_L: ql, I_L: il, L_L: ll}
    return ShapedModel(curves={edge: shape for edge, shape in given.items() if shape is not None})


def right(share: float, questions: int = 600) -> ShapedModel:
    return replace(ShapedModel(), right=share, questions=questions)


MIDDLE = bump(20, 4, -32)

ROUTES: Final[Mapping[str, tuple[Case, ...]]] = {
    "setup.accuracy": (
        true("99 of a hundred are right", right(0.99)),
        true("all are right", right(1.0)),
        true("98 of a hundred are right", right(0.98, 2000)),
        false("80 of a hundred are right", right(0.8)),
        false("90 of a hundred are right", right(0.9)),
        false("92 of a hundred are right", right(0.92, 2000)),
        false("three of four are right", right(0.75)),
        false("60 of a hundred are right", right(0.6)),
    ),
    "routes.last-to-itself-is-negligible": (
        true("nothing changes", ShapedModel()),
        true("it drops by 2 points", last(ll=bump(20, 4, -2))),
        true("it rises by 2 points", last(ll=level(2))),
        false("it drops by 15 in the middle", last(ll=bump(20, 4, -15))),
        false("it drops by 12 at the top", last(ll=level(-12, 30, 40))),
        false("it drops by 10 everywhere", last(ll=level(-10))),
        false("it drops by 20 at one layer", last(ll=reader(at20=0.2))),
        false("a cut helps by 20", last(ll=bump(20, 4, 20))),
        false("it drops at the bottom and helps at the top", last(ll=line((0, -12), (40, 12)))),
    ),
    "routes.question-to-last-is-significant": (
        true("it drops by 32 in the middle", ShapedModel()),
        true("it drops by 30 everywhere", last(ql=level(-30))),
        true("it drops by 40 where one layer is read", last(ql=reader(at20=0.4))),
        false("nothing changes", last(ql=NOTHING)),
        false("it drops by 4", last(ql=bump(20, 5, -4))),
        false("it drops by 7 everywhere", last(ql=level(-7))),
        false("a cut helps by 32", last(ql=bump(20, 5, 32))),
        false("it drops by 3 where one layer is read", last(ql=reader(at20=0.03))),
    ),
    "routes.question-to-last-choose-attr": (
        true("it drops by 32", ShapedModel()),
        true("it drops by 25", last(ql=level(-25, 12, 26))),
        true("it drops by 30 everywhere", last(ql=level(-30))),
        false("it drops by 70", last(ql=level(-70, 12, 26))),
        false("it drops by 50", last(ql=level(-50))),
        false("it drops by 4", last(ql=bump(20, 5, -4))),
        false("nothing changes", last(ql=NOTHING)),
        false("a cut helps by 30", last(ql=level(30, 12, 26))),
    ),
    "routes.question-to-last-in-the-middle": (
        true("around the twentieth layer", ShapedModel()),
        true("between 12 and 26", last(ql=level(-30, 12, 26))),
        true("where one layer in the middle is read", last(ql=reader(at20=0.4))),
        false("around the second layer", last(ql=bump(2, 3, -32))),
        false("in the top quarter", last(ql=level(-30, 32, 40))),
        false("as much in every layer", last(ql=level(-30))),
        false("more and more up to the top", last(ql=line((0, 0), (30, 0), (40, -60)))),
        false("at both ends and not between", last(ql=line((0, -40), (8, 0), (32, 0), (40, -40)))),
        false("nothing changes", last(ql=NOTHING), premise="a flow to place"),
    ),
    "routes.question-dominates-image": (
        true("32 points for the question, 2 for the image", ShapedModel()),
        true("32 points and none", last(il=NOTHING)),
        true("50 points everywhere and 10", last(ql=level(-50), il=level(-10))),
        false("32 points for the question, 60 for the image", last(il=bump(16, 5, -60))),
        false("20 and 40 everywhere", last(ql=level(-20), il=level(-40))),
        false("none for the question, 30 for the image", last(ql=NOTHING, il=bump(16, 5, -30))),
        false("the question's cut helps, the image's costs 30", last(ql=level(20), il=level(-30))),
        false("the image's cut helps by 45 more than the question's costs", last(il=bump(16, 5, 45))),
        false("neither tells anything", last(ql=NOTHING, il=NOTHING), premise="a role to compare"),
    ),
    "routes.image-to-last-is-not-significant": (
        true("it drops by 2", ShapedModel()),
        true("nothing changes", last(il=NOTHING)),
        true("it drops by 15, which is slight on this task", last(il=level(-15, 12, 20)), "QueryAttr"),
        false("it drops by 25", last(il=bump(16, 5, -25))),
        false("it drops by 15 everywhere", last(il=level(-15))),
        false("it drops by 30, which is more than slight", last(il=level(-30, 12, 20)), "QueryAttr"),
        false("a cut helps by 40", last(il=bump(16, 5, 40))),
        false("it drops by 20 at one layer", last(il=reader(at16=0.2))),
    ),
    "routes.direct-image-path-is-negligible-beside-indirect": (
        true("2 points next to 60", ShapedModel()),
        true("none next to 60", last(il=NOTHING)),
        true("5 points next to 40", ShapedModel(curves={I_L: level(-5), I_Q: level(-40, 0, 4)})),
        false("55 points next to 60", last(il=bump(16, 5, -55))),
        false("24 points next to 60", last(il=level(-24, 10, 20))),
        false("a cut helps by 40, next to 60", last(il=bump(16, 5, 40))),
        false("20 points next to 20", ShapedModel(curves={I_L: level(-20), I_Q: scaled(total(EARLY, LATE), 1 / 3)})),
        false("30 points next to none", ShapedModel(curves={I_L: level(-30), I_Q: NOTHING})),
        false("none next to none", ShapedModel(curves={I_L: NOTHING, I_Q: NOTHING}), premise="an effect of the image"),
    ),
}
