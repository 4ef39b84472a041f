"""Some of many claims are decided by chance. Holm's adjustment says which verdicts of a run still stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.ledger.record import Record
from reports.text.numbers import count_of

LEVEL = 0.05
"""The chance that any verdict of a run is wrong, if every bound is true."""

TESTED = ("holds", "fails", "inconclusive")

MOST_NAMED = 3
"""How many verdicts that do not stand are named; claims.md has the adjusted p-value of every claim."""


def adjusted(records: Sequence[Record]) -> tuple[Record, ...]:
    """*records*, the tested ones with `p_holm` (Holm, 1979, Scandinavian Journal of Statistics 6).

    A tested claim without a p-value, one of several parts that is undecided, counts with 1.
    """
    tested = [index for index, record in enumerate(records) if record.verdict in TESTED]
    p_values = {index: 1.0 if (p := records[index].p) is None else p for index in tested}
    adjusted_p: dict[int, float] = {}
    most = 0.0
    for rank, index in enumerate(sorted(tested, key=p_values.__getitem__)):
        most = max(most, min(1.0, (len(tested) - rank) * p_values[index]))
        adjusted_p[index] = most
    return tuple(replace(record, p_holm=adjusted_p.get(index)) for index, record in enumerate(records))


def standing(records: Sequence[Record]) -> str:
    """How many decided claims still stand, and a few that do not; empty where none is decided."""
    decided = [record for record in records if record.verdict in ("holds", "fails") and record.p_holm is not None]
    tested = [record for record in records if record.verdict in TESTED]
    fallen = [record for record in decided if record.p_holm is not None and record.p_holm >= LEVEL]
    stand = len(decided) - len(fallen)
    verb = "stands" if 1 in (stand, len(decided)) else "stand"
    line = (
        f"adjusted for {count_of(len(tested), 'claim')} (Holm): {stand} of {count_of(len(decided), 'verdict')} {verb}"
    )
    if fallen:
        one_model = len({record.model for record in tested}) == 1
        named = [f"{record.claim} {'' if one_model else f'{record.model} '}{record.task}" for record in fallen]
        more = f"; and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        line += f", not {'; '.join(named[:MOST_NAMED])}{more}"
    return line if decided else ""
