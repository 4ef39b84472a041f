"""Section 5, second experiment: the image moves into the question in two stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fixtures.tasks import TASKS
from suite.calibration.claims.truth.case import Case, false, true
from suite.support.curves.shapes import (
    COMPARING,
    EARLY,
    I_Q,
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

DEEP: Final = (28, 32, 40)
"""Depths at which one layer of 40 is about one layer; twelve layers are too few to tell its neighbours apart."""


def iq(*shapes: Shape) -> ShapedModel:
    """The paper's model but for image->question."""
    return ShapedModel(curves={I_Q: total(*shapes)})


def tasks(shapes: Mapping[str, Shape]) -> ShapedModel:
    """The paper's model but for image->question on some tasks."""
    return ShapedModel(of_tasks={task: {I_Q: shape} for task, shape in shapes.items()})


def both(iq_shape: Shape, ql_shape: Shape) -> ShapedModel:
    return ShapedModel(curves={I_Q: iq_shape, Q_L: ql_shape})


def halves(one: Shape, other: Shape) -> ShapedModel:
    """The paper's model but for image->question, which is *one* on three tasks and the *other* on three."""
    return tasks({**dict.fromkeys(TASKS[:3], one), **dict.fromkeys(TASKS[3:], other)})


def seconds(large: float, comparing: float) -> ShapedModel:
    """The paper's model with second drops of so many points on four tasks and on the two that compare."""
    shapes = {task: comparing if task in COMPARING else large for task in TASKS}
    return tasks({task: total(EARLY, bump(12, 2.5, -points)) for task, points in shapes.items()})


SCATTERED = {task: bump(3 * place, 1.5, -60) for place, task in enumerate(TASKS)}
PLATEAU, RAMP = level(-60), line((0, -60), (40, -20))

