"""What each room knows without the other meets here: what is expected of a model, and what it is asked."""

import pytest

from fixtures.case import asked_on
from fixtures.expected import BadExpectations
from fixtures.plugin import EXPECTATIONS
from reports.claim import REGISTER, written


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before anything runs, every departure that is expected must be of a claim and of tasks that it is asked on."""
    claims = [item for item in items if item.get_closest_marker("claim")]
    if not claims or config.option.claims:
        return
    asked = {claim.id: asked_on(claim.tasks) for claim in REGISTER.values()}
    # A run of one file knows the claims of the others by what is written in them.
    beside = {file for item in claims for file in item.path.parent.glob("test_*.py")}
    try:
        for expectations in config.stash[EXPECTATIONS].values():
            expectations.refuse_strangers(asked, lambda: written(beside))
    except BadExpectations as error:
        items.clear()
        raise pytest.UsageError(str(error)) from error
