"""SIGTERM interrupts the run that listens, once, and nobody else; what listened before listens again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from reports.sigterm import SigtermHandler
from suite.support.repository import ROOT


@pytest.fixture
def interrupts() -> Iterator[list[int]]:
    """What a handler of the caller's own hears."""
    signals: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    yield signals
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def ending(interrupts: list[int]) -> Iterator[SigtermHandler]:
    ending = SigtermHandler()
    yield ending
    ending.end()


def test_it_interrupts_between_begin_and_end_alone(ending: SigtermHandler, interrupts: list[int]) -> None:
    signal.raise_signal(signal.SIGTERM)
    ending.begin()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt, match="SIGTERM: the run was asked to end"):
            signal.raise_signal(signal.SIGTERM)
    assert len(interrupts) == 1
    ending.end()
    ending.end()
    signal.raise_signal(signal.SIGTERM)
    assert len(interrupts) == 2


def test_nothing_breaks_off_what_is_being_written(ending: SigtermHandler, interrupts: list[int]) -> None:
    ending.begin()
    ending.settle()
    signal.raise_signal(signal.SIGTERM)
    assert not interrupts


def test_who_was_told_to_ignore_it_goes_on(ending: SigtermHandler) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ending.begin()
    signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_touched(ending: SigtermHandler, interrupts: list[int]) -> None:
    def elsewhere(step: Callable[[], None]) -> None:
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()

    elsewhere(ending.begin)
    signal.raise_signal(signal.SIGTERM)
    assert len(interrupts) == 1


FORK = """
import os, signal, sys
from reports.sigterm import SigtermHandler
SigtermHandler().begin()
child = os.fork()
if not child:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os._exit(7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) + 100)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_dies_as_it_would_have() -> None:
    ran = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, check=False)
    assert ran.returncode == 100 - signal.SIGTERM
