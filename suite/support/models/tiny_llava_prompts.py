"""A question about a shirt, and a tiny LLaVA with the paper's prompt or its chat template."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fixtures.flow import BASE, SEPARATOR, TILES, Span
from fixtures.models import wrap
from fixtures.models.prompt_texts import Style
from fixtures.question import FilePicture, Object, Question
from suite.support.models import tiny_llava

if TYPE_CHECKING:
    from fixtures.models.base import Subject
    from fixtures.models.prompt import Prompt

SHIRT = Question(
    id="1",
    image_id="one",
    task="ChooseAttr",
    text="Is the shirt black or yellow?",
    answer="yellow",
    true_option="yellow",
    false_option="black",
    objects=(Object("shirt", (60, 10, 20, 30)),),
    image_size=(112, 56),
)
"""A question with two options and one object with a box, about a picture twice as wide as high."""

STYLES: list[Style] = ["paper", "chat"]
"""The prompt styles of LLaVA-1.5."""

UNTILED = {SEPARATOR, BASE, TILES}
"""The spans that only pictures in tiles have; LLaVA-1.5 has no tiles."""


@cache
def subject(style: Style = "chat") -> Subject:
    """The tiny LLaVA with the prompt *style*."""
    return wrap(tiny_llava.model(), tiny_llava.processor(), style)


def read(prompt: Prompt, span: Span, reader: Subject | None = None) -> str:
    """The text of *span*'s tokens, by the tokenizer of *reader* or of the tiny LLaVA."""
    return (reader or subject()).tokenizer.decode(prompt.input_ids[prompt.spans[span]])


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """A picture of *size* (width, height) in which every pixel is random."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))


def with_picture(question: Question, folder: Path, size: tuple[int, int] | None = None) -> Question:
    """*question* with a picture of noise, saved in *folder*; it has the question's own size unless *size* is given."""
    path = folder / f"{question.image_id}.png"
    noise(size or question.image_size).save(path)
    return replace(question, picture=FilePicture(path))
