"""Section 5, second experiment (figure 4): the image moves into the question in two stages."""

from fixtures.flow import FIRST, IMAGE, LAST, LOWER_HALF, QUESTION, SECOND
from fixtures.model_flow import Flow, PooledFlow
from fixtures.tasks import TASKS
from reports.claim import claim

SHARP_DROP = 40.0
"""Points; the card's reading of an average drop of about 60 %."""

SECOND_TROUGH = 5.0
"""Points of prominence; our bound for a "second smaller drop", about a quarter of the paper's 21 %."""

ANY_TROUGH = 0.0
"""Points; the paper calls the second drop smaller on two tasks and gives no size."""

SECOND_DROP = {"CompareAttr": ANY_TROUGH, "LogicalObj": ANY_TROUGH}
LARGE_SECOND_DROP = tuple(task for task in TASKS if task not in SECOND_DROP)

MOST_TASKS = 2 / 3
"""Four of six tasks; our bound for how many must agree on their layers more closely than half a window."""


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
    "stages.second-drop",
    section="5",
    figure="4",
    statistic="prominence of a second trough of image->question in SECOND",
    bound="> 5 points; CompareAttr, LogicalObj > 0",
    bound_from="ours",
)
def test_second_drop(flow: Flow) -> None:
    """A second, smaller drop follows around a quarter of the depth."""
    assert flow(IMAGE >> QUESTION).prominence(SECOND).exceeds(SECOND_DROP.get(flow.task, SECOND_TROUGH))


@claim(
    "stages.second-is-smaller",
    section="5",
    figure="4",
    statistic="drop(image->question, FIRST) - drop(image->question, SECOND)",
    bound="> 0",
    bound_from="paper",
)
def test_second_is_smaller(flow: Flow) -> None:
    """The first drop is the sharp one, and the second the smaller."""
    curve = flow(IMAGE >> QUESTION)
    assert curve.drop(FIRST).exceeds(curve.drop(SECOND))


@claim(
    "stages.second-is-smaller-on-compare-and-logical",
    section="5",
    figure="4",
    statistic="mean drop(image->question, SECOND) of the other four tasks minus that of CompareAttr and LogicalObj",
    bound="> 0",
    bound_from="paper",
    tasks=("all",),
    needs=("several tasks",),
)
def test_second_is_smaller_on_compare_and_logical(flow: PooledFlow) -> None:
    """The second drop is smaller on CompareAttr and LogicalObj than on the other tasks."""
    large, small = flow.among(*LARGE_SECOND_DROP), flow.among(*SECOND_DROP)
    assert large(IMAGE >> QUESTION).drop(SECOND).exceeds(small(IMAGE >> QUESTION).drop(SECOND))


@claim(
    "stages.same-layers-on-every-task",
    section="5",
    figure="4",
    statistic="distance of each task's trough from the median layer over tasks; that of the nearest four of six",
    bound="<= half a window; <= a quarter of one",
    bound_from="ours",
    tasks=("all",),
    needs=("several tasks",),
)
def test_same_layers_on_every_task(flow: PooledFlow) -> None:
    """The layers in which the image moves into the question are the same on every task."""
    curves, half, quarter = flow(IMAGE >> QUESTION), flow.width // 2, max(1, flow.width // 4)
    nearest = curves.trough_distance(LOWER_HALF, nearest=flow.part(MOST_TASKS)).at_most(quarter)
    assert curves.troughs_agree(half, LOWER_HALF) & nearest


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
