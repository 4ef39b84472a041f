"""The bench knows what is expected of a model, the ledger knows the claims; here the two are compared."""

from pathlib import Path

import pytest

from fixtures.plugin.case import asked_on
from fixtures.plugin.expectations import BadExpectations
from fixtures.plugin.state import EXPECTATIONS
from reports.claim import REGISTER, written

CALIBRATION = Path(__file__).parent / "calibration"
FOLDERS_TO_NAME = (CALIBRATION, Path(__file__).parent / "house")
"""Folders that are collected only if the command line names them or something in them."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect what is named together with `suite/`, which contains it: pytest would drop it as part of the whole."""
    paths = ((config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args)
    names = [path for path in paths if {path, *path.parents} & {*FOLDERS_TO_NAME}]
    if not names or not {collection_path, *collection_path.parents} & {*FOLDERS_TO_NAME}:
        return None
    if any(path.is_relative_to(collection_path) or collection_path.is_relative_to(path) for path in names):
        return False if collection_path in FOLDERS_TO_NAME else None
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the instruments first, and refuse an expected departure of a claim or task that is never asked."""
    items.sort(key=lambda item: not item.path.is_relative_to(CALIBRATION))
    claims = [item for item in items if item.get_closest_marker("claim")]
    if not claims or config.option.claims:
        return
    claim_tasks = {claim.id: asked_on(claim.tasks) for claim in REGISTER.values()}
    # A run of one file finds the claims of the other files by reading them.
    files = {file for item in claims for file in item.path.parent.glob("test_*.py")}
    try:
        for expectations in config.stash[EXPECTATIONS].values():
            expectations.refuse_strangers(claim_tasks, lambda: written(files))
    except BadExpectations as error:
        items.clear()
        raise pytest.UsageError(str(error)) from error
