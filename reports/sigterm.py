"""SIGTERM ends a run as an interrupt does, so that the report of what was measured is still written."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias

Handler: TypeAlias = "Callable[[int, FrameType | None], object] | int | None"


class SigtermHandler:
    """Between `begin` and `end`, SIGTERM raises `KeyboardInterrupt` in the main thread; from `settle` on, nothing."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._before: Handler = None
        self._settled = False

    def begin(self) -> None:
        """Install the handler, only in the main thread and only where the signal is not ignored."""
        before = signal.getsignal(signal.SIGTERM)
        # None is a handler that C code installed: it could not be put back.
        if threading.current_thread() is threading.main_thread() and before not in (None, signal.SIG_IGN):
            self._before = signal.signal(signal.SIGTERM, self._handle)

    def settle(self) -> None:
        """The run is ending: a second request must not break off what is being written."""
        self._settled = True

    def end(self) -> None:
        """Put back the handler that was there before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A fork has this handler too, but no report to write: it dies as it would without the handler.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self._settled:
            raise KeyboardInterrupt("SIGTERM: the run was asked to end")
