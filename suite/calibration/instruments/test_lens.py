"""The logit lens, judged by transformers' own hidden states and by streams whose reading is known."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch

from fixtures.instruments.forward import last_logits
from fixtures.instruments.lens import (
    ALONE,
    ANSWER_FORMS,
    FALSE_FORMS,
    FORMS,
    NORMED,
    SCORES,
    SHARED,
    Lens,
    project,
    residuals,
)
from suite.support.models.words_llava import WORD_TOKENS, tiny_question, tiny_subject

PAIRS = [(WORD_TOKENS["w7"], WORD_TOKENS["w8"]), (WORD_TOKENS["w8"], WORD_TOKENS["w9"])]
"""The two forms of w7 and of w8."""

NAMES = [form + suffix for suffix in ("", NORMED) for form in FORMS]


def test_the_points_are_the_inputs_of_the_layers_and_of_the_unembedding() -> None:
    subject = tiny_subject(layers=5)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    with torch.inference_mode():
        result, logits = residuals(subject, prompts)
        own = last_logits(subject, dict(subject.batch(prompts)))
        # of transformers' hidden states the first is the embeddings and the last is after the final norm
        states = cast(Any, subject.model)(**subject.batch(prompts), output_hidden_states=True).hidden_states
    assert torch.equal(result, torch.stack([state[:, -1] for state in states], dim=1))
    assert torch.equal(logits, own)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_last_point_is_the_models_own_output_with_and_without_norm(dtype: torch.dtype) -> None:
    subject = tiny_subject(dtype=dtype)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    with torch.inference_mode():
        own = last_logits(subject, subject.batch(prompts))
        for normed in (False, True):
            last = project(subject, residuals(subject, prompts)[0], normed)[:, -1]
            torch.testing.assert_close(last, own, rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-12)


def test_a_planted_word_is_read_where_it_was_planted() -> None:
    """A residual stream along one word's unembedding row reads that word; one along another does not."""
    subject = tiny_subject()
    rows = cast(Any, subject.unembed).weight.detach()
    planted, other = WORD_TOKENS["w3"], WORD_TOKENS["w7"]
    stream = torch.stack([rows[other], rows[planted], rows[other], rows[other], rows[planted]])[None] * 100
    for normed in (False, True):
        result = project(subject, stream, normed).argmax(-1)[0].tolist()
        assert result == [other, planted, other, other, planted], normed


def test_the_norm_is_applied_to_every_point_but_the_last() -> None:
    subject = tiny_subject()
    stream = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    weight, norm = cast(Any, subject.unembed).weight, subject.final_norm
    with torch.inference_mode():
        raw, normed = project(subject, stream, normed=False), project(subject, stream, normed=True)
        torch.testing.assert_close(raw, stream @ weight.T)
        torch.testing.assert_close(normed[:, :-1], norm(stream[:, :-1]) @ weight.T)
    assert torch.equal(normed[:, -1], raw[:, -1])
    assert not torch.allclose(normed[:, :-1], raw[:, :-1])


def test_half_precision_is_projected_in_float32() -> None:
    subject = tiny_subject(dtype=torch.float16)
    stream = torch.full((1, 5, 32), 60000.0, dtype=torch.float16)
    result = project(subject, stream, normed=False)
    assert result.dtype == torch.float32
    assert result.isfinite().all()
    assert result.abs().max() > torch.finfo(torch.float16).max


def test_probabilities_and_ranks_are_those_of_the_answers_first_sub_words() -> None:
    subject = tiny_subject()
    questions = [tiny_question(seed, words=3 + seed % 2, answer="w7", false_option="w8") for seed in range(4)]
    prompts = [subject.encode(question) for question in questions]
    result = Lens(subject, prompts).readings()
    assert sorted(result.probabilities) == sorted(result.ranks) == sorted(NAMES)
    assert sorted(result.scores) == sorted(name + suffix for name in SCORES for suffix in ("", NORMED))
    tokens = dict(zip(FORMS, [token for pair in PAIRS for token in pair], strict=True))
    with torch.inference_mode():
        for row, prompt in enumerate(prompts):
            for normed, suffix in enumerate(("", NORMED)):
                logits = project(subject, residuals(subject, [prompt])[0], bool(normed))[0]
                share, (true, false) = logits.softmax(-1), (logits[:, list(pair)].amax(-1) for pair in PAIRS)
                np.testing.assert_allclose(result.scores["answer" + suffix][row], true.numpy(), rtol=1e-5)
                np.testing.assert_allclose(result.scores["rival" + suffix][row], false.numpy(), rtol=1e-5)
                for form, token in tokens.items():
                    np.testing.assert_allclose(
                        result.probabilities[form + suffix][row], share[:, token].numpy(), rtol=1e-5
                    )
                    ranks = (share.argsort(descending=True) == token).int().argmax(-1)
                    assert result.ranks[form + suffix][row].tolist() == ranks.tolist()
    for name in NAMES:
        assert result.probabilities[name].shape == (4, subject.layers + 1)
        assert result.probabilities[name].dtype == np.float64
        if not name.endswith(NORMED):
            assert np.array_equal(result.probabilities[name][:, -1], result.probabilities[name + NORMED][:, -1])
    assert not result.left_out


def test_words_whose_two_forms_begin_alike_are_left_out_and_counted() -> None:
    subject = tiny_subject()
    changes = [
        {"answer": "w3", "false_option": "w2"},
        {"answer": "w5", "false_option": "w2"},
        {"answer": "w3", "false_option": "w5"},
        {"answer": "w3", "false_option": None},  # and no other answer is there to lead
        {"answer": "w6", "false_option": "w10"},
    ]
    prompts = [subject.encode(tiny_question(seed, **change)) for seed, change in enumerate(changes)]
    result = Lens(subject, prompts).readings()
    for names, absent in ((ANSWER_FORMS, [0, 1, 0, 0, 1]), (FALSE_FORMS, [0, 0, 1, 1, 1])):
        for name in (name + suffix for name in names for suffix in ("", NORMED)):
            for values in (result.probabilities[name], result.ranks[name]):
                assert np.isnan(values).all(axis=1).tolist() == np.isnan(values).any(axis=1).tolist() == absent
    for values in result.scores.values():
        assert np.isnan(values).all(axis=1).tolist() == np.isnan(values).any(axis=1).tolist() == [0, 1, 1, 1, 1]
    assert result.left_out == {
        f"answer: {SHARED}": 1,
        f"answer: {ALONE}": 1,
        "answer: no form of its own": 1,
        f"false option: {SHARED}": 2,
    }


def test_the_hooks_are_gone_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    prompt = subject.encode(tiny_question(0))
    with monkeypatch.context() as broken:
        broken.setattr(subject.final_norm, "forward", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            residuals(subject, [prompt])
    assert not any(module._forward_pre_hooks for module in (*subject.decoder_layers, subject.unembed))
