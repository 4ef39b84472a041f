"""Section 6: the rest of the image first, then the objects that the question names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fixtures.tasks import TASKS
from suite.calibration.claims.truth.case import Case, false, true
from suite.support.curves.shapes import (
    EARLY,
    I_Q,
    LATE,
    NOTHING,
    O_Q,
    R_Q,
    Shape,
    ShapedModel,
    bump,
    level,
    reader,
    scaled,
    total,
)


def parts(related: Shape, other: Shape, whole: Shape | None = None) -> ShapedModel:
    """The paper's model but for what the question reads of either kind of patches."""
    return ShapedModel(curves={R_Q: related, O_Q: other, **({I_Q: whole} if whole else {})})


def on(task: str, related: Shape, other: Shape) -> ShapedModel:
    """The paper's model but for the patches on one *task*."""
    return ShapedModel(of_tasks={task: {R_Q: related, O_Q: other}})


def smaller(height: float, other: Shape = EARLY) -> ShapedModel:
    """A model whose smaller sibling drops by *height* in the first stage without the other patches."""
    return replace(ShapedModel(curves={O_Q: other}), smaller={O_Q: bump(1, 2.5, -height)})


ONE = bump(1, 2.5, -60)

REGIONS: Final[Mapping[str, tuple[Case, ...]]] = {
    "regions.other-patches-carry-the-first-stage": (
        true("60 points for the rest, none for the objects", ShapedModel()),
        true("60 and 30 points", parts(total(LATE, scaled(EARLY, 0.5)), EARLY)),
        true("60 points for the rest, and a cut of the objects helps", parts(total(LATE, level(10, 0, 4)), EARLY)),
        false("none for the rest, 60 for the objects", parts(EARLY, NOTHING)),
        false("30 and 60 points", parts(EARLY, scaled(EARLY, 0.5))),
        false("50 and 60 points", parts(level(-60, 0, 4), level(-50, 0, 4))),
        false("a cut of the rest helps", parts(scaled(EARLY, 0.5), scaled(EARLY, -0.3))),
        false("the rest is read around the twelfth layer, the objects at the bottom", parts(EARLY, LATE)),
        false("neither is read", parts(NOTHING, NOTHING), premise="a first stage of either"),
        false("the question reads nothing", parts(LATE, EARLY, NOTHING), premise="a first stage"),
    ),
    "regions.related-patches-carry-the-second-stage": (
        true("24 points for the objects, none for the rest", ShapedModel()),
        true("24 and 8 points", parts(LATE, total(EARLY, scaled(LATE, 1 / 3)))),
        true("24 points on another task", ShapedModel(), "QueryAttr"),
        false("none for the objects, 24 for the rest", parts(NOTHING, LATE)),
        false("8 and 24 points", parts(scaled(LATE, 1 / 3), total(EARLY, LATE))),
        false("20 and 24 points", parts(level(-20, 8, 16), level(-24, 8, 16))),
        false("a cut of the objects helps", parts(scaled(LATE, -0.5), total(EARLY, LATE))),
        false("the objects are read at the bottom, the rest around the twelfth layer", parts(EARLY, LATE)),
        false("the question has no second stage", parts(LATE, EARLY, EARLY), premise="a second stage"),
        false("the question reads everywhere alike", parts(LATE, EARLY, level(-60)), premise="a second stage"),
    ),
    "regions.related-follow-the-rest": (
        true("around 12 after around 1", ShapedModel()),
        true("around 12 after around 4", parts(LATE, bump(4, 2, -30))),
        true("one layer each, 14 and 2", parts(reader(at14=0.3), reader(at2=0.5))),
        false("around 1 before around 12", parts(EARLY, LATE)),
        false("around 3 before around 20", parts(bump(3, 2, -30), bump(20, 2, -30))),
        false("one layer each, 2 and 14", parts(reader(at2=0.3), reader(at14=0.5))),
        false("in the lower half, before the upper", parts(level(-30, 0, 19), level(-30, 20, 40))),
        false("at the bottom, before everywhere", parts(bump(1, 2, -30), level(-30))),
        false("the objects are not read", parts(NOTHING, EARLY), premise="both transfers"),
        false("the rest is not read", parts(LATE, NOTHING), premise="both transfers"),
    ),
    "regions.same-layers-on-every-task": (
        true("all tasks have the paper's curves", ShapedModel(), "all"),
        true("they differ in size", on("QueryAttr", scaled(LATE, 2), scaled(EARLY, 0.7)), "all"),
        true(
            "one task lies a layer higher", on("QueryAttr", bump(13, 2.5, -24), bump(2, 2.5, -60)), "all", (28, 32, 40)
        ),
        false("one task reads the rest around 17", on("QueryAttr", LATE, bump(17, 2, -60)), "all"),
        false("one task reads the objects around 25", on("QueryAttr", bump(25, 2, -30), EARLY), "all"),
        false("one task reads the objects at the bottom", on("LogicalObj", EARLY, EARLY), "all"),
        false(
            "half of the tasks read the objects around 26",
            ShapedModel(of_tasks={task: {R_Q: bump(26, 2, -30)} for task in TASKS[:3]}),
            "all",
        ),
        false(
            "each task reads the rest elsewhere",
            ShapedModel(of_tasks={task: {O_Q: bump(6 * place, 2, -40)} for place, task in enumerate(TASKS)}),
            "all",
        ),
        false("no task reads the objects", parts(NOTHING, EARLY), "all", premise="both transfers"),
    ),
    "regions.smaller-model-reads-less-of-the-rest": (
        true("30 points there, 60 here", ShapedModel()),
        true("none there", smaller(0)),
        true("50 points there", smaller(50)),
        false("80 points there, 60 here", smaller(80)),
        false("70 points there", smaller(70)),
        false("30 points there, none here", smaller(30, NOTHING)),
        false("30 points there, 20 here", smaller(30, scaled(ONE, 1 / 3))),
        false("30 points there, and a cut helps here", smaller(30, scaled(ONE, -0.3))),
    ),
}
