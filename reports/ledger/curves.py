"""What is drawn of a run, mean curves and example questions, in the numbers that the bench hands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self, TypeAlias

from reports.ledger.strict_json import Json, JsonRecord, Name, Reader

Box: TypeAlias = tuple[float, ...]
"""x, y, width, height in pixels of the original picture."""


@dataclass(frozen=True)
class Reading(JsonRecord):
    """A stretch of a curve that a number was read from, its points from *first* to *last*.

    *sign*: of the number on the curve's own axis, -1 for a drop; 0 where it is on another, such as layers.
    """

    noun: ClassVar[str] = "a reading"

    curve: Name
    first: int
    last: int
    sign: int = 0


@dataclass(frozen=True, kw_only=True)
class Curve(JsonRecord):
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
        """The model's."""
        return len(self.mean) - (self.kind == "lens")

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The curve in *data*; an end of the interval that does not fit the mean becomes the mean."""
        curve = super().from_json(data)
        misfits = [name for name in ("low", "high") if len(getattr(curve, name)) != len(curve.mean)]
        return replace(curve, **dict.fromkeys(misfits, curve.mean))


@dataclass(frozen=True, kw_only=True)
class Example(JsonRecord):
    """A question with the model's answer *said*; of those that were kept, with its own *curves* by name.

    *boxes* are the named objects' and *patches* those of the related image tokens, in pixels of the original
    picture of *size* (width, height); the *thumbnail* is a JPEG in base64, empty where none is shown.
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


def exhibited(data: object) -> tuple[tuple[Curve, ...], tuple[Example, ...]]:
    """The curves and the examples of one measurement that the bench handed on; `LedgerError` for another form."""
    read = Reader.of(data, "an exhibit")
    whose = {"model": read.name("model"), "task": read.name("task")}

    def told(key: str, **more: bool) -> list[dict[str, object]]:
        return [{**dict(Reader.of(each, key).data), **whose, **more} for each in read.entries(key)]

    curves = tuple(Curve.from_json(each) for each in told("curves"))
    shown = [*told("examples", kept=True), *told("missed", kept=False)]
    return curves, tuple(Example.from_json(each) for each in shown)
