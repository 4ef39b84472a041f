"""What is drawn of a run, mean curves and example questions, in the numbers that the bench hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reports.ledger.strict_json import Json, Reader

Box: TypeAlias = tuple[float, ...]
"""x, y, width, height in pixels of the original picture."""


@dataclass(frozen=True)
class Reading:
    """A stretch of a curve that a number was read from, its points from *first* to *last*.

    *sign*: of the number on the curve's own axis, -1 for a drop; 0 where it is on another, such as layers.
    """

    curve: str
    first: int
    last: int
    sign: int = 0

    @classmethod
    def from_json(cls, data: object) -> Reading:
        read = Reader.of(data, "a reading")
        return cls(read.name("curve"), read.count("first") or 0, read.count("last") or 0, read.count("sign") or 0)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The mean over *n* questions at each layer (or lens point) with its 95 % interval, in *unit*.

    *kind* is "knockout", in points of relative change, or "lens", in percent, which has one point more.
    """

    model: str
    task: str
    name: str
    kind: str
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
    def from_json(cls, data: object) -> Curve:
        read = Reader.of(data, "a curve")
        mean, low, high = read.numbers("mean"), read.numbers("low"), read.numbers("high")
        return cls(
            model=read.name("model"),
            task=read.name("task"),
            name=read.name("name"),
            kind=read.one_of("kind", ("knockout", "lens")),
            unit=read.text("unit"),
            n=read.count("n") or 0,
            mean=mean,
            low=low if len(low) == len(mean) else mean,
            high=high if len(high) == len(mean) else mean,
        )


@dataclass(frozen=True, kw_only=True)
class Example:
    """A question with the model's answer *said*; of those that were kept, with its own *curves* by name.

    *boxes* are the named objects' and *patches* those of the related image tokens, in pixels of the original
    picture of *size* (width, height); the *thumbnail* is a JPEG in base64, empty where none is shown.
    """

    model: str
    task: str
    id: str
    text: str
    answer: str
    said: str
    kept: bool
    options: tuple[str, ...] = ()
    size: tuple[int, ...] = ()
    boxes: tuple[Mapping[str, Json], ...] = ()
    patches: tuple[Box, ...] = ()
    thumbnail: str = ""
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=lambda: {})

    @classmethod
    def from_json(cls, data: object) -> Example:
        read = Reader.of(data, "an example")
        curves = Reader.of(read.data.get("curves") or {}, f"curves of {read.what}")
        return cls(
            model=read.name("model"),
            task=read.name("task"),
            id=read.name("id"),
            text=read.text("text"),
            answer=read.text("answer"),
            said=read.text("said"),
            kept=bool(read.data.get("kept")),
            options=read.texts("options"),
            size=read.counts("size"),
            boxes=read.mappings("boxes"),
            patches=tuple(tuple(side or 0.0 for side in sides) for sides in read.rows("patches")),
            thumbnail=read.text("thumbnail"),
            curves={name: curves.numbers(name) for name in curves.data},
        )


def exhibited(data: object) -> tuple[tuple[Curve, ...], tuple[Example, ...]]:
    """The curves and the examples of one measurement that the bench handed on; `LedgerError` for another form."""
    read = Reader.of(data, "an exhibit")
    whose = {"model": read.name("model"), "task": read.name("task")}

    def told(key: str, **more: bool) -> list[dict[str, object]]:
        return [{**dict(Reader.of(each, key).data), **whose, **more} for each in read.entries(key)]

    curves = tuple(Curve.from_json(each) for each in told("curves"))
    shown = [*told("examples", kept=True), *told("missed", kept=False)]
    return curves, tuple(Example.from_json(each) for each in shown)