STAGES: Final[Mapping[str, tuple[Case, ...]]] = {
    "stages.early-drop": (
        true("it drops by 60 in the first layers and by 24 later", ShapedModel()),
        true("one layer is read, the first", iq(reader(at0=0.6))),
        true("it drops by 50 and stays low, which is another claim's matter", iq(level(-50, 0, 12))),
        true("on all tasks together it drops by 60", ShapedModel(), "all"),
        false("nothing drops", iq(NOTHING)),
        false("it drops by 20 only", iq(scaled(EARLY, 1 / 3), LATE)),
        false("it drops around the middle alone", iq(bump(20, 2, -60))),
        false("it drops around the tenth layer alone", iq(bump(14, 1.5, -60))),
        false("a cut in the first layers helps", iq(scaled(EARLY, -1 / 3), LATE)),
        false("on half of the tasks nothing drops", halves(NOTHING, scaled(EARLY, 0.9)), "all"),
    ),
    "stages.early-drop-is-sharp": (
        true("the first trough lies in the first layers and the curve comes back", ShapedModel()),
        true("one layer is read, the first", iq(reader(at0=0.6))),
        true("two layers are read, the first and one in the second band", iq(reader(at0=0.6, at12=0.3))),
        true("it drops to the bottom and is back within a few layers", iq(level(-60, 0, 4))),
        false("one layer is read at 6 of 40", iq(reader(at6=0.6)), depths=(40,)),
        false("one layer is read at 7 of 40", iq(reader(at7=0.6)), depths=DEEP),
        false("one layer is read at 8 of 40", iq(reader(at8=0.6)), depths=DEEP),
        false("one layer is read at 5 of 40", iq(reader(at5=0.6)), depths=(40,)),
        false("it is as low in every layer", iq(PLATEAU)),
        false("it comes back by a third over all layers", iq(RAMP)),
        false("it is low up to the middle", iq(level(-60, 0, 20))),
        false("it drops around the tenth layer alone", iq(bump(12, 2, -60))),
        false("nothing drops", iq(NOTHING), premise="an early drop"),
    ),
    "stages.second-drop": (
        true("it drops by 24 around the twelfth layer", ShapedModel()),
        true("it drops by 20 around the tenth", iq(EARLY, bump(10, 1.5, -20))),
        true("two layers are read, the first and the tenth", iq(reader(at0=0.6, at10=0.3))),
        true("two layers are read that one window holds", iq(reader(at0=0.6, at8=0.3)), depths=DEEP),
        true("it drops by 12, and any drop counts on this task", ShapedModel(), "CompareAttr"),
        false("there is one drop, at the bottom", iq(EARLY)),
        false("there is one drop, at the bottom, where any second would count", iq(EARLY), "CompareAttr"),
        false("there is one drop, around the twelfth layer", iq(bump(12, 2, -60))),
        false("the second drop is centred at 24", iq(EARLY, bump(24, 3, -30))),
        false("the second layer is read at 20", iq(reader(at0=0.6, at20=0.3)), depths=DEEP),
        false("the second layer is read at 21", iq(reader(at0=0.6, at21=0.3)), depths=DEEP),
        false("it is as low in every layer", iq(PLATEAU)),
        false("it is as low in every layer, where any drop counts", iq(PLATEAU), "LogicalObj"),
        false("it comes back step by step", iq(line((0, -60), (20, 0), (40, 0)))),
        false("one stage reaches from the bottom to the twelfth layer", iq(level(-60, 0, 12))),
        false("one layer is read at 4", iq(reader(at4=0.6)), depths=DEEP),
        false("it drops a second time by 2 points", iq(EARLY, bump(12, 1.5, -2))),
        false("a cut around the twelfth layer helps", iq(EARLY, bump(12, 2, 15))),
        false("nothing drops", iq(NOTHING)),
    ),
    "stages.second-is-smaller": (
        true("60 and 24 points", ShapedModel()),
        true("60 and 12 points", ShapedModel(), "LogicalObj"),
        true("two layers are read, and the first tells more", iq(reader(at0=0.6, at12=0.3))),
        true("two layers that one window holds", iq(reader(at0=0.6, at8=0.3)), depths=DEEP),
        false("20 and 60 points", iq(scaled(EARLY, 1 / 3), bump(12, 2.5, -60))),
        false("30 and 50 points", iq(level(-30, 0, 4), level(-50, 9, 14))),
        false("two layers are read, and the second tells more", iq(reader(at0=0.3, at12=0.6))),
        false("40 and 44 points", iq(level(-40, 0, 3), level(-44, 9, 14))),
        false("there is one drop", iq(EARLY), premise="a second drop"),
        false("it is as low in every layer", iq(PLATEAU), premise="a second drop"),
        false("there is one drop around the twelfth layer", iq(bump(12, 2, -60)), premise="a first drop"),
        false("nothing drops", iq(NOTHING), premise="any drop"),
    ),
    "stages.second-is-smaller-on-compare-and-logical": (
        true("12 points there, 24 elsewhere", ShapedModel(), "all"),
        true("it has none there, and 24 points elsewhere", seconds(24, 0), "all"),
        true("10 points there, 40 elsewhere", seconds(40, 10), "all"),
        false("40 points there, 24 elsewhere", seconds(24, 40), "all"),
        false("30 points there, none elsewhere", seconds(0, 30), "all"),
        false("50 points there, 24 elsewhere", seconds(24, 50), "all"),
        false("26 points there, 20 elsewhere", seconds(20, 26), "all"),
        false("none has a second drop", iq(EARLY), "all", premise="a second drop"),
        false("nothing drops on any task", iq(NOTHING), "all", premise="any drop"),
    ),
    "stages.same-layers-on-every-task": (
        true("every task has the paper's curves", ShapedModel(), "all"),
        true(
            "first and second troughs lie at most two layers apart",
            halves(total(EARLY, bump(11, 2.5, -24)), total(EARLY, LATE)),
            "all",
            (28, 32, 40),
        ),
        true("one task has no second drop", tasks({"LogicalObj": EARLY}), "all"),
        true(
            "tasks differ in size and not in place", halves(total(scaled(EARLY, 0.5), LATE), total(EARLY, LATE)), "all"
        ),
        false(
            "second drops at 8 on three tasks and at 17 on three",
            halves(reader(at0=0.6, at8=0.3), reader(at0=0.6, at17=0.3)),
            "all",
            depths=DEEP,
        ),
        false(
            "second drops at 9 on three tasks and at 17 on three",
            halves(total(EARLY, bump(8, 1, -24)), total(EARLY, bump(17, 1.5, -24))),
            "all",
            depths=(40,),
        ),
        false("one task drops first around the twentieth layer", tasks({"QueryAttr": bump(20, 2.5, -60)}), "all"),
        false(
            "two tasks drop first around the fourteenth layer", tasks(dict.fromkeys(TASKS[:2], bump(14, 2, -60))), "all"
        ),
        false("each task drops first elsewhere", tasks(SCATTERED), "all"),
        false("nothing drops", iq(NOTHING), "all", premise="any drop"),
        false("no task has a second drop", iq(EARLY), "all", premise="a second drop"),
    ),
    "stages.image-to-question-precedes-question-to-last": (
        true("around 1 and 12, then around 20", ShapedModel()),
        true("around 1, then around 30", both(EARLY, bump(30, 3, -32))),
        true("one layer each, 2 and 20", both(reader(at2=0.6), reader(at20=0.4))),
        false("around 30, and around 20 before it", both(bump(30, 3, -60), bump(20, 4, -32))),
        false("around 12, and around 2 before it", both(bump(12, 2, -60), bump(2, 2, -32))),
        false("one layer each, 20 and 8", both(reader(at20=0.6), reader(at8=0.4))),
        false("in the upper half, and in the lower", both(level(-60, 20, 40), level(-30, 0, 19))),
        false("everywhere, and at the bottom", both(PLATEAU, bump(1, 2, -30))),
        false(
            "the question tells the last position nothing", both(total(EARLY, LATE), NOTHING), premise="a flow to order"
        ),
        false("the image tells the question nothing", both(NOTHING, bump(20, 4, -32)), premise="a flow to order"),
    ),
    "stages.are-disjoint": (
        true("around 1 and 12, and around 20", ShapedModel()),
        true("at the bottom, and in the upper half", both(EARLY, level(-30, 20, 40))),
        true("one layer each, far apart", both(reader(at2=0.6), reader(at24=0.4))),
        false("in the same layers", both(bump(20, 4, -60), bump(20, 4, -32))),
        false("both everywhere", both(PLATEAU, level(-30))),
        false("both at the bottom", both(EARLY, bump(2, 3, -32))),
        false("both in the lower half", both(level(-60, 0, 20), level(-30, 0, 20))),
        false("the one within the other", both(level(-60, 8, 28), level(-30, 12, 24))),
        false("the question tells the last position nothing", both(total(EARLY, LATE), NOTHING), premise="two flows"),
    ),
}
