"""A synthetic model of 40 layers that does what the paper says; its measurements have known true effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

from fixtures.flow import (
    IMAGE,
    LAST,
    OTHER,
    PICTURE_SPANS,
    QUESTION,
    RELATED,
    WORD_SPANS,
    Edge,
    default_width,
)
from fixtures.measurement import Measurement
from fixtures.model_flow import Request
from fixtures.question import Question

LAYERS = 40
SMALLER = ("llava-1.5-7b",)
POINTS = np.arange(LAYERS + 1)
ANSWERS = ("yes", "no")

Floats = np.ndarray
K = TypeVar("K", Edge, str)


def bump(centre: float, width: float, height: float, points: Floats = POINTS[:-1]) -> Floats:
    """A hump with tails, because ranks have no order where a curve is flat over many layers."""
    return height * (1 + ((points - centre) / width) ** 2) ** -1.5


def paper_curves() -> dict[Edge, Floats]:
    """Mean relative changes in percent [layers], with the shapes and sizes of the paper's figures 3 to 5."""
    nothing = np.zeros(LAYERS)
    early, late = bump(1, 2.5, -60), bump(12, 2.5, -24)
    every = {source >> target: nothing for source in (*PICTURE_SPANS, *WORD_SPANS) for target in WORD_SPANS}
    return {
        **every,
        IMAGE >> QUESTION: early + late,
        OTHER >> QUESTION: early,
        RELATED >> QUESTION: late,
        QUESTION >> LAST: bump(20, 5, -32),
        IMAGE >> LAST: bump(16, 5, -2),
        LAST >> LAST: nothing,
    }


def paper_lens() -> dict[str, Floats]:
    """Mean probabilities [layers + 1] like those of the paper's figure 6."""
    rise, fall = 1 / (1 + np.exp(-(POINTS - 18) * 2)), 1 / (1 + np.exp((POINTS - 31) * 2))
    lower, capitalized = 0.5 * rise * fall, 0.85 / (1 + np.exp(-(POINTS - 33) * 2))
    return {
        "lowercase": lower,
        "capitalized": capitalized,
        "false_lowercase": 0.2 * lower,
        "false_capitalized": 0.1 * capitalized,
    }


class LazyMapping(Mapping[K, Floats]):
    """A mapping that makes each value when it is first read, because a claim reads few of thirty curves."""

    def __init__(self, keys: Iterable[K], make: Callable[[K], Floats]) -> None:
        self._keys, self._make = dict.fromkeys(keys), cache(make)

    def __getitem__(self, key: K) -> Floats:
        if key not in self._keys:
            raise KeyError(key)
        return self._make(key)

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Sample(NamedTuple):
    """A sample of a task's questions and of how they react."""

    images: Sequence[int]
    """The number of each question's image [questions]."""
    correct: np.ndarray
    """Whether the model answers each question correctly [questions]."""
    baseline: Floats
    """The probability p1 of the right answer [questions answered correctly]."""
    left: Mapping[Edge, Floats]
    """The share of p1 that a knockout leaves [questions answered correctly, layers]."""
    seen: Mapping[str, Floats]
    """The probability of each form by the lens [questions answered correctly, layers + 1]."""


