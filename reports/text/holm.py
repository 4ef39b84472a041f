"""Of many claims some are decided by chance: Holm's adjustment says which verdicts stand over all of a run's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.ledger.record import Record
from reports.text.numbers import counted

LEVEL = 0.05
"""Of the run as a whole: the chance that any verdict is wrong, where every bound is true."""

TESTED = ("holds", "fails", "inconclusive")

MOST_NAMED = 3
"""Verdicts that do not stand; the table of details has the adjusted p-value of every claim."""


def adjusted(records: Sequence[Record]) -> tuple[Record, ...]:
    """*records*, the tested ones with `p_holm` (Holm, 1979, Scandinavian Journal of Statistics 6).

    A tested claim without a p-value, one of several parts that is undecided, counts with 1.
    """
    tested = [index for index, record in enumerate(records) if record.verdict in TESTED]
    known = {index: 1.0 if (p := records[index].p) is None else p for index in tested}
    found: dict[int, float] = {}
    most = 0.0
    for rank, index in enumerate(sorted(tested, key=known.__getitem__)):
        most = max(most, min(1.0, (len(tested) - rank) * known[index]))
        found[index] = most
    return tuple(replace(record, p_holm=found.get(index)) for index, record in enumerate(records))


def standing(records: Sequence[Record]) -> str:
    """How many of the decided claims are decided still, and a few that are not; empty where none is decided."""
    decided = [record for record in records if record.verdict in ("holds", "fails") and record.p_holm is not None]
    tested = [record for record in records if record.verdict in TESTED]
    fallen = [record for record in decided if record.p_holm is not None and record.p_holm >= LEVEL]
    stand = len(decided) - len(fallen)
    verb = "stands" if 1 in (stand, len(decided)) else "stand"
    said = f"adjusted for {counted(len(tested), 'claim')} (Holm): {stand} of {counted(len(decided), 'verdict')} {verb}"
    if fallen:
        one_model = len({record.model for record in tested}) == 1
        named = [f"{each.claim} {'' if one_model else f'{each.model} '}{each.task}" for each in fallen]
        more = f"; and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        said += f", not {'; '.join(named[:MOST_NAMED])}{more}"
    return said if decided else ""
