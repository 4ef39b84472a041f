"""The reference engine, judged by a Llama written by hand, explicit masks and cuts of known effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, Edge, Window
from fixtures.instruments.attention import NAME, CannotHook, FullyBlocked, dense_attention, replaced, require_supported
from fixtures.instruments.batching import OutOfMemory, in_batches
from fixtures.instruments.engines.reference import Knockout, blocked_by, knocked_out_logits, sweep
from fixtures.instruments.forward import NotFinite, distribution, inputs, last_logits
from fixtures.models.prompt import Prompt
from suite.support.models.words_llava import (
    PATCHES,
    TinySubject,
    norms_in_double,
    tiny_model,
    tiny_question,
    tiny_subject,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
few = settings(max_examples=15, deadline=None)
NULL_EDGES = (LAST >> QUESTION, LAST >> IMAGE, QUESTION >> IMAGE)
LIVE_EDGES = (IMAGE >> QUESTION, IMAGE >> LAST, QUESTION >> LAST, LAST >> LAST, RELATED >> QUESTION)


def logits_under(subject: TinySubject, prompts: Sequence[Prompt], knockout: Knockout | None, **options: Any) -> Tensor:
    with torch.inference_mode():
        return knocked_out_logits(subject, prompts, inputs(subject, prompts), knockout, **options)


def own_logits(subject: TinySubject, prompts: Sequence[Prompt], **options: Any) -> Tensor:
    with torch.inference_mode():
        return last_logits(subject, {**subject.batch(prompts), **options})


def cut(edge: Edge, prompts: Sequence[Prompt], layers: range) -> Knockout:
    return Knockout(edge, layers, blocked_by(edge, prompts))


@st.composite
def cases(draw: st.DrawFn) -> tuple[TinySubject, list[Prompt], Edge, Window]:
    """A model in double precision, prompts of one length with random spans, an edge and any window."""
    layers = draw(st.integers(1, 5))
    subject = tiny_subject(layers, draw(st.sampled_from([1, 2, 4])), torch.float64)
    words = draw(st.integers(2, 7))
    spans = st.lists(st.integers(1, PATCHES + words), min_size=1, max_size=9, unique=True).map(np.array)
    prompts = [
        replace(prompt, spans={**prompt.spans, RELATED: draw(spans), OTHER: draw(spans)})
        for prompt in (subject.encode(tiny_question(seed, words)) for seed in range(draw(st.integers(1, 3))))
    ]  # fmt: skip
    edge = draw(
        st.sampled_from([IMAGE >> QUESTION, QUESTION >> LAST, LAST >> LAST, RELATED >> OTHER, OTHER >> RELATED])
    )
    return (
        subject,
        prompts,
        edge,
        Window(draw(st.integers(0, layers - 1)), draw(st.integers(1, 2 * layers + 1))),
    )


def by_hand(subject: TinySubject, prompt: Prompt, edge: Edge | None, layers: range) -> Tensor:
    """The last position's logits in plain algebra, one head and one query at a time, without a mask."""
    model = cast(Any, subject.model)
    weights: dict[str, Tensor] = model.model.language_model.state_dict()
    config = subject.decoder_config
    heads, groups = config.num_attention_heads, config.num_attention_heads // config.num_key_value_heads
    width = config.hidden_size // heads

    def norm(hidden: Tensor, name: str) -> Tensor:
        return hidden / (hidden.square().mean(-1, keepdim=True) + config.rms_norm_eps).sqrt() * weights[name]

    def rotate(vectors: Tensor, start: int) -> Tensor:
        vectors = vectors[:, start * width : (start + 1) * width]
        turns = torch.arange(len(vectors)).float()[:, None] * 10000 ** -(torch.arange(0, width, 2).float() / width)
        cos, sin = turns.cos().double(), turns.sin().double()
        left, right = vectors.chunk(2, dim=-1)
        return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)

    with torch.inference_mode():
        hidden = weights["embed_tokens.weight"][prompt.tensors["input_ids"][0]].clone()
        features = model.get_image_features(pixel_values=prompt.tensors["pixel_values"], return_dict=True)
        hidden[torch.from_numpy(prompt.spans[IMAGE])] = features.pooler_output[0]
        for layer in range(subject.layers):
            at = f"layers.{layer}."
            read = norm(hidden, at + "input_layernorm.weight")
            query, key, value = (read @ weights[f"{at}self_attn.{name}_proj.weight"].T for name in "qkv")
            context = torch.zeros(len(hidden), heads * width, dtype=hidden.dtype)
            for head in range(heads):
                queries, keys = rotate(query, head), rotate(key, head // groups)
                values = value[:, head // groups * width : (head // groups + 1) * width]
                for target in range(len(hidden)):
                    sources = range(target + 1)
                    if edge is not None and layer in layers and target in prompt.spans[edge.target]:
                        sources = [source for source in sources if source not in prompt.spans[edge.source]]
                    scores = torch.stack([queries[target] @ keys[source] for source in sources]) / width**0.5
                    shares = scores.exp() / scores.exp().sum()
                    context[target, head * width : (head + 1) * width] = sum(
                        share * values[source] for share, source in zip(shares, sources, strict=True)
                    )  # pyright: ignore[reportArgumentType]  # a sum of tensors
            hidden = hidden + context @ weights[at + "self_attn.o_proj.weight"].T
            read = norm(hidden, at + "post_attention_layernorm.weight")
            gate, up = (read @ weights[f"{at}mlp.{name}_proj.weight"].T for name in ("gate", "up"))
            hidden = hidden + (gate * gate.sigmoid() * up) @ weights[at + "mlp.down_proj.weight"].T
        return model.lm_head(norm(hidden, "norm.weight")[-1])


@few
@given(cases())
def test_agrees_with_a_llama_written_by_hand(case: tuple[TinySubject, list[Prompt], Edge, Window]) -> None:
    subject, prompts, edge, window = case
    layers = window.layers(subject.layers)
    with norms_in_double():
        try:
            result = logits_under(subject, prompts, cut(edge, prompts, layers))
        except FullyBlocked:
            blocked = (
                blocked_by(edge, prompts)
                | ~torch.ones(len(prompts[0].input_ids), len(prompts[0].input_ids)).tril().bool()
            ).all(-1)
            assert blocked.any()
            return
        for row, prompt in zip(result, prompts, strict=True):
            torch.testing.assert_close(row, by_hand(subject, prompt, edge, layers), rtol=0, atol=1e-9)


@few
@given(cases())
def test_agrees_with_an_explicit_mask_when_every_layer_is_cut(
    case: tuple[TinySubject, list[Prompt], Edge, Window],
) -> None:
    subject, prompts, edge, _ = case
    tokens = len(prompts[0].input_ids)
    allowed = torch.ones(tokens, tokens).tril().bool() & ~blocked_by(edge, prompts)
    if not allowed.any(-1).all():
        with pytest.raises(FullyBlocked):
            logits_under(subject, prompts, cut(edge, prompts, range(subject.layers)))
        return
    # transformers hands a mask of four dimensions to every layer as it is
    mask = torch.zeros(allowed.shape, dtype=subject.dtype).masked_fill(~allowed, torch.finfo(subject.dtype).min)
    with norms_in_double():
        result = logits_under(subject, prompts, cut(edge, prompts, range(subject.layers)))
        expected = own_logits(subject, prompts, attention_mask=mask)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("dtype", "attention", "tolerance"),
    # transformers' eager attention rounds its softmax to float32 in any model
    [(torch.float32, "sdpa", 1e-5), (torch.float32, "eager", 1e-5), (torch.float64, "sdpa", 1e-10)],
)
def test_an_empty_source_changes_nothing(dtype: torch.dtype, attention: str, tolerance: float) -> None:
    subject = tiny_subject(dtype=dtype)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    nothing = Knockout(IMAGE >> LAST, range(subject.layers), torch.zeros(3, 1, *[len(prompts[0].input_ids)] * 2).bool())
    before, subject.decoder_config._attn_implementation = (
        subject.decoder_config._attn_implementation,
        attention,
    )
    try:
        with norms_in_double():
            torch.testing.assert_close(
                logits_under(subject, prompts, nothing), own_logits(subject, prompts), rtol=0, atol=tolerance
            )
    finally:
        subject.decoder_config._attn_implementation = before


@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_cutting_what_causality_masks_moves_nothing(width: int) -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, words=3 + seed % 3)) for seed in range(6)]
    result = sweep(subject, prompts, NULL_EDGES, width)
    assert (result.knocked == result.baseline[:, None, None]).all()


