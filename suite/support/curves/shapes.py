"""Models of any depth whose curves have a given shape, with so little noise that it decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np

from fixtures.flow import IMAGE, LAST, OTHER, PICTURE_SPANS, QUESTION, RELATED, WORD_SPANS, Edge, Window, default_width
from fixtures.measurement import Measurement
from fixtures.model_flow import Request
from fixtures.question import Question
from suite.support.curves.paper_model import SMALLER, Floats, LazyMapping

I_Q, I_L, Q_L, L_L = IMAGE >> QUESTION, IMAGE >> LAST, QUESTION >> LAST, LAST >> LAST
R_Q, O_Q = RELATED >> QUESTION, OTHER >> QUESTION
ANSWERS: Final = ("yes", "no")

QUESTIONS: Final = 600
SIZE_SCATTER, LAYER_NOISE = 0.05, 0.2
"""The scatter of a question's reaction as a share of it, and that of each layer in points."""


class Grid(NamedTuple):
    """Where a shape is drawn: so many *points* of a model of *depth* layers, in windows of *width*."""

    depth: int
    width: int
    points: int

    @property
    def x(self) -> Floats:
        """The points, in layers of 40."""
        return np.arange(self.points) * 40 / self.depth


Shape = Callable[[Grid], Floats]
"""A mean curve in percent, or a mean probability of the lens."""


def bump(centre: float, width: float, height: float) -> Shape:
    """A hump around a layer of 40."""
    return lambda grid: height * (1 + ((grid.x - centre) / width) ** 2) ** -1.5


def level(height: float, first: float = 0, last: float = 40) -> Shape:
    """A height from a first to a last layer of 40, and 0 elsewhere."""
    return lambda grid: np.where((grid.x >= first - 1e-9) & (grid.x <= last + 1e-9), height, 0.0)


def line(*points: tuple[float, float]) -> Shape:
    """Straight lines between *points*, each a layer of 40 with its height."""
    places, heights = zip(*points, strict=True)
    return lambda grid: np.interp(grid.x, places, heights)


def total(*shapes: Shape) -> Shape:
    return lambda grid: np.sum([shape(grid) for shape in shapes], axis=0)


def scaled(shape: Shape, factor: float) -> Shape:
    return lambda grid: factor * shape(grid)


def reader(**shares: float) -> Shape:
    """The curve of a model that reads in single layers of 40 and loses a share without each: `reader(at0=0.6)`."""

    def drawn(grid: Grid) -> Floats:
        left = np.ones(grid.points)
        for name, share in shares.items():
            layer = round(int(name.removeprefix("at")) * grid.depth / 40)
            inside = [layer in Window(center, grid.width).layers(grid.depth) for center in range(grid.points)]
            left *= np.where(inside, 1 - share, 1.0)
        return 100 * (left - 1)

    return drawn


def rise(at: float, height: float, fall: float = 99, steep: float = 2.0) -> Shape:
    """A probability that rises to *height* at a layer of 40 and falls to 0 at another."""

    def drawn(grid: Grid) -> Floats:
        up, down = (
            1 / (1 + np.exp(-np.clip(steep * side * (grid.x - place), -50, 50)))
            for place, side in ((at, 1), (fall, -1))
        )
        return height * up * down

    return drawn


NOTHING: Final = level(0)
EARLY, LATE, SMALL_LATE = bump(1, 2.5, -60), bump(12, 2.5, -24), bump(12, 2.5, -12)
PAPER: Final[Mapping[Edge, Shape]] = {
    I_Q: total(EARLY, LATE),
    O_Q: EARLY,
    R_Q: LATE,
    Q_L: bump(20, 4, -32),
    I_L: bump(16, 5, -2),
    L_L: NOTHING,
}
LENS: Final[Mapping[str, Shape]] = {
    "lowercase": rise(18, 0.5, 31),
    "capitalized": rise(33, 0.85),
    "false_lowercase": rise(18, 0.1, 31),
    "false_capitalized": rise(33, 0.08),
}
COMPARING: Final = ("CompareAttr", "LogicalObj")
SCORES: Final = {"answer": ("lowercase", "capitalized"), "rival": ("false_lowercase", "false_capitalized")}
"""The forms of the answer and of its best rival. Without a false option that is another answer, and is as probable."""
SMALLER_SECOND: Final = {task: {I_Q: total(EARLY, SMALL_LATE)} for task in COMPARING}


