"""Questions drawn from a population whose mean curves are exactly a synthetic model's, and as skewed as real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from scipy.special import ndtr

from fixtures.flow import Edge
from suite.support.curves.paper_model import Drawn, Floats, Late, Model

OF_QUESTION, OF_CURVE, OF_LAYER = 0.64, 0.2, 0.16
"""Of the variance of what makes a question react: how much it shares over curves, over layers, and with nothing."""

ROUNDING = 0.01
"""Standard deviation of what half precision makes of a question's probability."""

LEAST_PART = 0.05
"""Means below are of all questions alike: one of so many answers reacts wholly."""

SHARED = 4
"""The first two of so many questions are about one image: the six tasks have 1.0 to 1.3 questions an image."""


@dataclass(frozen=True)
class Population(Model):
    """As `Model`, but draws its questions: other ones for another `sample`.

    What a knockout leaves of a question's probability is U ** (1 / m - 1) with U uniform on [0, 1] and m its mean
    over questions, which is so met exactly; so is what the lens reads. U is much the same for questions of one image
    and for curves of one question. An `exact` population is all mean.
    """

    sample: int = 0
    exact: bool = False

    def of(self, model: Model) -> Population:
        """Questions of another model, drawn as these are."""
        return replace(
            self, **{name: getattr(model, name) for name in Model.__dataclass_fields__ if name != "questions"}
        )

    def _drawn(
        self, model: str, task: str, salt: tuple[int, int], curves: Mapping[Edge, Floats], lens: Mapping[str, Floats]
    ) -> Drawn:
        images = _images(self.questions)
        reaction = self._shared(images, self._key(model), self._key(model, task))
        # Whether it is answered tells nothing of how it reacts: else the means of those that are would be others.
        luck = self._shared(images, self._key(model, "luck"), self._key(model, task, "luck"))
        correct = np.ones(self.questions, bool) if self.exact else ndtr(luck) < self.right
        kept = reaction[correct]
        keys = {each: self._key(model, task, str(each), *salt) for each in curves}
        left = Late(curves, lambda edge: self._left(curves[edge], kept, keys[edge]))
        seen = Late(lens, lambda form: self._about(lens[form], kept, self._key(model, task, form)))
        return Drawn(images.tolist(), correct, np.full(len(kept), 0.5), left, seen)

    def _key(self, *names: str | int) -> list[int]:
        return [self.sample, *(crc32(name.encode()) if isinstance(name, str) else name for name in names)]

    def _shared(self, images: np.ndarray, of_image: list[int], of_question: list[int]) -> Floats:
        """[questions], standard normal; half of it is the image's."""
        pictures = np.random.default_rng(of_image).standard_normal(self.questions)[images]
        return (pictures + np.random.default_rng(of_question).standard_normal(len(images))) / np.sqrt(2)

    def _left(self, curve: Floats, reaction: Floats, key: list[int]) -> Floats:
        """1 + the relative changes [questions, layers] whose means are *curve*, in percent."""
        fallen = self._about(1 - np.abs(curve) / 100, reaction, key)
        left = np.where(curve > 0, 2 - fallen, fallen)
        # A knockout that changes nothing still is not run to the last bit as the model is.
        return (
            left if self.exact else left * (1 + ROUNDING * np.random.default_rng([*key, 1]).standard_normal(left.shape))
        )

    def _about(self, mean: Floats, reaction: Floats, key: list[int]) -> Floats:
        """Between 0 and 1 [questions, points], with these means over questions."""
        if self.exact:
            return np.tile(mean, (len(reaction), 1))
        draw = np.random.default_rng(key)
        of_curve, of_layer = draw.standard_normal((len(reaction), 1)), draw.standard_normal((len(reaction), len(mean)))
        mixed = np.sqrt(OF_QUESTION) * reaction[:, None] + np.sqrt(OF_CURVE) * of_curve + np.sqrt(OF_LAYER) * of_layer
        # A small mean is that of many that are small, not of one question in a million.
        part = np.maximum(mean, LEAST_PART)
        return mean / part * ndtr(mixed) ** (1 / part - 1)


def _images(questions: int) -> np.ndarray:
    """[questions]: which image each is about."""
    place = np.arange(questions)
    return place - (place % SHARED == 1)
