"""Holm's adjustment: known values, its order, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.ledger.record import Record, Verdict
from reports.text.holm import adjusted, standing
from reports.text.numbers import p_value


def record(verdict: Verdict, p: float | None, claim: str = "a.claim") -> Record:
    return Record(claim=claim, section="5", figure=None, sentence="It is.", model="m", task="t", verdict=verdict, p=p)


def test_a_textbook_case() -> None:
    """Four p-values of 0.01, 0.04, 0.03 and 0.005 (as R's p.adjust has them)."""
    result = [each.p_holm for each in adjusted([record("holds", p) for p in (0.01, 0.04, 0.03, 0.005)])]
    assert result == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_what_is_not_tested_counts_for_nothing_and_what_is_undecided_counts() -> None:
    records = adjusted([record("holds", 0.02), record("unsupported", None), record("recorded", None)])
    assert [each.p_holm for each in records] == [0.02, None, None]
    records = adjusted([record("holds", 0.02), record("inconclusive", None), record("inconclusive", 0.3)])
    assert [each.p_holm for each in records] == pytest.approx([0.06, 1.0, 0.6])
    assert standing(records) == "adjusted for 3 claims (Holm): 0 of 1 verdict stands, not a.claim t"
    assert standing(adjusted([record("fails", 1e-6)])) == "adjusted for 1 claim (Holm): 1 of 1 verdict stands"
    two = adjusted([record("fails", 1e-6), record("holds", 1e-6), record("inconclusive", 0.3)])
    assert standing(two) == "adjusted for 3 claims (Holm): 2 of 2 verdicts stand"
    assert standing(adjusted([record("unsupported", None)])) == ""
    five = adjusted([record("holds", 1e-6), *(record("fails", 0.02, f"a.claim-{i}") for i in range(4))])
    names = "a.claim-0 t; a.claim-1 t; a.claim-2 t; and 1 more"
    assert standing(five) == f"adjusted for 5 claims (Holm): 1 of 5 verdicts stands, not {names}"
    others = [replace(each, model="other") for each in two]
    assert standing(adjusted([record("fails", 0.04), *others])).endswith(", not a.claim m t")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_it_keeps_the_order_and_never_helps(values: list[float]) -> None:
    result = adjusted([record("holds", p) for p in values])
    pairs = sorted((each.p or 0.0, each.p_holm or 0.0) for each in result)
    assert [one for _, one in pairs] == sorted(one for _, one in pairs)
    assert all(p <= one <= 1 for p, one in pairs)


def test_how_it_is_written() -> None:
    assert p_value(None, None) == ""
    assert p_value(0.0312, 0.4) == "0.031 (0.4)"
    assert p_value(1e-9, 1e-7) == "< 0.001 (< 0.001)"
    assert p_value(0.2, None) == "0.2"