@pytest.mark.parametrize("edge", LIVE_EDGES, ids=str)
def test_every_live_edge_moves_the_answer_at_every_window(edge: Edge) -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed)) for seed in range(4)]
    result = sweep(subject, prompts, [edge], 1)
    change = np.abs(result.knocked[:, 0] / result.baseline[:, None] - 1)
    # what the question reads in the last layer no longer reaches the last position
    reaching = slice(None, -1) if edge.target == QUESTION else slice(None)
    assert (change[:, reaching].max(axis=0) > 1e-3).all()
    if edge.target == QUESTION:
        assert (change[:, -1] == 0).all()


def test_weights_of_a_cut_edge_are_zero_and_every_row_sums_to_one() -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed)) for seed in range(2)]
    stock: dict[int, Tensor] = {}
    weights: dict[int, Tensor] = {}
    logits_under(subject, prompts, None, watch=stock.__setitem__)
    knockout = cut(IMAGE >> QUESTION, prompts, range(1, 3))
    logits_under(subject, prompts, knockout, watch=weights.__setitem__)
    blocked = knockout.blocked.expand_as(weights[0])
    for layer in range(subject.layers):
        assert (weights[layer][blocked] == 0).all() == (layer in knockout.layers)
        torch.testing.assert_close(weights[layer].sum(-1), torch.ones_like(weights[layer][..., 0]))
    assert torch.equal(weights[0], stock[0])
    # where nothing is blocked and nothing before has changed, the first cut layer too is untouched
    rows = ~blocked.any(-1)
    assert torch.equal(weights[1][rows], stock[1][rows])


