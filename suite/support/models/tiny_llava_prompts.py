"""A question about a shirt, and tiny LLaVAs that are asked it in either prompt."""

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
STYLES: list[Style] = ["paper", "chat"]

UNTILED = {SEPARATOR, BASE, TILES}
"""Spans of pictures that are cut into tiles."""


@cache
def subject(prompt: Style = "chat") -> Subject:
    return wrap(tiny_llava.model(), tiny_llava.processor(), prompt)


def read(prompt: Prompt, span: Span, asked: Subject | None = None) -> str:
    return (asked or subject()).tokenizer.decode(prompt.input_ids[prompt.spans[span]])


def fine(size: tuple[int, int], seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))


def with_picture(question: Question, folder: Path, size: tuple[int, int] | None = None) -> Question:
    path = folder / f"{question.image_id}.png"
    fine(size or question.image_size).save(path)
    return replace(question, picture=FilePicture(path))
