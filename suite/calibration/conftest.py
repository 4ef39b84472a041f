"""Checks of the instruments run side by side, one thread each.

If a model that --model selects is unavailable, the first test that needs it says why, and the others skip.
"""

from collections.abc import Generator

import pytest

from fixtures.models.errors import ModelUnavailable
from fixtures.refusal import is_refusal
from reports.collector import INSTRUMENT
from suite.support.threads import use_one_thread

use_one_thread()

UNAVAILABLE = pytest.StashKey[set[str]]()
"""The names of the models that were unavailable to a test of this run."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark each check of the instruments: if one fails, no claim of the run has a verdict."""
    item.user_properties.append((INSTRUMENT, item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Show a refusal of a selected model as its sentence, and only once."""
    callspec = getattr(item, "callspec", None)
    model: str | None = callspec.params.get("selected_model") if callspec else None
    if model is None:
        return (yield)
    unavailable = item.config.stash.setdefault(UNAVAILABLE, set())
    if model in unavailable:
        pytest.skip(f"{model} is unavailable, as another test says")
    try:
        return (yield)
    except Exception as error:
        if not is_refusal(error):
            raise
        if isinstance(error, ModelUnavailable):
            unavailable.add(model)
        sentence = str(error)
    pytest.fail(sentence, pytrace=False)
