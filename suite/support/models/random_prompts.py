"""Prompts of random lengths whose spans lie anywhere, as hypothesis draws them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from fixtures.flow import OTHER, RELATED
from fixtures.models.prompt import Prompt
from suite.support.models.words_llava import PATCHES, TinySubject, tiny_question


def random_prompts(draw: st.DrawFn, subject: TinySubject, *, fewest: int, most: int, words: int) -> list[Prompt]:
    """*fewest* to *most* prompts of up to *words* words; each has random `RELATED` and `OTHER` spans or neither."""
    return [_random_prompt(draw, subject, seed, words) for seed in range(draw(st.integers(fewest, most)))]


def _random_prompt(draw: st.DrawFn, subject: TinySubject, seed: int, most_words: int) -> Prompt:
    words = draw(st.integers(2, most_words))
    places = st.lists(st.integers(1, PATCHES + words), min_size=1, max_size=9, unique=True).map(np.array)
    prompt = subject.encode(tiny_question(seed, words))
    spans = {span: own for span, own in prompt.spans.items() if span not in (RELATED, OTHER)}
    return replace(prompt, spans=spans | ({RELATED: draw(places), OTHER: draw(places)} if draw(st.booleans()) else {}))
