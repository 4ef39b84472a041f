"""One line of the truth table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.support.curves.shapes import ShapedModel

DEPTHS = (12, 28, 32, 40)


@dataclass(frozen=True)
class Case:
    """A model of which a claim's sentence is true or false, with the reason that a person would give."""

    is_true: bool
    why: str
    model: ShapedModel
    task: str = "ChooseAttr"
    premise: str = ""
    """What the sentence takes for granted and the model lacks; the claim may then be inconclusive, and say so."""
    depths: Sequence[int] = DEPTHS


def true(why: str, model: ShapedModel, task: str = "ChooseAttr", depths: Sequence[int] = DEPTHS) -> Case:
    return Case(True, why, model, task, depths=depths)


def false(
    why: str, model: ShapedModel, task: str = "ChooseAttr", premise: str = "", depths: Sequence[int] = DEPTHS
) -> Case:
    return Case(False, why, model, task, premise, depths)
