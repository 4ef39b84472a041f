"""The fast engine, judged by the reference on every architecture, and by what must and must not change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.flow import EDGES, IMAGE, LAST, OTHER, PADDING, QUESTION, RELATED, Edge
from fixtures.instruments.attention import FullyBlocked, additive
from fixtures.instruments.engines import fast, reference
from fixtures.instruments.engines.fast import sweep
from fixtures.instruments.engines.recording import first_dependent, record
from fixtures.instruments.engines.replay import attention
from fixtures.instruments.lens import Lens
from fixtures.models.prompt import Prompt
from suite.support.curves.sweeps import MOVED, log_difference, most_moved
from suite.support.models.architectures import ARCHITECTURES, ROTATES_IN_SINGLE, in_single, prompt, stranger
from suite.support.models.random_prompts import random_prompts
from suite.support.models.words_llava import TinySubject, norms_in_double, tiny_question, tiny_subject

NULL_EDGES = (LAST >> QUESTION, LAST >> IMAGE, QUESTION >> IMAGE)

# ---- the judge


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_agrees_with_the_reference_on_every_architecture(architecture: str) -> None:
    subject = stranger(architecture)
    prompts = [prompt(architecture, seed, words=7 + seed % 2) for seed in range(3)]
    fast_result, reference_result = sweep(subject, prompts, EDGES, 3), reference.sweep(subject, prompts, EDGES, 3)
    assert most_moved(reference_result) > MOVED, "void: no knockout moves anything"
    assert log_difference(fast_result, reference_result) < (1e-6 if architecture in ROTATES_IN_SINGLE else 1e-9)
    with in_single(subject):
        fast_result, reference_result = sweep(subject, prompts, EDGES, 3), reference.sweep(subject, prompts, EDGES, 3)
        assert log_difference(fast_result, reference_result) < 1e-4
        assert fast_result.noise is not None
        assert fast_result.noise.max() < 0.1


@st.composite
def cases(draw: st.DrawFn) -> tuple[TinySubject, list[Prompt], list[Edge], int | list[int]]:
    """Prompts of several lengths with random spans, some without; several edges; any width, for all or for each."""
    layers = draw(st.integers(1, 6))
    subject = tiny_subject(layers, draw(st.sampled_from([1, 2, 4])), torch.float64)
    some = st.sampled_from([*EDGES, RELATED >> OTHER, OTHER >> RELATED, *NULL_EDGES])
    edges = draw(st.lists(some, min_size=1, max_size=4))
    width = st.integers(1, 2 * layers + 1)
    prompts = random_prompts(draw, subject, fewest=1, most=5, words=5)
    return subject, prompts, edges, draw(width | st.lists(width, min_size=len(edges), max_size=len(edges)))


@settings(max_examples=40, deadline=None)
@given(cases())
def test_agrees_with_the_reference_on_any_prompts_edges_and_windows(
    case: tuple[TinySubject, list[Prompt], list[Edge], int | list[int]],
) -> None:
    with norms_in_double():
        try:
            reference_result = reference.sweep(*case)
        except FullyBlocked:
            with pytest.raises(FullyBlocked):
                sweep(*case)
            return
        fast_result = sweep(*case)
    if not np.isnan(reference_result.knocked).all():
        assert log_difference(fast_result, reference_result) < 1e-9


def test_windows_of_several_widths_are_those_of_each_from_one_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, recordings, widths = tiny_subject(layers=6, dtype=torch.float64), list[int](), (3, 1, 5)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(2)]
    edges = [(edge, width) for width in widths for edge in (IMAGE >> QUESTION, QUESTION >> LAST)]
    alone = [sweep(subject, prompts, [edge], width).knocked[:, 0] for edge, width in edges]
    monkeypatch.setattr(fast, "record", lambda *arguments: recordings.append(1) or record(*arguments))
    together = sweep(subject, prompts, [edge for edge, _ in edges], [width for _, width in edges])
    assert len(recordings) == 1
    np.testing.assert_allclose(together.knocked.swapaxes(0, 1), alone, rtol=1e-12)
    assert np.ptp(together.knocked[:, ::2], axis=1).max() > MOVED


def test_reads_the_lens_as_a_forward_of_its_own_does() -> None:
    subject = tiny_subject(layers=5, dtype=torch.float64)
    prompts = [subject.encode(tiny_question(seed, words=3 + seed % 2, false_option="w7")) for seed in range(5)]
    lens = Lens(subject, prompts)
    result, own = sweep(subject, prompts, EDGES, 3, lens=lens).readings, lens.readings()
    assert result is not None
    assert result.left_out == own.left_out
    for form, read in own.probabilities.items():
        np.testing.assert_allclose(result.probabilities[form], read, rtol=1e-12)
        assert np.array_equal(result.ranks[form], own.ranks[form], equal_nan=True)


# ---- what must not change


@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_cutting_what_causality_masks_moves_nothing(width: int) -> None:
    subject = tiny_subject(dtype=torch.float64)
    prompts = [subject.encode(tiny_question(seed, words=3 + seed % 3)) for seed in range(6)]
    result = sweep(subject, prompts, NULL_EDGES, width)
    np.testing.assert_allclose(
        result.knocked, np.broadcast_to(result.baseline[:, None, None], result.knocked.shape), rtol=1e-12
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_p1_is_the_models_own_and_a_replay_without_a_knockout_repeats_it(dtype: torch.dtype, tolerance: float) -> None:
    subject = tiny_subject(dtype=dtype)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    result = sweep(subject, prompts, EDGES, 3)
    with torch.inference_mode():
        own = cast(Any, subject.model)(**subject.batch(prompts)).logits[:, -1].double().softmax(-1)
    np.testing.assert_allclose(result.baseline, own.amax(-1).numpy(), rtol=tolerance)
    assert result.noise is not None
    assert result.noise.max() < 100 * tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_question_does_not_depend_on_its_batch(dtype: torch.dtype) -> None:
    subject = tiny_subject(dtype=dtype)
    prompts = [subject.encode(tiny_question(seed, words=4 + seed % 2, objects=seed % 3)) for seed in range(9)]
    with norms_in_double():
        together = sweep(subject, prompts, EDGES, 3)
        alone = [sweep(subject, [one], EDGES, 3) for one in prompts]
    knocked = np.concatenate([one.knocked for one in alone])
    np.testing.assert_allclose(together.knocked, knocked, rtol=1e-6 if dtype == torch.float32 else 1e-12)


def test_related_and_other_patches_together_are_the_image() -> None:
    """No token of this prompt's image is a newline or padding."""
    subject = tiny_subject(dtype=torch.float64)
    whole = subject.encode(tiny_question(0))
    parts = replace(whole, spans={**whole.spans, PADDING: np.concatenate([whole.spans[RELATED], whole.spans[OTHER]])})
    result = sweep(subject, [parts], [IMAGE >> QUESTION, PADDING >> QUESTION], 2).knocked
    np.testing.assert_allclose(result[:, 0], result[:, 1], rtol=1e-12)


