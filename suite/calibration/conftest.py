"""Tests run beside each other: each takes one thread, for more of them would wait on one another's cores.

What stands in the way of a model that --model selects is said by the first test that meets it, and once.
"""

import os
from collections.abc import Generator

import pytest

from fixtures.models.errors import ModelUnavailable
from fixtures.refusal import is_refusal
from reports.collector import INSTRUMENT

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is first imported, by tests and what they start

UNAVAILABLE = pytest.StashKey[set[str]]()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Where a check of the instruments fails, no claim of the run has a verdict."""
    item.user_properties.append((INSTRUMENT, item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    callspec = getattr(item, "callspec", None)
    model: str | None = callspec.params.get("selected_model") if callspec else None
    if model is None:
        return (yield)
    unavailable = item.config.stash.setdefault(UNAVAILABLE, set())
    if model in unavailable:
        pytest.skip(f"{model} cannot be had, as another test says")
    try:
        return (yield)
    except Exception as error:
        if not is_refusal(error):
            raise
        if isinstance(error, ModelUnavailable):
            unavailable.add(model)
        said = str(error)
    pytest.fail(said, pytrace=False)
