"""A file of published curves: what was cut from what, how the loss was measured, and each layer's mean and error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fixtures.flow import SPANS, Edge

Floats = NDArray[np.float64]

PROBABILITY: Final = "probability"
"""The measure of this suite: the relative change of the answer's probability, in percent; negative for a loss."""

MEASURES: Final = {
    PROBABILITY: "points",
    "margin": "% of the base margin",
    "accuracy": "points of accuracy",
}
"""The measures that a file may have, each with the unit that is printed. A margin's changes are divided by its base."""

FIELDS: Final = ("source", "model", "layers", "n", "window", "measure", "curves")


class UnreadableSource(Exception):
    """A file that cannot be read as published curves; the message says where and what is needed."""


@dataclass(frozen=True, eq=False)
class PublishedCurve:
    """One curve: `mean` [layers] of the change by a cut and `error` [layers], its standard error; None if unknown.

    Both are in percent of the measure. `blocked` names what was cut from what in the source's words, and `edge` is
    the edge of this suite that is the same cut; None if there is none.
    """

    blocked: str
    edge: Edge | None
    mean: Floats
    error: Floats | None


@dataclass(frozen=True, eq=False)
class PublishedSource:
    """What one file holds: the mean curves of *n* questions of one model."""

    source: str
    model: str
    layers: int
    n: int
    window: int
    measure: str
    curves: tuple[PublishedCurve, ...]

    @property
    def unit(self) -> str:
        """The unit of the curves in words."""
        return MEASURES[self.measure]

    def curve(self, edge: Edge) -> PublishedCurve | None:
        """The curve of exactly this *edge*; None if the source has none, whatever it calls its curves."""
        return next((curve for curve in self.curves if curve.edge == edge), None)


def read_source(path: Path) -> PublishedSource:
    """The published curves of a JSON file, see `suite/README.md`; `UnreadableSource` for any other file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableSource(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UnreadableSource(f"{path} is no JSON ({error})") from error
    try:
        return _source(data)
    except (KeyError, TypeError, ValueError) as error:
        why = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise UnreadableSource(f"{path}: {why}; a file has {', '.join(FIELDS)}") from error


def _source(data: Any) -> PublishedSource:
    if not isinstance(data, dict):
        raise ValueError("it is no JSON object")
    measure, layers = str(data["measure"]), _count(data, "layers")
    if measure not in MEASURES:
        raise ValueError(f"measure {measure!r} is unknown: known are {', '.join(MEASURES)}")
    factor = -100 / _base(data) if measure == "margin" else 1.0
    return PublishedSource(
        source=str(data["source"]),
        model=str(data["model"]),
        layers=layers,
        n=_count(data, "n"),
        window=_count(data, "window"),
        measure=measure,
        curves=tuple(_curve(each, layers, factor) for each in data["curves"]),
    )


def _base(data: Mapping[str, Any]) -> float:
    """The margin without a cut, by which the losses of a margin, in nats, are divided."""
    base = float(data["base"])
    if not base > 0:
        raise ValueError(f"base {base:g} is no margin: it is above 0")
    return base


def _curve(data: Mapping[str, Any], layers: int, factor: float) -> PublishedCurve:
    start, target = str(data["from"]), str(data["to"])
    mean = _numbers(data, "mean", layers) * factor
    error = None if data.get("se") is None else _numbers(data, "se", layers) * abs(factor)
    if error is not None and not (error >= 0).all():
        raise ValueError(f"se of {start}->{target} has a negative number")
    edge = Edge(SPANS[start], SPANS[target]) if start in SPANS and target in SPANS else None
    return PublishedCurve(f"{start}->{target}", edge, mean, error)


def _numbers(data: Mapping[str, Any], name: str, layers: int) -> Floats:
    values = np.array(data[name], dtype=np.float64)
    if values.shape != (layers,) or not np.isfinite(values).all():
        raise ValueError(f"{name} of {data['from']}->{data['to']} has not {layers} numbers, one a layer")
    return values


def _count(data: Mapping[str, Any], name: str) -> int:
    if not isinstance(data[name], int) or isinstance(data[name], bool) or data[name] < 1:
        raise ValueError(f"{name} {data[name]!r} is no whole number above 0")
    return data[name]
