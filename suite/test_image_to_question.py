"""Section 5, second experiment (figure 4): the image moves into the question in two stages."""

from fixtures.flow import FIRST, IMAGE, LAST, QUESTION, REFERENCE_DEPTH
from fixtures.model_flow import Flow, PooledFlow
from fixtures.tasks import TASKS
from reports.claim import claim

SHARP_DROP = 40.0
"""Points; the card's reading of an average drop of about 60 %."""

LAST_OF_FIRST = FIRST.last / REFERENCE_DEPTH
"""Fraction of depth; the layer up to which a window of 9 of 40 layers still reaches the first one."""

SECOND_TROUGH = 5.0
"""Points of prominence; our bound for a "second smaller drop", about a quarter of the paper's 21 %."""

ANY_TROUGH = 0.0
"""Points; the paper calls the second drop smaller on two tasks and gives no size."""

SECOND_DROP = {"CompareAttr": ANY_TROUGH, "LogicalObj": ANY_TROUGH}
LARGE_SECOND_DROP = tuple(task for task in TASKS if task not in SECOND_DROP)

MOST_TASKS = 2 / 3
"""Four of six tasks; our bound for how many must agree on their layers more closely than half a window."""

DISJOINT = 1 / 3
"""The part of their drops that two stages may share and still be called disjoint; ours."""


@claim(
    "stages.early-drop",
    section="5",
    figure="4",
    statistic="drop(image->question, FIRST)",
    bound=">= 40 points",
    bound_from="card",
    tasks=(*TASKS, "all"),
)
def test_early_drop(flow: Flow) -> None:
    """Blocking the image from the question lowers the probability sharply in the first layers."""
    assert flow(IMAGE >> QUESTION).drop(FIRST).at_least(SHARP_DROP)


@claim(
    "stages.early-drop-is-sharp",
    section="5",
    figure="4",
    statistic="layer of the first trough of image->question; most of it up to the end of SECOND + 0.5 drop",
    bound="<= 4/40 of depth; >= 0",
    bound_from="ours",
    absence=True,
)
def test_early_drop_is_sharp(flow: Flow) -> None:
    """The early drop lies in the first layers, and the probability comes back after them."""
    stages = flow.stages(IMAGE >> QUESTION)
    assert stages.first_layer().at_most(LAST_OF_FIRST * flow.layers) & stages.rebound().at_least(0.0)


@claim(
    "stages.second-drop",
    section="5",
    figure="4",
    statistic="prominence of the second trough of image->question, which lies in SECOND after a first one in FIRST",
    bound="> 5 points; CompareAttr, LogicalObj > 0",
    bound_from="ours",
)
def test_second_drop(flow: Flow) -> None:
    """A second, smaller drop follows around a quarter of the depth."""
    assert flow.stages(IMAGE >> QUESTION).prominence().exceeds(SECOND_DROP.get(flow.task, SECOND_TROUGH))


@claim(
    "stages.second-is-smaller",
    section="5",
    figure="4",
    statistic="drop(image->question) at the first trough - at the second",
    bound="> 0",
    bound_from="paper",
)
def test_second_is_smaller(flow: Flow) -> None:
    """The first drop is the sharp one, and the second the smaller."""
    stages = flow.stages(IMAGE >> QUESTION)
    assert stages.first_drop().exceeds(stages.second_drop())


@claim(
    "stages.second-is-smaller-on-compare-and-logical",
    section="5",
    figure="4",
    statistic="mean drop(image->question) at the second trough of the other four tasks - of CompareAttr, LogicalObj",
    bound="> 0",
    bound_from="paper",
    tasks=("all",),
    needs=("several tasks",),
)
def test_second_is_smaller_on_compare_and_logical(flow: PooledFlow) -> None:
    """The second drop is smaller on CompareAttr and LogicalObj than on the other tasks."""
    large, small = flow.among(*LARGE_SECOND_DROP), flow.among(*SECOND_DROP)
    assert large.stages(IMAGE >> QUESTION).second_drop().exceeds(small.stages(IMAGE >> QUESTION).second_drop())


@claim(
    "stages.same-layers-on-every-task",
    section="5",
    figure="4",
    statistic="distance of each task's first trough from the median layer over tasks, and that of the nearest two"
    " thirds; the same for the second trough",
    bound="<= half a window; <= a quarter of one",
    bound_from="ours",
    tasks=("all",),
    needs=("several tasks",),
)
def test_same_layers_on_every_task(flow: PooledFlow) -> None:
    """The layers in which the image moves into the question are the same on every task."""
    half, quarter = flow.width // 2, max(1, flow.width // 4)
    assert flow.stages(IMAGE >> QUESTION).layers_agree(half, most_within=quarter, share=MOST_TASKS)


@claim(
    "stages.image-to-question-precedes-question-to-last",
    section="5",
    statistic="centre(question->last) - centre(image->question)",
    bound="> 0 layers",
    bound_from="paper",
)
def test_image_to_question_precedes_question_to_last(flow: Flow) -> None:
    """The image reaches the question in lower layers than those where the question reaches the last position."""
    assert flow(QUESTION >> LAST).centre().exceeds(flow(IMAGE >> QUESTION).centre())


@claim(
    "stages.are-disjoint",
    section="5",
    statistic="overlap of the drops of image->question and question->last, each taken as 1",
    bound="<= 1/3",
    bound_from="ours",
    absence=True,
)
def test_are_disjoint(flow: Flow) -> None:
    """The two transfers are distinct stages, in layers that are disjoint."""
    assert flow(IMAGE >> QUESTION).overlap(flow(QUESTION >> LAST)).at_most(DISJOINT)
