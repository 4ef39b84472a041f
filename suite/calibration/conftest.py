"""Tests run beside each other: each takes one thread, for more of them would wait on one another's cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is first imported, by tests and what they start