@dataclass(frozen=True)
class ShapedModel:
    """A model whose curves have the paper's shapes, but for those that are given."""

    depth: int = 40
    curves: Mapping[Edge, Shape] = field(default_factory=dict[Edge, Shape])
    lens: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    of_tasks: Mapping[str, Mapping[Edge, Shape]] | None = None
    """Curves of single tasks; None for the paper's, where `curves` gives none of image->question."""
    of_widths: Mapping[int, Mapping[Edge, Shape]] = field(default_factory=dict[int, Mapping[Edge, Shape]])
    of_final_sub_words: Mapping[Edge, Shape] = field(default_factory=dict[Edge, Shape])
    smaller: Mapping[Edge, Shape] = field(default_factory=lambda: {O_Q: bump(1, 2.5, -30)})
    right: float = 0.99
    questions: int = QUESTIONS

    def at(self, depth: int) -> ShapedModel:
        return replace(self, depth=depth)

    def measured(self, request: Request) -> Measurement:
        """The measurement of a *request*, the same whenever it is asked for."""
        depth, width = self.depth, request.width or default_width(self.depth)
        draw = np.random.default_rng([crc32(f"{request.task} {request.model in SMALLER}".encode())])
        correct = np.arange(self.questions) >= round((1 - self.right) * self.questions)
        size = 1 + SIZE_SCATTER * draw.standard_normal((int(correct.sum()), 1))
        baseline = draw.uniform(0.5, 0.95, len(size))
        shapes = self._shapes(request)

        def knocked(edge: Edge) -> Floats:
            mean = shapes.get(edge, NOTHING)(Grid(depth, width, depth))
            noise = np.random.default_rng([width, crc32(str(edge).encode())])
            changes = mean * size + LAYER_NOISE * noise.standard_normal((len(size), depth))
            return baseline[:, None] * np.maximum(1 + changes / 100, 0)

        def read(form: str) -> Floats:
            mean = {**LENS, **self.lens}.get(form, NOTHING)(Grid(depth, width, depth + 1))
            return np.clip(mean * size, 0, 1)

        def seen(form: str) -> Floats:
            is_absent = form.startswith("false") and not request.task.startswith("Choose")
            return np.full((len(size), depth + 1), np.nan) if is_absent else read(form)

        questions = self._questions(request.task)
        others = [ANSWERS[place % 2 - 1] for place in range(self.questions)]
        kept = tuple(question for question, is_right in zip(questions, correct, strict=True) if is_right)
        return Measurement(
            model=request.model,
            task=request.task,
            layers=depth,
            width=width,
            edges=request.edges,
            asked=questions,
            correct=correct,
            answers=tuple(
                question.answer if is_right else other
                for question, other, is_right in zip(questions, others, correct, strict=True)
            ),
            questions=kept,
            baseline=baseline,
            knocked=LazyMapping(request.edges, knocked),
            lenses=LazyMapping(LENS, seen),
            set_aside={},
            provenance={},
            scores={name: np.maximum(*map(read, forms)) for name, forms in SCORES.items()},
        )

    def _shapes(self, request: Request) -> Mapping[Edge, Shape]:
        every = {**dict.fromkeys((s >> t for s in (*PICTURE_SPANS, *WORD_SPANS) for t in WORD_SPANS), NOTHING), **PAPER}
        tasks = self.of_tasks if self.of_tasks is not None else {} if I_Q in self.curves else SMALLER_SECOND
        shapes = {**every, **self.curves, **tasks.get(request.task, {})}
        shapes |= self.of_widths.get(request.width or 0, {})
        shapes |= self.of_final_sub_words if request.final_sub_word else {}
        return {**shapes, **self.smaller} if request.model in SMALLER else shapes

    def _questions(self, task: str) -> tuple[Question, ...]:
        is_choice = task.startswith("Choose")
        return tuple(
            Question(
                str(each), f"i{each}", task, "Is it?", ANSWERS[each % 2], None,
                ANSWERS[each % 2 - 1] if is_choice else None, (), (32, 32),
            )
            for each in range(self.questions)
        )  # fmt: skip
