"""Section 5, first experiment (figure 3): what the last position reads, and where."""

from fixtures.flow import IMAGE, LAST, MIDDLE, QUESTION, SUFFIX
from fixtures.model_flow import Flow
from fixtures.tasks import TASKS
from reports.claim import claim

NEGLIGIBLE = 5.0
"""Points of relative change; our bound for "negligible": half of what we call significant."""

SIGNIFICANT = 10.0
"""Points of relative change; our bound for "significant": a third of the paper's largest drop in this figure."""

SLIGHT = 20.0
"""Points; our bound for the "slight" direct image effect that the paper grants QueryAttr."""

NOT_SIGNIFICANT = {"QueryAttr": SLIGHT}

CHOOSE_ATTR_DROP = (20.0, 40.0)
"""Points; the paper's "up to about 30 %" on ChooseAttr, plus or minus ten."""

PRIMARILY = 2 / 3
"""Share of a curve's drop; our bound for "primarily" in half of the layers, where a uniform curve has 1/2."""

NEGLIGIBLE_SHARE = 0.25
"""Share of the indirect effect; our bound for a direct effect that is negligible next to it: 24 next to 60 is not."""


@claim(
    "routes.last-to-itself-is-negligible",
    section="5",
    figure="3",
    statistic="max |c(last->last)| over layers",
    bound="<= 5 points",
    bound_from="ours",
    absence=True,
)
def test_last_to_itself_is_negligible(flow: Flow) -> None:
    """Blocking the last position from itself changes the answer's probability negligibly."""
    assert flow(LAST >> LAST).largest_change().at_most(NEGLIGIBLE)


@claim(
    "routes.question-to-last-is-significant",
    section="5",
    figure="3",
    statistic="drop(question->last)",
    bound=">= 10 points",
    bound_from="ours",
)
def test_question_to_last_is_significant(flow: Flow) -> None:
    """Blocking the question from the last position lowers the answer's probability on every task."""
    assert flow(QUESTION >> LAST).drop().at_least(SIGNIFICANT)


@claim(
    "routes.question-to-last-choose-attr",
    section="5",
    figure="3",
    statistic="drop(question->last)",
    bound="in [20, 40] points",
    bound_from="paper",
    tasks=("ChooseAttr",),
    models=("llava-1.5-13b",),
)
def test_question_to_last_choose_attr(flow: Flow) -> None:
    """In LLaVA-1.5-13B that drop reaches about 30 % on ChooseAttr."""
    assert flow(QUESTION >> LAST).drop().within(*CHOOSE_ATTR_DROP)


@claim(
    "routes.question-to-last-in-the-middle",
    section="5",
    figure="3",
    statistic="share of the drop of question->last at 0.25-0.75 of depth",
    bound=">= 2/3",
    bound_from="ours",
)
def test_question_to_last_in_the_middle(flow: Flow) -> None:
    """The question reaches the last position primarily in the middle layers, on every task."""
    assert flow(QUESTION >> LAST).share(MIDDLE).at_least(PRIMARILY)


@claim(
    "routes.question-dominates-image",
    section="5",
    figure="3",
    statistic="drop(question->last) - max |c(image->last)|",
    bound="> 0",
    bound_from="paper",
)
def test_question_dominates_image(flow: Flow) -> None:
    """The question, not the image, plays the direct and predominant role for the last position."""
    assert flow(QUESTION >> LAST).drop().exceeds(flow(IMAGE >> LAST).largest_change())


@claim(
    "routes.image-to-last-is-not-significant",
    section="5",
    figure="3",
    statistic="max |c(image->last)| over layers",
    bound="<= 10 points; QueryAttr <= 20",
    bound_from="ours",
    absence=True,
)
def test_image_to_last_is_not_significant(flow: Flow) -> None:
    """The image has no significant direct effect on the prediction, but for a slight one on QueryAttr."""
    assert flow(IMAGE >> LAST).largest_change().at_most(NOT_SIGNIFICANT.get(flow.task, SIGNIFICANT))


@claim(
    "routes.direct-image-path-is-negligible-beside-indirect",
    section="5",
    figure="3",
    statistic="max |c(image->last)| - 0.25 drop(image->question)",
    bound="< 0",
    bound_from="ours",
    absence=True,
)
def test_direct_image_path_is_negligible_beside_indirect(flow: Flow) -> None:
    """What the image does to the prediction directly is negligible next to what it does through the question."""
    assert flow(IMAGE >> LAST).largest_change().is_below(NEGLIGIBLE_SHARE * flow(IMAGE >> QUESTION).drop())


@claim("routes.image-to-suffix", section="5", statistic="drop(image->suffix)", recorded=TASKS)
def test_image_to_suffix(flow: Flow) -> None:
    """The image is blocked from the answer instruction, which stands between the question and the last position."""
    assert flow(IMAGE >> SUFFIX).drop().recorded()
