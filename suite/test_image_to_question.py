"""Section 5, second experiment (figure 4): the image moves into the question in two stages."""

from fixtures.flow import FIRST, IMAGE, LAST, QUESTION, SECOND
from fixtures.tasks import TASKS
from fixtures.view import Flow
from reports.claim import claim

SHARP_DROP = 40.0
"""Points; the card's reading of an average drop of about 60 %."""

SECOND_TROUGH = 5.0
"""Points of prominence; ours for a "second smaller drop", about a quarter of the paper's 21 %."""

ANY_TROUGH = 0.0
"""Points; the paper calls the second drop of these two tasks smaller, and gives no size."""

SECOND_DROP = {"CompareAttr": ANY_TROUGH, "LogicalObj": ANY_TROUGH}


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
    "stages.image-to-question-precedes-question-to-last",
    section="5",
    statistic="centre(question->last) - centre(image->question)",
    bound="> 0 layers",
    bound_from="paper",
)
def test_image_to_question_precedes_question_to_last(flow: Flow) -> None:
    """The image reaches the question in lower layers than those where the question reaches the last position."""
    assert flow(QUESTION >> LAST).centre().exceeds(flow(IMAGE >> QUESTION).centre())
