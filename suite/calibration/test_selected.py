"""The models that --model selects keep the contract: the first tests to run for a new model."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest
import torch

from fixtures.bench.bench import Bench
from fixtures.flow import IMAGE, QUESTION, RELATED
from fixtures.instruments.answers import encode
from fixtures.instruments.batching import in_batches
from fixtures.instruments.contract import CHECKS
from fixtures.instruments.forward import distribution, inputs, last_logits
from fixtures.models.errors import Unaskable
from suite.support.models.pixel_oracle import (
    boxes,
    require_patches_where_they_are_seen,
    require_tiles_in_any_order,
    tiled,
)

PICTURES = ((500, 333), (333, 500), (300, 300))
"""Typical sizes of GQA's pictures: wide, tall and square."""

BATCH = 8
"""The number of questions in the batch, of several lengths."""

ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""The largest difference of a probability between a question alone and in a batch, by dtype."""


@contextmanager
def shown_pictures_of_our_own() -> Generator[None]:
    """Skip, with the reason, a model that takes no pictures but those of its questions."""
    try:
        yield
    except Unaskable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", CHECKS)
def test_the_contract(selected_model: str, bench: Bench, name: str) -> None:
    contract = bench.contract(selected_model)
    assert name in contract.checks
    assert name not in contract.failed, contract.checks[name]


def test_a_question_alone_and_in_any_batch(selected_model: str, bench: Bench) -> None:
    cases = bench.questions.of_task("ChooseAttr")[:BATCH]
    with bench.subject(selected_model) as subject, torch.inference_mode():
        prompts = list(encode(subject, cases)[0].values())
        assert prompts

        def likeliest(batch: object) -> list[torch.Tensor]:
            return list(distribution(subject, batch, last_logits(subject, inputs(subject, batch))).max(dim=-1).values)  # type: ignore[arg-type]

        together = torch.stack(in_batches(subject, prompts, likeliest))
        alone = torch.stack([likeliest([prompt])[0] for prompt in prompts])
        torch.testing.assert_close(together, alone, rtol=0, atol=ROUNDING[subject.dtype])


def test_patches_are_where_they_are_seen(selected_model: str, bench: Bench) -> None:
    with bench.subject(selected_model) as subject, shown_pictures_of_our_own():
        if RELATED in subject.cannot:
            pytest.skip(subject.cannot[RELATED])
        for size in PICTURES:
            require_patches_where_they_are_seen(subject, size, boxes(size, count=2))


def test_tiles_in_any_order(selected_model: str, bench: Bench) -> None:
    with bench.subject(selected_model) as subject, shown_pictures_of_our_own():
        if RELATED in subject.cannot or not (sizes := [size for size in PICTURES if tiled(subject, size)]):
            pytest.skip("its pictures do not go to the prompt in several tiles")
        for size in sizes:
            require_tiles_in_any_order(subject, size, rounding=ROUNDING[subject.dtype])


def test_prompts_have_a_picture_and_a_question(selected_model: str, bench: Bench) -> None:
    with bench.subject(selected_model) as subject:
        prompts, set_aside = encode(subject, bench.questions.of_task("ChooseAttr")[:BATCH])
        assert prompts, set_aside
        for prompt in prompts.values():
            assert len(prompt.spans[QUESTION])
            assert len(prompt.spans[IMAGE])
            read = subject.decode(prompt.input_ids[prompt.spans[QUESTION]].tolist())
            assert read.split() == prompt.question.text.split()
