"""The hooks that this project adds to pytest's own. A plugin or a conftest.py implements them by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def pytest_measurements_unfinished(
    config: object, cells: Sequence[tuple[str, str]]
) -> Sequence[Mapping[str, object]] | None:
    """Say how far measuring came when a run was cut short.

    It is called once, in the process that prints, after a run whose ledger has a claim that is `not run`. The
    first implementation that returns something other than None is taken. The ledger keeps its answer under
    `unfinished`, except for what was measured whole.

    Args:
        config: The `pytest.Config` of the process that prints.
        cells: The models and tasks that the missing claims would have read, each once.

    Returns:
        For each model and task that was not wholly measured an object with `model`, `task`, `measured` (the number
        of questions that are done) and `asked` (the number of questions in all; None where that is not known yet).

    Example:
        ```
        def pytest_measurements_unfinished(config, cells):
            return [{"model": model, "task": task, "measured": 40, "asked": 128} for model, task in cells]
        ```
    """
