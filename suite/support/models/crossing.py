"""Tiny models whose positions read the picture by cross-attention, in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED
from fixtures.instruments.engines.reference import Knockout, knocked_out_logits
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.prompt import Prompt
from suite.support.models.families import families
from suite.support.models.pixel_oracle import question

FAMILIES = ["idefics", "idefics_patches", "mllama"]
PARTS = [RELATED >> QUESTION, OTHER >> QUESTION, RELATED >> LAST]
"""Edges from a part of the picture, which idefics cannot tell from the rest."""


@cache
def subject_of(name: str) -> Subject:
    """In double precision, so that what is equal is seen to be."""
    model, processor = families()[name].build()
    return wrap(model.double(), processor)


def prompt_of(name: str, seed: int = 0, size: tuple[int, int] = (75, 40)) -> Prompt:
    return subject_of(name).encode(question(size, seed))


def logits(name: str, prompt: Prompt, cut: Knockout | None = None, **changes: Any) -> Tensor:
    """[1, vocabulary], with keyword arguments of the model changed."""
    with torch.inference_mode():
        return knocked_out_logits(subject_of(name), [prompt], {**subject_of(name).batch([prompt]), **changes}, cut)


def unseeing(prompt: Prompt, rows: Any = slice(None), layers: Any = range(99)) -> Knockout:
    """All features cut off from *rows*."""
    tokens = len(prompt.input_ids)
    blocked = torch.zeros(1, 1, tokens, tokens + prompt.features, dtype=torch.bool)
    blocked[0, 0, rows, tokens:] = True
    return Knockout(IMAGE >> QUESTION, layers, blocked)


@contextmanager
def norms_in_double() -> Iterator[None]:
    """Without the rounding to float32 in both families' norms, which hides differences below 1e-8."""
    from transformers.models.idefics.modeling_idefics import IdeficsRMSNorm
    from transformers.models.mllama.modeling_mllama import MllamaTextRMSNorm

    def forward(self: Any, hidden: Tensor) -> Tensor:
        return self.weight * (hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    with pytest.MonkeyPatch.context() as patch:
        for norm in (IdeficsRMSNorm, MllamaTextRMSNorm):
            patch.setattr(norm, "forward", forward)
        yield
