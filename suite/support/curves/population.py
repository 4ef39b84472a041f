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
"""How the variance of a question's reaction is shared: by all its curves, by the layers of one curve, by nothing."""

ROUNDING = 0.01
"""The relative standard deviation of a question's probability in half precision."""

LEAST_PART = 0.05
"""The smallest mean that a few full reactions make: one question in twenty. For smaller means all react less."""

SHARED = 4
"""The first two of every so many questions share an image; the six tasks have 1.0 to 1.3 questions per image."""


@dataclass(frozen=True)
class Population(Model):
    """A model with random questions, which are different for each `sample`.

    A knockout leaves U ** (1 / m - 1) of a question's probability, with U uniform on [0, 1]. The mean over questions
    is then exactly m. The lens reads probabilities of the same kind. U is similar for questions about one image and for
    curves of one question. In an `exact` population every question has the mean.
    """

    sample: int = 0
    exact: bool = False

    def of(self, model: Model) -> Population:
        """The population of another model, with questions from the same distribution."""
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
        of_right = reaction[correct]
        keys = {each: self._key(model, task, str(each), *salt) for each in curves}
        left = LazyMapping(curves, lambda edge: self._left(curves[edge], of_right, keys[edge]))
        seen = LazyMapping(lens, lambda form: self._about(lens[form], of_right, self._key(model, task, form)))
        return Sample(images.tolist(), correct, np.full(len(of_right), 0.5), left, seen)

    def _key(self, *names: str | int) -> list[int]:
        return [self.sample, *(crc32(name.encode()) if isinstance(name, str) else name for name in names)]

    def _shared(self, images: np.ndarray, of_image: list[int], of_question: list[int]) -> Floats:
        """Standard normal numbers [questions]; half of their variance belongs to the image."""
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
        """Numbers between 0 and 1 [questions, points] with *mean* as their mean over questions."""
        if self.exact:
            return np.tile(mean, (len(reaction), 1))
        draw = np.random.default_rng(key)
        of_curve, of_layer = draw.standard_normal((len(reaction), 1)), draw.standard_normal((len(reaction), len(mean)))
        mixed = np.sqrt(OF_QUESTION) * reaction[:, None] + np.sqrt(OF_CURVE) * of_curve + np.sqrt(OF_LAYER) * of_layer
        # A small mean comes from many small numbers, not from one question in a million.
        part = np.maximum(mean, LEAST_PART)
        return mean / part * ndtr(mixed) ** (1 / part - 1)


def _images(questions: int) -> np.ndarray:
    """The number of each question's image [questions]."""
    place = np.arange(questions)
    return place - (place % SHARED == 1)
