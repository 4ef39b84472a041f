"""Section 5, note 1, appendices B and C: the findings depend neither on the window nor on the answer's sub-word."""

from collections.abc import Callable

from fixtures.flow import IMAGE, LAST, QUESTION, Edge
from fixtures.model_flow import Flow
from fixtures.statistics.evidence import Evidence
from reports.claim import claim

SIMILAR_TREND = 0.7
"""Rank correlation over layers; our bound for windows that "show similar trends"."""

LEAST_WINDOW = 5
"""Layers; information flows around smaller windows, so those are only recorded."""

SIMILAR_RESULT = 0.8
"""Rank correlation over layers; our bound for sub-words that "yield similar results", which share one window."""

AS_LARGE = 10.0
"""Points by which the drops of two sub-words may differ; our bound: the size that is significant elsewhere."""


def on_both_edges(agreement: Callable[[Edge], Evidence]) -> Evidence:
    """The claim that the curves agree on both edges that the paper's stages are read from."""
    return agreement(IMAGE >> QUESTION) & agreement(QUESTION >> LAST)


@claim(
    "robustness.every-window-tells-the-same",
    section="5",
    statistic="rank correlation of c in other windows with c in the model's own, image->question and question->last",
    bound=">= 0.7 from 5 layers up; smaller recorded",
    bound_from="ours",
)
def test_every_window_tells_the_same(flow: Flow) -> None:
    """Windows of other widths show similar trends."""
    assert on_both_edges(lambda edge: flow.windows_agree(edge, SIMILAR_TREND, LEAST_WINDOW))


@claim(
    "robustness.last-sub-word-agrees",
    section="5",
    statistic="rank correlation of c at the first and the final sub-word; difference of their drops; both edges",
    bound=">= 0.8; in [-10, 10] points",
    bound_from="ours",
)
def test_last_sub_word_agrees(flow: Flow) -> None:
    """The final sub-word of an answer tells the same as its first."""
    assert on_both_edges(lambda edge: flow.sub_words_agree(edge, SIMILAR_RESULT, AS_LARGE))