# Products of other shapes, and of more threads, round otherwise: a dozen roundings of the dtype are allowed.
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 5e-6), (torch.float64, 1e-12)])
def test_a_question_does_not_depend_on_its_batch(dtype: torch.dtype, tolerance: float) -> None:
    subject = tiny_subject(dtype=dtype)
    prompts = [subject.encode(tiny_question(seed, words=4 + seed % 2, objects=seed % 3)) for seed in range(9)]
    edges = [IMAGE >> QUESTION, RELATED >> QUESTION, QUESTION >> LAST]
    with norms_in_double():
        together = sweep(subject, prompts, edges, 3).knocked
        alone = np.concatenate([sweep(subject, [prompt], edges, 3).knocked for prompt in prompts])
    np.testing.assert_allclose(together, alone, rtol=tolerance)
    assert np.array_equal(np.isnan(together[:, 1, 0]), [not prompt.question.objects for prompt in prompts])
    assert not np.isnan(together[:, [0, 2]]).any()


def test_a_window_is_clipped_at_both_ends() -> None:
    subject = tiny_subject(layers=5)
    prompts = [subject.encode(tiny_question(1))]
    edge = QUESTION >> LAST
    token = logits_under(subject, prompts, None)[0].argmax()
    for width in (1, 2, 3, 4, 20):
        for center, p2 in enumerate(sweep(subject, prompts, [edge], width).knocked[0, 0]):
            layers = range(max(0, center - width // 2), min(5, center + (width + 1) // 2))
            expected = logits_under(subject, prompts, cut(edge, prompts, layers)).softmax(-1)[0, token]
            assert p2 == pytest.approx(float(expected), rel=1e-6)


def test_the_baseline_is_the_probability_of_the_models_own_first_greedy_token() -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, words=2 + seed % 4)) for seed in range(7)]
    for prompt, p1 in zip(prompts, sweep(subject, prompts, [], 1).baseline, strict=True):
        own = own_logits(subject, [prompt]).double().softmax(-1)[0]
        assert p1 == pytest.approx(float(own.max()), rel=1e-5)


def test_progress_counts_every_forward_once() -> None:
    steps: list[tuple[int, int]] = []
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, words=2 + seed % 2)) for seed in range(5)]
    sweep(subject, prompts, [IMAGE >> LAST, RELATED >> QUESTION], 1, progress=lambda *step: steps.append(step))
    assert steps[-1] == (40, 40)
    assert steps == sorted(set(steps))


