"""Every bound that a claim's evidence writes is read back from the ledger as it was."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.statistics.evidence import Bound
from reports.ledger.bound import RecordedBound
from reports.ledger.strict_json import LedgerError
from reports.text.numbers import ends

printable = st.floats(allow_nan=False, allow_infinity=False).map(lambda end: float(f"{end:g}"))
"""Numbers that a ledger can hold: a bound is written in six figures."""

bounds = st.one_of(
    st.builds(Bound, low=printable, strict=st.booleans()),
    st.builds(Bound, high=printable, strict=st.booleans()),
    st.builds(
        lambda pair, strict: Bound(min(pair), max(pair), strict), st.tuples(printable, printable), strict=st.booleans()
    ),
)


@given(bound=bounds, value=printable)
def test_every_bound_that_evidence_writes_is_read_back(bound: Bound, value: float) -> None:
    copy = RecordedBound.parse(str(bound))
    assert (copy.low, copy.high, copy.strict) == (bound.low, bound.high, bound.strict)
    assert copy.ends == bound.ends == ends(str(bound))
    for number in (value, *bound.ends):
        assert copy.allows(number) == (bound.verdict(number, number) == "holds")


@pytest.mark.parametrize("text", ["about 5", ">= ", ">= 5 points", "in [1, 2", "5", ""])
def test_another_text_is_refused(text: str) -> None:
    assert RecordedBound.find(text) is None
    assert ends(text) == ()
    with pytest.raises(LedgerError, match=f"^the bound {text!r} is not read here".replace("[", r"\[")):
        RecordedBound.parse(text)


def test_an_end_that_is_missing_is_infinite() -> None:
    assert RecordedBound.parse("> 0") == RecordedBound(0, inf, strict=True)
    assert RecordedBound.parse("<= 1e-07") == RecordedBound(-inf, 1e-7, strict=False)
