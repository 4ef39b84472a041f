"""Tests run in parallel, so each process uses one thread; more would compete for the same cores."""

import os


def use_one_thread() -> None:
    """Limit torch to one thread, here and in what tests start; torch reads this when it is first imported."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