# ---- what must change


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_every_live_edge_moves_the_answer(edge: Edge) -> None:
    subject = tiny_subject()
    result = sweep(subject, [subject.encode(tiny_question(seed)) for seed in range(4)], [edge], 1)
    assert most_moved(result) > MOVED


def test_an_edge_that_a_sliding_window_keeps_shut_is_not_reached() -> None:
    name = "mistral with a window"
    subject, prompts = stranger(name), [prompt(name, seed, words=12) for seed in range(2)]
    for engine in (sweep, reference.sweep):
        result = engine(subject, prompts, [IMAGE >> LAST, QUESTION >> LAST, LAST >> QUESTION], 2)
        assert result.reached.tolist() == [[False, True, True]] * 2
        assert np.isnan(result.knocked[:, 0]).all()
        assert (np.abs(result.knocked[:, 2] / result.baseline[:, None] - 1) < 1e-9).all()


def test_progress_counts_every_window_of_every_edge_though_some_prompts_lack_some() -> None:
    steps: list[tuple[int, int]] = []
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, objects=seed % 2)) for seed in range(5)]
    sweep(subject, prompts, EDGES, 3, progress=lambda *step: steps.append(step))
    assert steps[-1] == (5 * 6 * 4, 5 * 6 * 4)
    assert steps == sorted(set(steps))


