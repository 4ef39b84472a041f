"""Records are written as strict JSON, and read back by the annotations of their fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, cast, get_args, get_origin, get_type_hints

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Name: TypeAlias = Annotated[str, "not empty"]
"""A text that must be there, such as the id of a claim."""

IDENTITY = ("claim", "name", "model", "task")
"""The fields that a message names an object by."""


class LedgerError(ValueError):
    """A ledger, or a piece of one, does not have the form that this version reads."""


# ---- writing


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
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Iterable):
        return [plain(item) for item in cast("Iterable[object]", value)]
    return str(value)


# ---- reading

Parse: TypeAlias = Callable[[object, str], Any]
"""Reads a value. Its second argument says in words where the value stands, for a `LedgerError`."""


def _refusal(where: str, expected: str, value: object) -> LedgerError:
    return LedgerError(f"{where} should be {expected}, not {value!r:.60}")


def _text(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    raise _refusal(where, "text", value)


def _written_out(value: object, _: str) -> str:
    """An item of a list or mapping of texts; a value of another type is written out."""
    return str(value)


def _name(value: object, where: str) -> str:
    if value is not None and not isinstance(value, str):
        raise _refusal(where, "text", value)
    if value:
        return value
    raise _refusal(where, "a name", value)


def _number(value: object, where: str) -> float | None:
    """A number; None where it is null or not finite."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(where, "a number", value)
    return float(value) if math.isfinite(value) else None


def _count(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refusal(where, "a whole number", value)
    return value


def _choice(choices: Sequence[str], value: object, where: str) -> str:
    if value in choices:
        return cast("str", value)
    raise _refusal(where, f"one of {', '.join(choices)}", value)


def _optional(parse: Parse, value: object, where: str) -> Any:
    return None if value is None else parse(value, where)


def _list(parse: Parse, value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _refusal(where, "a list", value)
    return tuple([parse(item, where) for item in cast("Sequence[object]", value)])


def _object(parse: Parse, value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _refusal(where, "an object of named fields", value)
    return {
        str(name): parse(item, f"{name} of {where}") for name, item in cast("Mapping[object, object]", value).items()
    }


SCALARS: Mapping[object, Parse] = {
    Name: _name,
    str: _text,
    int: _count,
    bool: lambda value, _: bool(value),
    float: lambda value, where: _number(value, where) or 0.0,
    float | None: _number,
}

CONTAINERS: Mapping[object, tuple[Callable[..., Any], int]] = {
    tuple: (_list, 0),
    Mapping: (_object, 1),
    UnionType: (_optional, 0),
}
"""By the type of a container: what reads it, and which argument of its annotation is the type of its items."""


@cache
def parser(annotation: Any) -> Parse:
    """What reads a field with this *annotation*."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in SCALARS:
        return SCALARS[annotation]
    if origin is Literal:
        return partial(_choice, arguments)
    if origin in CONTAINERS and len(arguments) == 2:  # the longer union is `Json`
        parse, place = CONTAINERS[origin]
        item = arguments[place]
        return partial(parse, _written_out if item is str and parse is not _optional else parser(item))
    if isinstance(annotation, type) and issubclass(annotation, JsonRecord):
        return lambda value, _: annotation.from_json(value)
    return lambda value, _: plain(value)


EMPTY: Mapping[object, Callable[[], object]] = {str: str, int: int, float: float, tuple: tuple, Mapping: dict}
"""What a field of each type is when it is absent or null; others are None or refused."""


@cache
def _parsers(record: type) -> Mapping[str, tuple[Parse, Callable[[], object] | None]]:
    """For each field of *record* what reads it, and what it is where it is absent."""
    hints = get_type_hints(record, include_extras=True)
    pairs = ((field.name, hints[field.name]) for field in fields(record))
    return {name: (parser(hint), EMPTY.get(get_origin(hint) or hint)) for name, hint in pairs}


class JsonRecord:
    """The base of the ledger's frozen dataclasses: it reads one back from the JSON that `as_json` wrote."""

    noun: ClassVar[str]
    """What a message calls it, with its article."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The record in *data*; `LedgerError` names the first field of another type."""
        source = Reader.of(data, cls.noun)
        values: dict[str, object] = {}
        for name, (parse, empty) in _parsers(cls).items():
            value = source.data.get(name)
            values[name] = empty() if value is None and empty else parse(value, f"{name} of {source.what}")
        return cls(**values)


@dataclass(frozen=True)
class Reader:
    """A mapping from outside whose fields are read one by one; *what* says in words what it is."""

    data: Mapping[str, object]
    what: str

    @classmethod
    def of(cls, data: object, what: str) -> Self:
        """A reader of *data*; `LedgerError` where it is no mapping."""
        if not isinstance(data, Mapping):
            raise _refusal(what, "an object of named fields", data)
        named = cast("Mapping[str, object]", data)
        names = [str(named[name]) for name in IDENTITY if named.get(name)]
        return cls(named, f"{what} ({', '.join(names)})" if names else what)

    def _field(self, key: str, parse: Parse, empty: object = None) -> Any:
        value = self.data.get(key)
        return empty if value is None else parse(value, f"{key} of {self.what}")

    def name(self, key: str) -> str:
        return _name(self.data.get(key), f"{key} of {self.what}")

    def text(self, key: str) -> str:
        return self._field(key, _text, "")

    def number(self, key: str) -> float | None:
        return self._field(key, _number)

    def count(self, key: str) -> int | None:
        return self._field(key, _count)

    def entries(self, key: str) -> Sequence[object]:
        return self._field(key, partial(_list, lambda item, _: item), ())
