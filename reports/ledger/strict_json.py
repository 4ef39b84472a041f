"""What a ledger holds travels as strict JSON, and is read back field by field, each as one type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class LedgerError(ValueError):
    """A ledger, or a piece of one, that is not of the form this version reads."""


def as_json(value: object) -> dict[str, Json]:
    """A record, or another dataclass of the ledger, in types that strict JSON can hold."""
    return cast("dict[str, Json]", plain(value))


def plain(value: object) -> Json:
    """*value* in types that strict JSON can hold: tuples become lists, numbers that are not finite None."""
    if isinstance(value, float):  # first: draws are most of a ledger
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Iterable):
        return [plain(each) for each in cast("Iterable[object]", value)]
    return str(value)


@dataclass(frozen=True)
class Reader:
    """A mapping from outside, each of its fields read as one type; absent ones are empty."""

    data: Mapping[str, object]
    what: str

    @classmethod
    def of(cls, data: object, what: str) -> Reader:
        if not isinstance(data, Mapping):
            raise LedgerError(f"{what} should be an object of named fields, not {data!r:.60}")
        named = cast("Mapping[str, object]", data)
        names = [str(named[name]) for name in ("claim", "name", "model", "task") if named.get(name)]
        return cls(named, f"{what} ({', '.join(names)})" if names else what)

    def _refuse(self, key: str, expected: str) -> LedgerError:
        return LedgerError(f"{key} of {self.what} should be {expected}, not {self.data.get(key)!r:.60}")

    def name(self, key: str) -> str:
        text = self.text(key)
        if not text:
            raise self._refuse(key, "a name")
        return text

    def text(self, key: str) -> str:
        return self.text_or_none(key) or ""

    def text_or_none(self, key: str) -> str | None:
        value = self.data.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self._refuse(key, "text")

    def number(self, key: str) -> float | None:
        return self._number(key, self.data.get(key))

    def _number(self, key: str, value: object) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refuse(key, "a number")
        return float(value) if math.isfinite(value) else None

    def count(self, key: str) -> int | None:
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._refuse(key, "a whole number")
        return value

    def entries(self, key: str) -> Sequence[object]:
        value = self.data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise self._refuse(key, "a list")
        return cast("Sequence[object]", value)

    def counts(self, key: str) -> tuple[int, ...]:
        entries = self.entries(key)
        if not all(isinstance(entry, int) for entry in entries):
            raise self._refuse(key, "a list of whole numbers")
        return tuple(cast("Sequence[int]", entries))

    def numbers(self, key: str) -> tuple[float | None, ...]:
        """Those that are not finite are None, as are those that were null."""
        return tuple(self._number(key, entry) for entry in self.entries(key))

    def rows(self, key: str) -> tuple[tuple[float | None, ...], ...]:
        return tuple(Reader({key: row}, self.what).numbers(key) for row in self.entries(key))

    def one_of(self, key: str, known: Sequence[str]) -> str:
        value = self.text(key)
        if value not in known:
            raise self._refuse(key, f"one of {', '.join(known)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(entry) for entry in self.entries(key))

    def mappings(self, key: str) -> tuple[Mapping[str, Json], ...]:
        entries = self.entries(key)
        if not all(isinstance(entry, Mapping) for entry in entries):
            raise self._refuse(key, "a list of objects")
        return tuple(as_json(entry) for entry in entries)

    def _pairs(self, key: str) -> Mapping[str, object]:
        return Reader.of(self.data.get(key) or {}, f"{key} of {self.what}").data

    def named(self, key: str) -> dict[str, str]:
        return {str(name): str(value) for name, value in self._pairs(key).items()}

    def counted(self, key: str) -> dict[str, int]:
        pairs = self._pairs(key)
        if not all(isinstance(value, int) for value in pairs.values()):
            raise self._refuse(key, "counts by reason")
        return {str(name): value for name, value in pairs.items() if isinstance(value, int)}

    def counted_of_each(self, key: str) -> dict[str, Mapping[str, int]]:
        named = Reader(self._pairs(key), f"{key} of {self.what}")
        return {str(name): named.counted(name) for name in named.data}
