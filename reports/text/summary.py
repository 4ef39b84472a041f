"""The text that a run prints at its end: table, departures from the paper, changes, and remarks."""

from __future__ import annotations

from collections.abc import Sequence

from reports.ledger.ledger import Ledger
from reports.text.holm import standing
from reports.text.remarks import (
    absences,
    cut_short,
    left_out,
    noise_floor,
    set_aside,
    timings,
    unasked,
    undecided,
    unmeasured,
)
from reports.text.tables import Paint, departures, verdicts, wrapped

NOTABLE_NOISE = 0.1
"""Points of rounding that a reader of the table should know about; float32 stays far below."""


def summary(
    ledger: Ledger, width: int, paint: Paint, *, full: str, compared: Sequence[str], messages: Sequence[str]
) -> str:
    """The whole text in lines of *width*; the file *full* has what is too long for a terminal."""
    records, measurements = ledger.records, ledger.measurements
    blocks = (
        [verdicts(records, width, paint)],
        departures(records, width, full),
        compared,
        [
            *absences(records, width),
            *undecided(records, width),
            *unasked(records, width),
            *(wrapped(adjustment, width, "", "    ") if (adjustment := standing(records)) else []),
            *unmeasured(records, width),
            *cut_short(ledger.unfinished, width),
            *set_aside(measurements, width),
            *left_out(measurements, width),
            *timings(measurements, width),
            *noise_floor(measurements, width, NOTABLE_NOISE),
            *messages,
        ],
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)