def test_the_attention_implementation_is_put_back() -> None:
    subject = tiny_subject()
    model = cast(Any, subject.model)
    prompts = [subject.encode(tiny_question(0))]
    before = [
        config._attn_implementation for config in (model.config, subject.decoder_config, model.config.vision_config)
    ]
    with replaced(subject.decoder_config, cast(Any, None)):
        assert subject.decoder_config._attn_implementation == NAME
        assert model.config.vision_config._attn_implementation == before[2]
    sweep(subject, prompts, [IMAGE >> LAST], 1)
    with pytest.raises(FullyBlocked):
        sweep(subject, [_everything_is_related(subject)], [RELATED >> LAST], 1)
    after = [
        config._attn_implementation for config in (model.config, subject.decoder_config, model.config.vision_config)
    ]
    assert after == before


def _everything_is_related(subject: TinySubject) -> Prompt:
    prompt = subject.encode(tiny_question(5))
    return replace(prompt, spans={**prompt.spans, RELATED: np.arange(len(prompt.input_ids))})


def test_a_position_without_a_key_is_an_error_that_names_edge_layer_and_question() -> None:
    subject = tiny_subject()
    fine = subject.encode(tiny_question(4))
    prompts = [fine, _everything_is_related(subject)]
    with pytest.raises(FullyBlocked, match=r"question q5 .* layer 2 under related->last"):
        logits_under(subject, prompts, cut(RELATED >> LAST, prompts, range(2, 4)))


def test_output_that_is_no_number_names_the_dtype_to_try() -> None:
    subject = tiny_subject(dtype=torch.float16)
    prompts = [subject.encode(tiny_question(seed)) for seed in (0, 1)]
    logits = torch.zeros(2, 8, dtype=torch.float16)
    logits[1, 3] = torch.inf
    with pytest.raises(NotFinite, match=r"float16 .* question q1: .* --dtype bfloat16 or float32"):
        distribution(subject, prompts, logits)


def test_a_batch_that_does_not_fit_is_halved() -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed, words=3 + seed // 8)) for seed in range(12)]
    sizes: list[int] = []

    def run(batch: Sequence[Prompt], most: int = 3) -> list[str]:
        if len(batch) > most:
            raise torch.OutOfMemoryError
        assert len({len(prompt.input_ids) for prompt in batch}) == 1
        sizes.append(len(batch))
        return [prompt.question.id for prompt in batch]

    assert in_batches(subject, prompts, run) == [prompt.question.id for prompt in prompts]
    assert sizes == [2, 2, 2, 2, 2, 2]
    with pytest.raises(OutOfMemory, match="cpu does not hold one prompt of 21 tokens"):
        in_batches(subject, prompts, lambda batch: run(batch, most=0))


def test_pictures_encoded_once_give_the_same_logits() -> None:
    subject = tiny_subject()
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    with torch.inference_mode():
        once = inputs(subject, prompts)
        assert "pixel_values" not in once
        assert torch.equal(last_logits(subject, once), own_logits(subject, prompts))


def test_soft_caps_and_sinks_are_computed_or_refused_by_name() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 4, 5, 8).unbind(0)
    allowed = torch.ones(1, 1, 5, 5).tril().bool()
    _, weights = dense_attention(query, key, value, allowed, scaling=1.0, softcap=0.5)
    scores = 0.5 * torch.tanh(query @ key.mT / 0.5)
    torch.testing.assert_close(weights, scores.masked_fill(~allowed, -torch.inf).softmax(-1))
    module = tiny_model().model.language_model.layers[0].self_attn
    with pytest.raises(CannotHook, match="LlamaAttention passes s_aux"):
        require_supported(module, key, allowed, {"s_aux": torch.ones(4), "scaling": 1.0})
    with pytest.raises(CannotHook, match="sliding window of 3"):
        require_supported(module, key, allowed, {"sliding_window": 3})
    with pytest.raises(CannotHook, match="boolean mask"):
        require_supported(module, key, None, {})
    with pytest.raises(CannotHook, match="cross attention"):
        require_supported(module, key, allowed[:, :, :2], {})


def test_a_layer_that_bypasses_the_registry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    layer = subject.decoder_layers[2]
    monkeypatch.setattr(layer, "forward", lambda hidden_states, **_: hidden_states)
    with pytest.raises(CannotHook, match="layers 2 of tiny"):
        logits_under(subject, [subject.encode(tiny_question(0))], None)


def test_a_tiny_subject_is_one_model_under_every_name() -> None:
    assert tiny_subject(name="one").model is tiny_subject(name="two").model