# ---- half precision


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near_single(dtype: torch.dtype) -> None:
    half, single = tiny_subject(dtype=dtype), tiny_subject()
    questions = [tiny_question(seed) for seed in range(6)]
    result = sweep(half, [half.encode(one) for one in questions], EDGES, 3)
    judge = reference.sweep(half, [half.encode(one) for one in questions], EDGES, 3)
    exact = sweep(single, [single.encode(one) for one in questions], EDGES, 3)
    assert np.isfinite(result.knocked).all()
    change, judge_change, right = (one.knocked / one.baseline[:, None, None] for one in (result, judge, exact))
    assert np.median(np.abs(change - judge_change)) < 0.02
    assert np.median(np.abs(change - right)) < 0.05


# ---- its parts


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(0, 5)),
    heads=st.sampled_from([(4, 4), (4, 2), (4, 1)]),
    wide=st.sampled_from([8, 5]),
    softcap=st.sampled_from([None, 0.7]),
    seed=st.integers(0, 10**6),
)
def test_attention_over_prefix_and_own_positions_is_attention_over_both(
    sizes: tuple[int, int, int, int], heads: tuple[int, int], wide: int, softcap: float | None, seed: int
) -> None:
    batch, variants, own, prefix = sizes
    draw = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    query, key = noise(batch, variants, own, heads[0], 8), noise(batch, variants, own, heads[1], 8)
    value = noise(batch, variants, own, heads[1], wide)
    keys, values = noise(batch, heads[1], prefix, 8), noise(batch, heads[1], prefix, wide)
    allowed = torch.rand(batch, variants, own, prefix + own, generator=draw) < 0.6
    allowed |= torch.eye(own, prefix + own, dtype=torch.bool).roll(prefix, 1)
    result = attention(
        query, key, value, keys, values, mask=additive(allowed, query.dtype), scaling=0.4, softcap=softcap
    )
    for variant in range(variants):
        every = [
            torch.cat([shared.transpose(1, 2), mine[:, variant]], 1) for shared, mine in ((keys, key), (values, value))
        ]
        over = [tensor.repeat_interleave(heads[0] // heads[1], 2) for tensor in every]
        scores = torch.einsum("bohw,bthw->bhot", query[:, variant], over[0]) * 0.4
        scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
        weights = scores.masked_fill(~allowed[:, None, variant], -torch.inf).softmax(-1)
        expected = torch.einsum("bhot,bthw->bohw", weights, over[1])
        torch.testing.assert_close(result[:, variant], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("reach", "target", "first"),
    [
        ([0, 1, 2, 3, 4], 3, 3),  # causal
        ([0, 3, 3, 3, 4], 2, 1),  # a block of 1 to 3 that attends to itself in both directions
        ([0, 3, 3, 3, 4], 4, 4),
        ([4, 4, 4, 4, 4], 3, 0),  # a bidirectional prefix: all depends on all
    ],
)
def test_what_is_recomputed_begins_where_nothing_before_depends_on_it(
    reach: list[int], target: int, first: int
) -> None:
    assert first_dependent([torch.tensor(reach), torch.arange(5)], target) == first


def test_an_image_block_and_a_prefix_are_seen_to_attend_both_ways() -> None:
    for name, expected in (("gemma3", 2), ("paligemma", 0)):
        with torch.inference_mode():
            recording = record(stranger(name), [prompt(name, 0)], 10)
        assert recording.first == expected
