"""Section 7 (figure 6): at the last position the answer appears in lower case, then turns capitalised."""

from fixtures.flow import Band
from fixtures.view import Flow
from reports.claim import claim

EARLY = Band("first 0.3", 0, 12)
"""Before 0.3 of depth, where the paper's curves are near 0."""

UP_TO_HALF_WAY = Band("up to half-way", 0, 20)
"""Up to the 20th of 40 layers, where the paper's capitalised curves are low."""

NEAR_ZERO = 2.0
"""Percent; the paper's "near 0" on the axis of its figure."""

LOWERCASE_PEAK = 20.0
"""Percent; the lowest of the peaks that the paper reports."""

AROUND_THE_MIDDLE = (0.35, 0.85)
"""Fractions of depth between which the paper's lower-case peaks lie."""

LOW = 5.0
"""Percent; ours for a capitalised answer that is still "low"."""

MOST = 50.0
"""Percent; ours for a capitalised answer that has "increased": it is the likeliest word."""

LOWER, CAPITALIZED = "lowercase", "capitalized"


@claim(
    "answer.lowercase-rises-in-the-middle",
    section="7",
    figure="6",
    statistic="peak of mean P(lower); its depth; the most that mean P(lower) is before 0.3 of depth",
    bound=">= 20 %; in [0.35, 0.85]; <= 2 %",
    bound_from="paper",
)
def test_lowercase_rises_in_the_middle(flow: Flow) -> None:
    """The lower-case answer rises from near zero to a sizeable probability around the middle layers."""
    lower = flow.lens(LOWER)
    assert (
        lower.peak().at_least(LOWERCASE_PEAK)
        & lower.peak_depth().within(*AROUND_THE_MIDDLE)
        & lower.peak(EARLY).at_most(NEAR_ZERO)
    )


@claim(
    "answer.capitalized-comes-late",
    section="7",
    figure="6",
    statistic="the most that mean P(capitalised) is up to half-way; at the last layer",
    bound="<= 5 %; >= 50 %",
    bound_from="ours",
)
def test_capitalized_comes_late(flow: Flow) -> None:
    """The capitalised answer is improbable up to half-way and likely at the end."""
    capitalized = flow.lens(CAPITALIZED)
    assert capitalized.peak(UP_TO_HALF_WAY).at_most(LOW) & capitalized.at(1.0).at_least(MOST)


@claim(
    "answer.lowercase-peaks-before-capitalized",
    section="7",
    figure="6",
    statistic="argmax P(capitalised) - argmax P(lower)",
    bound="> 0 layers",
    bound_from="card",
)
def test_lowercase_peaks_before_capitalized(flow: Flow) -> None:
    """The answer's meaning is generated first, its capital letter after it."""
    assert flow.lens(CAPITALIZED).peak_layer().exceeds(flow.lens(LOWER).peak_layer())
