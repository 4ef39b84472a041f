"""The hooks that this project adds to pytest's own. A plugin or a conftest.py implements them by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def pytest_measurements_unfinished(
    config: object, cells: Sequence[tuple[str, str]]
) -> Sequence[Mapping[str, object]] | None:
    """Say how far measuring came when a run was cut short.

    It is called once, in the process that prints, after a run whose ledger has a claim that is `not run`. The
    first answer other than None is taken. The ledger keeps it under `unfinished`, without the tasks that were
    wholly measured.

    Args:
        config: The `pytest.Config` of the process that prints.
        cells: The models and tasks that the missing claims would have read, each once.

    Returns:
        One object for each model and task that was not wholly measured. Its keys are `model`, `task`, `measured`
        (how many questions are done) and `asked` (how many there are in all). `asked` is None where that is not
        known yet.

    Example:
        ```
        def pytest_measurements_unfinished(config, cells):
            return [{"model": model, "task": task, "measured": 40, "asked": 128} for model, task in cells]
        ```
    """
