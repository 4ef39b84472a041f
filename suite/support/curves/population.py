"""A population of questions with exactly the mean curves of a synthetic model, as skewed as real questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from scipy.special import ndtr

from fixtures.flow import Edge
from suite.support.curves.paper_model import Floats, LazyMapping, Model, Sample

OF_QUESTION, OF_CURVE, OF_LAYER = 0.64, 0.2, 0.16
"""Shares of the variance of a question's reaction: common to its curves, to the layers of one curve, and to neither."""

ROUNDING = 0.01
"""Relative standard deviation of a question's probability in half precision."""

LEAST_PART = 0.05
"""Smaller means are those of questions that all react less: at this mean, one question in twenty reacts wholly."""

SHARED = 4
"""Of so many questions the first two share an image; the six tasks have 1.0 to 1.3 questions per image."""


@dataclass(frozen=True)
class Population(Model):
    """A model whose questions are drawn at random, other questions for another `sample`.

    A knockout leaves U ** (1 / m - 1) of a question's probability, with U uniform on [0, 1]. The mean over questions
    is then exactly m. The lens reads probabilities of the same kind. U is similar for questions about one image and for
    curves of one question. In an `exact` population every question has the mean.
    """

    sample: int = 0
    exact: bool = False

    def of(self, model: Model) -> Population:
        """The population of another model, with questions drawn in the same way."""
        return replace(
            self, **{name: getattr(model, name) for name in Model.__dataclass_fields__ if name != "questions"}
        )

    def _sample(
        self, model: str, task: str, salt: tuple[int, int], curves: Mapping[Edge, Floats], lens: Mapping[str, Floats]
    ) -> Sample:
        images = _images(self.questions)
        reaction = self._shared(images, self._key(model), self._key(model, task))
        # A right answer must say nothing about the reaction, or the right ones would have other means.
        luck = self._shared(images, self._key(model, "luck"), self._key(model, task, "luck"))
        correct = np.ones(self.questions, bool) if self.exact else ndtr(luck) < self.right
        kept = reaction[correct]
        keys = {each: self._key(model, task, str(each), *salt) for each in curves}
        left = LazyMapping(curves, lambda edge: self._left(curves[edge], kept, keys[edge]))
        seen = LazyMapping(lens, lambda form: self._about(lens[form], kept, self._key(model, task, form)))
        return Sample(images.tolist(), correct, np.full(len(kept), 0.5), left, seen)

    def _key(self, *names: str | int) -> list[int]:
        return [self.sample, *(crc32(name.encode()) if isinstance(name, str) else name for name in names)]

    def _shared(self, images: np.ndarray, of_image: list[int], of_question: list[int]) -> Floats:
        """[questions]: standard normal numbers; half of their variance belongs to the image."""
        pictures = np.random.default_rng(of_image).standard_normal(self.questions)[images]
        return (pictures + np.random.default_rng(of_question).standard_normal(len(images))) / np.sqrt(2)

    def _left(self, curve: Floats, reaction: Floats, key: list[int]) -> Floats:
        """1 + the relative changes [questions, layers] whose means are *curve*, in percent."""
        fallen = self._about(1 - np.abs(curve) / 100, reaction, key)
        left = np.where(curve > 0, 2 - fallen, fallen)
        # A knockout that changes nothing still differs from the model's own run in the last bits.
        return (
            left if self.exact else left * (1 + ROUNDING * np.random.default_rng([*key, 1]).standard_normal(left.shape))
        )

    def _about(self, mean: Floats, reaction: Floats, key: list[int]) -> Floats:
        """[questions, points]: numbers between 0 and 1 with *mean* as their mean over questions."""
        if self.exact:
            return np.tile(mean, (len(reaction), 1))
        draw = np.random.default_rng(key)
        of_curve, of_layer = draw.standard_normal((len(reaction), 1)), draw.standard_normal((len(reaction), len(mean)))
        mixed = np.sqrt(OF_QUESTION) * reaction[:, None] + np.sqrt(OF_CURVE) * of_curve + np.sqrt(OF_LAYER) * of_layer
        # A small mean comes from many small numbers, not from one question in a million.
        part = np.maximum(mean, LEAST_PART)
        return mean / part * ndtr(mixed) ** (1 / part - 1)


def _images(questions: int) -> np.ndarray:
    """[questions]: the number of each question's image."""
    place = np.arange(questions)
    return place - (place % SHARED == 1)
