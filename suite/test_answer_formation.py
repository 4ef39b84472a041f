"""Section 7 (figure 6): at the last position the answer appears in lower case, then turns capitalised."""

from fixtures.flow import LAST, QUESTION, RELATED, Band
from fixtures.model_flow import Flow
from reports.claim import claim

EARLY = Band("first 0.3", 0, 12)
"""Before 0.3 of depth, where the paper's curves are near 0."""

UP_TO_HALF_WAY = Band("up to half-way", 0, 20)
"""Up to the 20th of 40 layers, where the paper's capitalised curves are low."""

NEAR_ZERO = 5.0
"""Percent; ours for the paper's "near 0". The default of 128 questions cannot show less, such as 2 %."""

ROSE = 5.0
"""Percent; a probability that was never surely higher has nothing that could fade."""

LOWERCASE_PEAK = 20.0
"""Percent; the lowest of the peaks that the paper reports."""

AROUND_THE_MIDDLE = (0.35, 0.85)
"""Fractions of depth between which the paper's lower-case peaks lie."""

LOW = 5.0
"""Percent; our bound for a probability that is still "low"."""

MOST = 50.0
"""Percent; our bound for a capitalised answer that has "increased", because it is then the most probable word."""

HALF_WAY = 0.5
"""Fraction of depth; the paper's 20th of 40 layers."""

INFERRED = 75.0
"""Percent of questions; our bound for an answer that is known. It lies half-way between all and chance, which is a half
where an answer has one rival."""

CHOOSE = ("ChooseAttr", "ChooseCat", "ChooseRel")
"""The tasks whose questions have a false option."""

LOWER, CAPITALIZED = "lowercase", "capitalized"
FALSE_LOWER = "false_lowercase"


@claim(
    "answer.lowercase-rises-in-the-middle",
    section="7",
    figure="6",
    statistic="peak of mean P(lower); its depth; the most that mean P(lower) is before 0.3 of depth",
    bound=">= 20 %; in [0.35, 0.85]; <= 5 %",
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


@claim(
    "answer.follows-integration",
    section="7",
    figure="6",
    statistic="half peak of P(lower) - trough of related->question; end of question->last - half peak of P(lower)",
    bound="> 0 layers; >= 0 layers",
    bound_from="paper",
    needs=("boxes",),
)
def test_answer_follows_integration(flow: Flow) -> None:
    """The answer appears once the named objects have been read, while the question still moves to the last position."""
    appears, ends = flow.lens(LOWER).half_peak(), flow(QUESTION >> LAST).end()
    assert appears.exceeds(flow(RELATED >> QUESTION).trough_layer()) & (ends - appears).at_least(0.0)


@claim(
    "answer.lowercase-fades",
    section="7",
    figure="6",
    statistic="mean P(lower) at the last layer, where its peak is surely above 5 %",
    bound="<= 5 %",
    bound_from="ours",
)
def test_lowercase_fades(flow: Flow) -> None:
    """The lower-case answer's probability falls to nearly zero at the end."""
    assert flow.lens(LOWER).remainder(ROSE).at_most(LOW)


@claim(
    "answer.inferred-by-half-way",
    section="7",
    figure="6",
    statistic="share of questions whose answer leads its rivals at half of depth, by logits: the false option, "
    "or else the other answers of the questions selected",
    bound=">= 75 %",
    bound_from="ours",
)
def test_inferred_by_half_way(flow: Flow) -> None:
    """By about half-way the answer has been inferred in meaning: in either case it leads every rival."""
    assert flow.inferred(HALF_WAY).at_least(INFERRED)


@claim(
    "answer.false-option-stays-below",
    section="7",
    figure="6",
    statistic="P(true) - P(false), lower case at its peak",
    bound="> 0",
    bound_from="ours",
    tasks=CHOOSE,
    needs=("options",),
)
def test_false_option_stays_below(flow: Flow) -> None:
    """The false option stays less probable than the true one."""
    lower = flow.lens(LOWER)
    assert (lower - flow.lens(FALSE_LOWER)).at(lower.crest()).exceeds(0.0)
