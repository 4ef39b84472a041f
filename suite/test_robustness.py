"""Section 5, note 1 and appendices B and C: the findings depend on neither the window nor the sub-word read."""

from fixtures.flow import IMAGE, LAST, QUESTION
from fixtures.model_flow import Flow
from reports.claim import claim

SIMILAR_TREND = 0.7
"""Rank correlation over layers; ours for windows that "show similar trends"."""

LEAST_WINDOW = 5
"""Layers; in smaller windows the information flows around, so they are recorded."""

SIMILAR_RESULT = 0.8
"""Rank correlation over layers; ours for sub-words that "yield similar results": one statistic, one window."""

AS_LARGE = 10.0
"""Points by which the drops of two sub-words may differ; ours, what counts as significant elsewhere."""


@claim(
    "robustness.every-window-tells-the-same",
    section="5",
    statistic="rank correlation of c in other windows with c in the model's own, image->question and question->last",
    bound=">= 0.7 from 5 layers up; smaller recorded",
    bound_from="ours",
)
def test_every_window_tells_the_same(flow: Flow) -> None:
    """Windows of other widths show similar trends."""
    first = flow.windows_agree(IMAGE >> QUESTION, SIMILAR_TREND, LEAST_WINDOW)
    assert first & flow.windows_agree(QUESTION >> LAST, SIMILAR_TREND, LEAST_WINDOW)


@claim(
    "robustness.last-sub-word-agrees",
    section="5",
    statistic="rank correlation of c at the first and the final sub-word; difference of their drops; both edges",
    bound=">= 0.8; in [-10, 10] points",
    bound_from="ours",
)
def test_last_sub_word_agrees(flow: Flow) -> None:
    """The final sub-word of an answer tells the same as its first."""
    first = flow.sub_words_agree(IMAGE >> QUESTION, SIMILAR_RESULT, AS_LARGE)
    assert first & flow.sub_words_agree(QUESTION >> LAST, SIMILAR_RESULT, AS_LARGE)
