"""A request to end a run is obeyed as an interrupt is, so that what was heard until then is still told."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias

Handler: TypeAlias = "Callable[[int, FrameType | None], object] | int | None"


class Ending:
    """Between `begin` and `end`, SIGTERM raises `KeyboardInterrupt` in the main thread; from `settle` on, nothing."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._before: Handler = None
        self._settled = False

    def begin(self) -> None:
        """Listen, in the main thread alone; a process that is told to ignore the signal goes on doing so."""
        before = signal.getsignal(signal.SIGTERM)
        # None is a handler that C code installed: it could not be put back.
        if threading.current_thread() is threading.main_thread() and before not in (None, signal.SIG_IGN):
            self._before = signal.signal(signal.SIGTERM, self._hear)

    def settle(self) -> None:
        """The run is ending: a second request must not break off what is being written."""
        self._settled = True

    def end(self) -> None:
        """Put back what listened before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A fork has this handler too, and nothing to tell: it dies as it would have.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self._settled:
            raise KeyboardInterrupt("SIGTERM: the run was asked to end")
