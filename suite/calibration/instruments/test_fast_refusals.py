"""The fast engine refuses by name what it could not recompute, and leaves the model as it found it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from fixtures.flow import EDGES, IMAGE, LAST, RELATED
from fixtures.instruments.attention import CannotHook, FullyBlocked
from fixtures.instruments.engines import fast, reference
from fixtures.instruments.engines.fast import sweep
from suite.support.models.architectures import prompt, stranger
from suite.support.models.words_llava import tiny_question, tiny_subject


def test_a_position_without_a_key_is_an_error_that_names_edge_layer_and_question() -> None:
    subject = tiny_subject()
    fine, blind = subject.encode(tiny_question(4)), subject.encode(tiny_question(5))
    blind = replace(blind, spans={**blind.spans, RELATED: np.arange(len(blind.input_ids))})
    with pytest.raises(FullyBlocked, match=r"position 23 of question q5 .* layer 0 under related->last"):
        sweep(subject, [fine, blind], [RELATED >> LAST], 2)


def test_attention_and_hooks_are_put_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    prompts, before = [subject.encode(tiny_question(0))], subject.decoder_config._attn_implementation
    monkeypatch.setattr(fast, "replay", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sweep(subject, prompts, EDGES, 3)
    monkeypatch.undo()
    monkeypatch.setattr("fixtures.instruments.engines.replay.attention", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sweep(subject, prompts, EDGES, 3)
    assert subject.decoder_config._attn_implementation == before
    modules = (*subject.decoder_layers, subject.unembed)
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in modules)


def test_a_layer_that_bypasses_the_registry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    monkeypatch.setattr(subject.decoder_layers[2], "forward", lambda hidden_states, **_: hidden_states)
    with pytest.raises(CannotHook, match="layers 2 of tiny"):
        sweep(subject, [subject.encode(tiny_question(0))], EDGES, 1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_layers_that_mix_positions_outside_attention_are_refused(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A little of the position before, as in recurrent and convolutional layers, is invisible to the masks."""
    subject = tiny_subject(dtype=dtype)
    mlp = cast(Any, subject.decoder_layers[1]).mlp
    forward = mlp.forward
    monkeypatch.setattr(mlp, "forward", lambda stream: forward(stream + 0.2 * stream.roll(1, 1)))
    with pytest.raises(CannotHook, match=r"layer 1 of tiny, run again.*something besides attention"):
        sweep(subject, [subject.encode(tiny_question(0))], EDGES, 1)


def test_layers_that_mind_their_place_in_the_stream_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A position counted from the stream's own start, and not from what the layer is told."""
    subject = tiny_subject()
    mlp = cast(Any, subject.decoder_layers[2]).mlp
    forward = mlp.forward
    monkeypatch.setattr(
        mlp, "forward", lambda stream: forward(stream) * (1 + torch.arange(stream.shape[1]) % 24)[:, None]
    )
    with pytest.raises(CannotHook, match="layer 2 of tiny, run again"):
        sweep(subject, [subject.encode(tiny_question(0))], EDGES, 1)


def test_layers_that_scale_queries_by_place_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    monkeypatch.setattr(subject.decoder_layers[0].self_attn, "attn_temperature_tuning", True, raising=False)
    with pytest.raises(CannotHook, match="LlamaAttention scales its queries by their place"):
        sweep(subject, [subject.encode(tiny_question(0))], EDGES, 1)


def test_a_model_in_training_mode_is_refused() -> None:
    subject = tiny_subject(layers=3)
    model = cast(Any, subject.model).train()
    try:
        with pytest.raises(CannotHook, match="tiny is in training mode"):
            sweep(subject, [subject.encode(tiny_question(0))], EDGES, 1)
    finally:
        model.eval()


def test_padding_that_sees_nothing_is_an_error_in_both_engines() -> None:
    subject = tiny_subject()
    prompt = subject.encode(tiny_question(0))
    longer = replace(prompt, tensors={**prompt.tensors, "attention_mask": torch.ones_like(prompt.tensors["input_ids"])})
    cast(Any, longer.tensors["attention_mask"])[0, 0] = 0
    for engine in (sweep, reference.sweep):
        with pytest.raises(FullyBlocked, match=r"position 0 of question q0 .* layer 0 without a knockout"):
            engine(subject, [longer], EDGES, 1)


def test_positions_changed_between_layers_are_refused_where_they_would_be_recomputed() -> None:
    name = "qwen3-vl, deepstack"
    with pytest.raises(CannotHook, match="changes positions from 7 on between layers 0 and 1"):
        sweep(stranger(name), [prompt(name, 0)], [IMAGE >> RELATED], 1)


def test_an_argument_that_a_replay_cannot_give_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    forward = subject.decoder_layers[1].forward

    def without_memory(*arguments: Any, memory: torch.Tensor, **options: Any) -> Any:
        return forward(*arguments, **options)

    def called(module: Any, arguments: Any, options: Any) -> Any:
        return arguments, {**options, "memory": torch.ones(1)}

    monkeypatch.setattr(subject.decoder_layers[1], "forward", without_memory)
    hook = subject.decoder_layers[1].register_forward_pre_hook(called, with_kwargs=True)
    try:
        with pytest.raises(CannotHook, match="LlamaDecoderLayer takes memory"):
            sweep(subject, [subject.encode(tiny_question(0))], EDGES, 1)
    finally:
        hook.remove()
