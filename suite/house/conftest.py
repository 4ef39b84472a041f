"""Tests of the repository run side by side, one thread each."""

from suite.support.threads import use_one_thread

use_one_thread()
