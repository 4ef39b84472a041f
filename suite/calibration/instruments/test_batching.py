"""Questions of unlike length in one batch are measured as each is alone, and what fills them up is never read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.flow import EDGES, IMAGE, LAST, OTHER, QUESTION, RELATED, Edge
from fixtures.instruments.attention import FullyBlocked
from fixtures.instruments.batching import Filling, in_batches, shapes
from fixtures.instruments.engines import fast, reference
from fixtures.instruments.engines.engine import EngineResult
from fixtures.instruments.engines.fast import sweep
from fixtures.instruments.lens import Lens
from fixtures.instruments.measurable import Measurable
from fixtures.models import load, wrap
from fixtures.models.prompt import Prompt
from fixtures.tasks import questions
from suite.support.curves.sweeps import MOVED, log_difference, most_moved
from suite.support.models.architectures import ARCHITECTURES, ROTATES_IN_SINGLE, Stranger, prompt, stranger
from suite.support.models.families import families
from suite.support.models.pixel_oracle import question
from suite.support.models.random_prompts import random_prompts
from suite.support.models.words_llava import TinySubject, norms_in_double, tiny_question, tiny_subject

ADD_BETWEEN_LAYERS = frozenset({"qwen3-vl, deepstack", "qwen3_vl", "qwen3_vl_moe"})
"""They add to image positions between layers, where a shorter question's neighbour is recomputed: never filled up."""

