"""The bound of a claim is read back from the text that a ledger has of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf, isfinite

from reports.ledger.strict_json import LedgerError

_FLOAT = r"(-?[\d.]+(?:e[+-]?\d+)?)"
_ONE_END = re.compile(rf"([<>])(=?) {_FLOAT}")
_TWO_ENDS = re.compile(rf"in ([\[(]){_FLOAT}, {_FLOAT}[\])]")


@dataclass(frozen=True)
class RecordedBound:
    """The values that a claim allows, from *low* to *high*; both belong to them unless the bound is *strict*.

    `fixtures.statistics.evidence.Bound` writes the text, ">= 40" or "in [20, 40]"; this is its only reader.
    """

    low: float
    high: float
    strict: bool

    @classmethod
    def parse(cls, text: str) -> RecordedBound:
        """The bound that *text* stands for; `LedgerError` for another text."""
        bound = cls.find(text)
        if bound is None:
            raise LedgerError(f"the bound {text!r} is not read here: read the ledger with the version that wrote it")
        return bound

    @classmethod
    def find(cls, text: str) -> RecordedBound | None:
        """The bound that *text* stands for; None if it is not one, as where nothing is claimed."""
        if match := _ONE_END.fullmatch(text):
            sign, equal, end = match[1], match[2], float(match[3])
            return cls(end if sign == ">" else -inf, end if sign == "<" else inf, not equal)
        if match := _TWO_ENDS.fullmatch(text):
            return cls(float(match[2]), float(match[3]), match[1] == "(")
        return None

    @property
    def ends(self) -> tuple[float, ...]:
        """The finite ends, the lower one first."""
        return tuple(end for end in (self.low, self.high) if isfinite(end))

    def allows(self, value: float) -> bool:
        """Whether a claim with this bound holds for a number that is truly *value*."""
        return self.low < value < self.high if self.strict else self.low <= value <= self.high
