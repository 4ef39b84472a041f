"""What each room knows without the other meets here: what is expected of a model, and what it is asked."""

from pathlib import Path

import pytest

from fixtures.plugin.case import asked_on
from fixtures.plugin.expectations import BadExpectations
from fixtures.plugin.state import EXPECTATIONS
from reports.claim import REGISTER, written

CALIBRATION = Path(__file__).parent / "calibration"
ROOMS = (CALIBRATION, Path(__file__).parent / "house")
"""Collected where they are named, or something in them is."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is named beside `suite/`, in which it lies, is collected too: pytest drops it as part of the whole."""
    paths = ((config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args)
    named = [path for path in paths if {path, *path.parents} & {*ROOMS}]
    if not named or not {collection_path, *collection_path.parents} & {*ROOMS}:
        return None
    if any(path.is_relative_to(collection_path) or collection_path.is_relative_to(path) for path in named):
        return False if collection_path in ROOMS else None
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Instruments are checked first, and every departure that is expected must be of a claim and tasks asked."""
    items.sort(key=lambda item: not item.path.is_relative_to(CALIBRATION))
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