TEXTS = (
    "Is the shirt black or yellow?",
    "Is the shirt that is behind the hat black or yellow?",
    "Is the big shirt black or is it yellow?",
)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The lengths of the prompts that were recorded together."""
    lengths: list[list[int]] = []
    record = fast.record

    def record_and_note(subject: Measurable, prompts: list[Prompt], target: int) -> Any:
        result = record(subject, prompts, target)
        lengths.append([len(prompt.input_ids) for prompt in prompts])
        return result

    monkeypatch.setattr(fast, "record", record_and_note)
    return lengths


def one_by_one(subject: Measurable, prompts: list[Prompt], edges: Any = EDGES, width: int = 3) -> EngineResult:
    """By the slow engine, each question by itself."""
    result = [reference.sweep(subject, [prompt], edges, width) for prompt in prompts]
    return joined(result)


def joined(alone: Sequence[EngineResult]) -> EngineResult:
    """As if they had been swept together."""
    return EngineResult(
        np.concatenate([result.baseline for result in alone]),
        np.concatenate([result.knocked for result in alone]),
        np.concatenate([result.reached for result in alone]),
    )


# ---- the judge


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_unlike_questions_together_are_as_the_reference_has_each_alone(
    architecture: str, batches: list[list[int]]
) -> None:
    subject = stranger(architecture)
    prompts = [prompt(architecture, seed, words=words) for seed, words in enumerate((9, 6, 12, 7))]
    fast_result, reference_result = sweep(subject, prompts, EDGES, 3, padding=1), one_by_one(subject, prompts)
    assert most_moved(reference_result) > MOVED, "void: no knockout moves anything"
    assert log_difference(fast_result, reference_result) < (1e-6 if architecture in ROTATES_IN_SINGLE else 1e-9)
    assert (max(map(len, batches)) == 4) == (architecture not in ADD_BETWEEN_LAYERS)


@pytest.mark.parametrize("name", families())
def test_unlike_pictures_and_questions_in_every_family(name: str, batches: list[list[int]]) -> None:
    family = families()[name]
    subject = wrap(*family.build(), family.styles[0])
    model = cast(Any, subject.model).double()
    if name == "qwen3_vl_moe":
        model.set_experts_implementation("eager")  # torch groups products of experts up to float32 alone
    cases = [question(size, seed, text) for seed, (size, text) in enumerate(zip([*family.sizes] * 2, cycle(TEXTS)))]
    prompts = [subject.encode(case) for case in cases]
    with norms_in_double():
        together = sweep(subject, prompts, EDGES, 3, padding=1)
        joint = any(len(set(batch)) > 1 for batch in batches)
        alone = [sweep(subject, [prompt], EDGES, 3) for prompt in prompts]
    assert most_moved(together) > MOVED, "void: no knockout moves anything"
    assert log_difference(together, joined(alone)) < 1e-9
    # InstructBLIP's Q-Former reads the question, too: those of one length there alone run together.
    assert joint == (name not in ADD_BETWEEN_LAYERS | {"instructblip"})


@st.composite
def unlike(draw: st.DrawFn) -> tuple[TinySubject, list[Prompt], list[Edge], int, float]:
    """Prompts of many lengths with random spans, some without; several edges; any width; any share of filling."""
    layers = draw(st.integers(1, 5))
    subject = tiny_subject(layers, draw(st.sampled_from([1, 2, 4])), torch.float64)
    pool = [*EDGES, RELATED >> OTHER, OTHER >> RELATED, LAST >> QUESTION, QUESTION >> IMAGE]
    edges = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique=True))
    prompts = random_prompts(draw, subject, fewest=2, most=6, words=16)
    return subject, prompts, edges, draw(st.integers(1, 2 * layers + 1)), draw(st.sampled_from([0, 0.1, 0.5, 9]))


@settings(max_examples=40, deadline=None)
@given(unlike())
def test_any_composition_of_a_batch(case: tuple[TinySubject, list[Prompt], list[Edge], int, float]) -> None:
    subject, prompts, edges, width, padding = case
    with norms_in_double():
        try:
            reference_result = one_by_one(subject, prompts, edges, width)
        except FullyBlocked:
            with pytest.raises(FullyBlocked):
                sweep(subject, prompts, edges, width, padding=padding)
            return
        fast_result = sweep(subject, prompts, edges, width, padding=padding)
    assert np.array_equal(fast_result.reached, reference_result.reached)
    if not np.isnan(reference_result.knocked).all():
        assert log_difference(fast_result, reference_result) < 1e-9


def test_the_lens_and_the_noise_floor_of_unlike_questions() -> None:
    subject = tiny_subject(layers=5, dtype=torch.float64)
    prompts = [subject.encode(tiny_question(seed, words=3 + seed, false_option="w7")) for seed in range(5)]
    lens = Lens(subject, prompts)
    result, own = sweep(subject, prompts, EDGES, 3, lens=lens, padding=9), lens.readings()
    assert result.readings is not None
    for form, read in own.probabilities.items():
        np.testing.assert_allclose(result.readings.probabilities[form], read, rtol=1e-12)
        assert np.array_equal(result.readings.ranks[form], own.ranks[form], equal_nan=True)
    assert result.noise is not None
    assert result.noise.max() < 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_unlike_questions_in_other_precisions(dtype: torch.dtype) -> None:
    subject = tiny_subject(dtype=dtype)
    prompts = [subject.encode(tiny_question(seed, words=4 + seed)) for seed in range(6)]
    together, alone = sweep(subject, prompts, EDGES, 3, padding=9), one_by_one(subject, prompts)
    assert np.isfinite(together.knocked).all()
    off = np.abs(together.knocked / together.baseline[:, None, None] - alone.knocked / alone.baseline[:, None, None])
    assert np.median(off) < (1e-6 if dtype == torch.float32 else 0.02)


def test_the_miniatures_questions_of_equal_length_are_the_same_alone_and_together() -> None:
    """In float32, where products of few rows round otherwise than those of many."""
    subject = load("miniature", device="cpu")
    prompts = [subject.encode(one) for one in questions("LogicalObj", n=8)]
    together, alone = sweep(subject, prompts, EDGES, 3), [sweep(subject, [one], EDGES, 3) for one in prompts]
    assert len({len(one.input_ids) for one in prompts}) < len(prompts)
    np.testing.assert_allclose(together.knocked, np.concatenate([one.knocked for one in alone]), rtol=1e-6)


# ---- what fills up is never read


@contextmanager
def planted(subject: Measurable, filling: Filling, value: float) -> Iterator[list[int]]:
    """*value* in the stream that enters the first layer, wherever a prompt is filled up; how often it was put there."""
    times: list[int] = []

    def put(_module: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        stream = arguments[0] if arguments else options["hidden_states"]
        if stream.shape[:2] == (len(filling.missing), filling.tokens):
            times.append(1)
            stream = torch.where(filling.own(stream.device)[..., None], stream, value)
        return ((stream, *arguments[1:]), options) if arguments else (arguments, {**options, "hidden_states": stream})

    hook = subject.decoder_layers[0].register_forward_pre_hook(put, with_kwargs=True)
    try:
        yield times
    finally:
        hook.remove()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30], ids=str)
@pytest.mark.parametrize("name", ["llama", "mistral with a window", "gemma2, soft caps", "gemma3", "paligemma"])
def test_whatever_stands_in_what_fills_up_changes_no_bit(name: str, value: float) -> None:
    subject = stranger(name)
    prompts = [prompt(name, seed, words=6 + 3 * seed) for seed in range(3)]
    before = sweep(subject, prompts, EDGES, 3, padding=9)
    with planted(subject, Filling.of(prompts), value) as times:
        after = sweep(subject, prompts, EDGES, 3, padding=9)
    assert times == [1]
    assert np.array_equal(before.baseline, after.baseline)
    assert np.array_equal(before.knocked, after.knocked, equal_nan=True)


@dataclass(frozen=True, eq=False)
class Unmasked(Stranger):
    """All its positions attend to all, what fills up included."""

    def batch(self, prompts: Any) -> dict[str, torch.Tensor]:
        tensors = super().batch(prompts)
        every, prefix = torch.ones_like(tensors["attention_mask"]), torch.zeros_like(tensors["token_type_ids"])
        return {**tensors, "attention_mask": every, "token_type_ids": prefix}


@dataclass(frozen=True, eq=False)
class CountsAll(Stranger):
    """Its positions are further apart in a longer batch, which no mask shows."""

    def batch(self, prompts: Any) -> dict[str, torch.Tensor]:
        tensors = super().batch(prompts)
        tokens = tensors["input_ids"].shape[1]
        return {**tensors, "position_ids": torch.arange(tokens)[None] * (tokens // 8)}


@pytest.mark.parametrize(("architecture", "stray"), [("paligemma", Unmasked), ("llama", CountsAll)])
def test_a_model_that_minds_what_it_is_told_not_to_read_runs_questions_of_equal_length(
    architecture: str, stray: type[Stranger], batches: list[list[int]]
) -> None:
    subject = stray(stranger(architecture).model, architecture)
    prompts = [prompt(architecture, seed, words=words) for seed, words in enumerate((6, 15, 6, 24, 15))]
    result = sweep(subject, prompts, EDGES, 3, padding=9)
    assert log_difference(result, one_by_one(subject, prompts)) < 1e-9
    assert [batch for batch in batches if len(set(batch)) == 1] == [[27] * 2, [36] * 2, [45]]


def test_an_error_names_the_position_in_its_own_prompt() -> None:
    subject = tiny_subject()
    fine, blind = subject.encode(tiny_question(4, words=9)), subject.encode(tiny_question(5, words=6))
    blind = replace(blind, spans={**blind.spans, RELATED: np.arange(len(blind.input_ids))})
    with pytest.raises(FullyBlocked, match=r"position 23 of question q5 .* layer 0 under related->last"):
        sweep(subject, [fine, blind], [RELATED >> LAST], 2, padding=9)


# ---- what runs together


def test_a_batch_is_as_unlike_as_it_may_be_and_no_larger_than_it_may_be() -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, words=2 + seed % 13)) for seed in range(90)]
    lengths: list[list[int]] = []

    def run(batch: Any) -> list[str]:
        lengths.append([len(one.input_ids) for one in batch])
        return [one.question.id for one in batch]

    assert in_batches(subject, prompts, run, padding=0.2) == [one.question.id for one in prompts]
    assert all(max(batch) <= 1.2 * min(batch) and len(batch) * max(batch) <= 1024 for batch in lengths)
    assert max(len(set(batch)) for batch in lengths) == 5
    lengths.clear()
    in_batches(subject, prompts, run)
    assert all(len(set(batch)) == 1 for batch in lengths)


def test_without_an_attention_mask_nothing_is_filled_up(batches: list[list[int]]) -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, words=4 + seed)) for seed in range(3)]
    bare = [replace(one, tensors={k: v for k, v in one.tensors.items() if k != "attention_mask"}) for one in prompts]
    assert shapes(bare[0]) is None
    sweep(subject, bare, [QUESTION >> LAST], 3, padding=9)
    assert all(len(batch) == 1 for batch in batches)
