"""Mean curves and example questions, in the numbers that the bench hands on; figures and the page show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self, TypeAlias

from reports.ledger.strict_json import Json, JsonRecord, Name, Reader

Box: TypeAlias = tuple[float, ...]
"""x, y, width, height in pixels of the original picture."""


@dataclass(frozen=True)
class ReadingRecord(JsonRecord):
    """A stretch of a curve that a number was read from, its points from *first* to *last*.

    *sign* is the direction of the number on the curve's own axis, -1 for a drop. It is 0 on other axes.
    """

    noun: ClassVar[str] = "a reading"

    curve: Name
    first: int
    last: int
    sign: int = 0


@dataclass(frozen=True, kw_only=True)
class CurveRecord(JsonRecord):
    """The mean over *n* questions at each layer (or lens point) with its 95 % interval, in *unit*.

    *kind* is "knockout", in points of relative change, or "lens", in percent, which has one point more.
    """

    noun: ClassVar[str] = "a curve"

    model: Name
    task: Name
    name: Name
    kind: Literal["knockout", "lens"]
    unit: str
    n: int
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]

    @property
    def layers(self) -> int:
        """The number of the model's layers."""
        return len(self.mean) - (self.kind == "lens")

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The curve in *data*; an end of the interval that does not fit the mean becomes the mean."""
        curve = super().from_json(data)
        misfits = [name for name in ("low", "high") if len(getattr(curve, name)) != len(curve.mean)]
        return replace(curve, **dict.fromkeys(misfits, curve.mean))


@dataclass(frozen=True, kw_only=True)
class Example(JsonRecord):
    """A question with the model's answer *said* and, where it was kept, with its own *curves* by name.

    *boxes* surround the named objects and *patches* the related image tokens, in pixels of the original picture,
    whose *size* is width and height. *thumbnail* is a JPEG in base64, empty where no picture is shown.
    """

    noun: ClassVar[str] = "an example"

    model: Name
    task: Name
    id: Name
    text: str
    answer: str
    said: str
    kept: bool
    options: tuple[str, ...] = ()
    size: tuple[int, ...] = ()
    boxes: tuple[Mapping[str, Json], ...] = ()
    patches: tuple[Box, ...] = ()
    thumbnail: str = ""
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=lambda: {})


def read_exhibit(data: object) -> tuple[tuple[CurveRecord, ...], tuple[Example, ...]]:
    """The curves and examples of one measurement that the bench handed on; `LedgerError` for another form."""
    read = Reader.of(data, "an exhibit")
    owner = {"model": read.name("model"), "task": read.name("task")}

    def entries(key: str, **more: bool) -> list[dict[str, object]]:
        return [{**dict(Reader.of(entry, key).data), **owner, **more} for entry in read.entries(key)]

    curves = tuple(CurveRecord.from_json(entry) for entry in entries("curves"))
    examples = [*entries("examples", kept=True), *entries("missed", kept=False)]
    return curves, tuple(Example.from_json(entry) for entry in examples)
