"""Ranks and leads follow logits: no stream is too large for them, and none is too small."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.instruments.lens import FORMS, NORMED, SCORES, Lens, Readings, project, residuals
from suite.support.models.words_llava import VOCABULARY, WORD_TOKENS, TinySubject, tiny_question, tiny_subject


def read(subject: TinySubject) -> Readings:
    """Six questions, half of which have a false option."""
    questions = [tiny_question(seed, answer="w7", false_option="w12" if seed % 2 else None) for seed in range(6)]
    return Lens(subject, [subject.encode(question) for question in questions], ["w7", "w12", "w18", "w2"]).readings()


@cache
def original() -> Readings:
    return read(tiny_subject())


def scaled(factor: float) -> TinySubject:
    """The tiny model with *factor* times its residual stream, of which each layer reads the same after its norm."""
    subject = tiny_subject()
    model: Any = deepcopy(subject.model)
    decoder, projector = model.model.language_model, model.model.multi_modal_projector.linear_2
    writers = [decoder.embed_tokens.weight, projector.weight, projector.bias]
    writers += [
        part for layer in decoder.layers for part in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight)
    ]
    with torch.no_grad():
        for weights in writers:
            weights.mul_(factor)
    for norm in (
        decoder.norm,
        *(each for layer in decoder.layers for each in (layer.input_layernorm, layer.post_attention_layernorm)),
    ):
        norm.variance_epsilon *= factor**2
    return replace(subject, model=model)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(-12, 12).map(lambda power: 2.0**power))
def test_a_larger_stream_changes_no_rank_and_no_lead(factor: float) -> None:
    before, after = original(), read(scaled(factor))
    for name in (form + suffix for form in FORMS for suffix in ("", NORMED)):
        assert np.array_equal(after.ranks[name], before.ranks[name], equal_nan=True), name
    for suffix in ("", NORMED):
        one, other = (each.scores["answer" + suffix] > each.scores["rival" + suffix] for each in (before, after))
        assert np.array_equal(one, other)
    for name in SCORES:
        np.testing.assert_allclose(
            after.scores[name][:, :-1], factor * before.scores[name][:, :-1], rtol=1e-3, atol=1e-3 * factor
        )
        np.testing.assert_allclose(after.scores[name + NORMED], before.scores[name + NORMED], rtol=1e-3, atol=1e-3)


def of_stream(stream: torch.Tensor, logits: torch.Tensor | None = None) -> Readings:
    """What the lens reads of one question in *stream* [points, hidden]."""
    subject = tiny_subject()
    prompt = subject.encode(tiny_question(0, answer="w7", false_option="w12"))
    lens = Lens(subject, [prompt])
    with torch.inference_mode():
        own = project(subject, stream[None], normed=False)[:, -1] if logits is None else logits
        return lens.collect(list(lens.read([prompt], stream[None], own)))


def test_ranks_are_right_where_probabilities_underflow() -> None:
    stream = torch.randn(5, 32, generator=torch.Generator().manual_seed(1)) * 1000
    result = of_stream(stream)
    logits = (stream.double() @ cast(Any, tiny_subject().unembed).weight.detach().double().T).numpy()
    for form, word in zip(FORMS, ("w7", "w8", "w12", "w13"), strict=True):
        own = logits[:, [WORD_TOKENS[word]]]
        assert result.ranks[form][0].tolist() == (logits > own).sum(axis=1).tolist()
    assert (np.stack([result.probabilities[form] for form in FORMS]) == 0).mean() > 0.5, "most underflow"


def test_equal_logits_count_against_a_word() -> None:
    result = of_stream(torch.zeros(5, 32))
    for form in FORMS:
        assert (result.ranks[form] == VOCABULARY - 1).all()


def test_a_cap_that_makes_large_logits_equal_changes_no_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = torch.randn(5, 32, generator=torch.Generator().manual_seed(1)) * 1000
    plain, raw = of_stream(stream), project(tiny_subject(), stream[None], normed=False)[:, -1]
    monkeypatch.setattr(tiny_subject().decoder_config, "final_logit_softcapping", 3.0, raising=False)
    capped = of_stream(stream, torch.tanh(raw.detach() / 3) * 3)
    assert not np.array_equal(capped.probabilities["lowercase"], plain.probabilities["lowercase"])
    for form in FORMS:
        assert np.array_equal(capped.ranks[form], plain.ranks[form])
    for name in SCORES:
        assert np.array_equal(capped.scores[name], plain.scores[name])


def test_a_stream_read_as_it_is_ranks_the_models_own_token_first() -> None:
    subject = tiny_subject()
    prompt = subject.encode(tiny_question(3))
    with torch.inference_mode():
        own = int(residuals(subject, [prompt])[1].argmax())
    word = next((word for word, token in WORD_TOKENS.items() if token == own), None)
    assert word is not None
    answered = subject.encode(tiny_question(3, answer=word, false_option=None))
    ranks = Lens(subject, [answered]).readings().ranks
    assert ranks["lowercase"][0, -1] == ranks["lowercase_normed"][0, -1] == 0