@dataclass(frozen=True)
class Model:
    """The mean curves of a model, the tasks in which they differ, and how questions scatter around them."""

    curves: Mapping[Edge, Floats] = field(default_factory=paper_curves)
    lens: Mapping[str, Floats] = field(default_factory=paper_lens)
    of_tasks: Mapping[str, Mapping[Edge, Floats]] = field(
        default_factory=lambda: {
            task: {IMAGE >> QUESTION: bump(1, 2.5, -60) + bump(12, 2.5, -12)} for task in ("CompareAttr", "LogicalObj")
        }
    )
    of_widths: Mapping[int, Mapping[Edge, Floats]] = field(default_factory=dict[int, Mapping[Edge, Floats]])
    of_final_sub_words: Mapping[Edge, Floats] = field(default_factory=dict[Edge, Floats])
    smaller: Mapping[Edge, Floats] = field(default_factory=lambda: {OTHER >> QUESTION: bump(1, 2.5, -30)})
    right: float = 0.99
    questions: int = 400
    scatter: float = 8.0
    """The standard deviation of a question's relative changes, in points."""

    def changed(self, edge: Edge, curve: Floats) -> Model:
        return replace(self, curves={**self.curves, edge: curve})

    def read(self, form: str, curve: Floats) -> Model:
        return replace(self, lens={**self.lens, form: curve})

    def measured(self, request: Request) -> Measurement:
        """The measurement of a *request*, always the same for the same request, as `Bench.measurement` gives it."""
        model, task, width, edges = request.model, request.task, request.width, request.edges
        curves = {**self.curves, **self.of_tasks.get(task, {}), **self.of_widths.get(width or 0, {})}
        curves |= self.of_final_sub_words if request.final_sub_word else {}
        curves |= self.smaller if model in SMALLER else {}
        choose = task.startswith("Choose")
        images, correct, baseline, left, seen = self._sample(
            model, task, (width or 0, int(request.final_sub_word)), {each: curves[each] for each in edges},
            self.lens,
        )  # fmt: skip
        golds = [ANSWERS[each % 2] for each in range(len(correct))]
        others = [ANSWERS[each % 2 - 1] for each in range(len(correct))]
        questions = tuple(
            Question(str(each), f"i{image}", task, "Is it?", gold, None, other if choose else None, (), (32, 32))
            for each, (image, gold, other) in enumerate(zip(images, golds, others, strict=True))
        )
        absent = np.full((len(baseline), LAYERS + 1), np.nan)
        shown = LazyMapping(self.lens, lambda form: seen[form] if choose or not form.startswith("false") else absent)
        # Without a false option the rival is another answer, and just as probable.
        forms = {"answer": ("lowercase", "capitalized"), "rival": ("false_lowercase", "false_capitalized")}
        return Measurement(
            model=model,
            task=task,
            layers=LAYERS,
            width=width or default_width(LAYERS),
            edges=edges,
            asked=questions,
            correct=correct,
            answers=tuple(gold if right else other for gold, other, right in zip(golds, others, correct, strict=True)),
            questions=tuple(each for each, right in zip(questions, correct, strict=True) if right),
            baseline=baseline,
            knocked=LazyMapping(edges, lambda edge: baseline[:, None] * left[edge]),
            lenses=shown,
            set_aside={},
            provenance={},
            scores=LazyMapping(forms, lambda word: np.maximum(*(seen[form] for form in forms[word]))),
            rivals=() if choose else ANSWERS,
        )

    def _sample(
        self, model: str, task: str, salt: tuple[int, int], curves: Mapping[Edge, Floats], lens: Mapping[str, Floats]
    ) -> Sample:
        """A sample of questions, each about an image of its own; the first few are answered wrongly."""
        draw = np.random.default_rng([sum(task.encode()), len(model), *salt, len(curves)])
        correct = np.arange(self.questions) >= round((1 - self.right) * self.questions)
        right = int(correct.sum())
        baseline = draw.uniform(0.6, 1.0, right)
        seen = {form: np.clip(mean * draw.uniform(0.8, 1.2, (right, 1)), 0, 1) for form, mean in lens.items()}
        left = {each: self._scattered(curve, right, draw) for each, curve in curves.items()}
        return Sample(range(self.questions), correct, baseline, left, seen)

    def _scattered(self, curve: Floats, questions: int, draw: np.random.Generator) -> Floats:
        """1 + the relative change [questions, layers]. Its size varies most, its shape a little."""
        size = 1 + self.scatter / 40 * draw.standard_normal((questions, 1))
        return np.maximum(1 + (curve * size + self.scatter / 8 * draw.standard_normal((questions, LAYERS))) / 100, 0)
