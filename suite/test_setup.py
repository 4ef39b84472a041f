"""Section 4: the model answers the questions correctly."""

from fixtures.model_flow import Flow
from reports.claim import claim

ACCURACY = 95.0
"""Percent; the paper's own figure for every model and task."""


@claim(
    "setup.accuracy",
    section="4",
    statistic="share of asked questions answered correctly",
    bound="> 95 %",
    bound_from="paper",
)
def test_accuracy(flow: Flow) -> None:
    """Each model answers more than 95 % of the questions of every task correctly."""
    assert flow.accuracy().exceeds(ACCURACY)
