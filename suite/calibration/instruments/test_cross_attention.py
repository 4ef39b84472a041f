"""A position that cross-attention shows nothing is one without a picture, as the model itself has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from fixtures.flow import IMAGE, LAST, QUESTION, SUFFIX
from fixtures.instruments.attention import dense_attention, replaced
from fixtures.instruments.engines.reference import Knockout, blocked_by, knocked_out_logits
from fixtures.instruments.forward import last_logits
from fixtures.models.prompt import Prompt
from suite.support.models.crossing import FAMILIES, PARTS, logits, prompt_of, subject_of, unseeing

EAGER = 1e-5
"""Eager attention takes its softmax in float32."""


# ---- a silent position is one without a picture


@pytest.mark.parametrize("name", ["idefics", "idefics_patches"])
def test_in_idefics_a_silent_position_is_one_whose_gate_the_model_shuts(name: str) -> None:
    prompt = prompt_of(name)
    shut = prompt.tensors["image_attention_mask"].clone()
    shut[:, prompt.spans[QUESTION]] = 0
    own = logits(name, prompt, image_attention_mask=shut)
    edge = IMAGE >> QUESTION
    assert torch.equal(logits(name, prompt, Knockout(edge, range(4), blocked_by(edge, [prompt]))), own)
    assert not torch.equal(logits(name, prompt), own)


@pytest.mark.parametrize("layer", [0, 2])
def test_in_idefics_a_block_belongs_to_the_layer_that_it_stands_before(layer: int) -> None:
    """Its own number counts blocks, so the second, number 1, belongs to layer 2 and not to layer 1."""
    prompt = prompt_of("idefics")
    block = subject_of("idefics").cross_attention.crossings[layer].block
    assert cast(Any, block).cross_attn.layer_idx == layer // 2

    def shut(_module: Any, arguments: Any, options: dict[str, Any]) -> Any:
        gate = options["cross_attention_gate"].clone()
        gate[:, prompt.spans[QUESTION]] = 0
        return arguments, {**options, "cross_attention_gate": gate}

    hook = block.register_forward_pre_hook(shut, with_kwargs=True)
    own = logits("idefics", prompt)
    hook.remove()
    edge = IMAGE >> QUESTION
    blocked = blocked_by(edge, [prompt])
    assert torch.equal(logits("idefics", prompt, Knockout(edge, range(layer, layer + 2), blocked)), own)
    after = logits("idefics", prompt, Knockout(edge, range(layer + 1, layer + 2), blocked))
    assert torch.equal(after, logits("idefics", prompt))


@pytest.mark.parametrize("name", ["idefics", "idefics_patches"])
def test_in_idefics_all_positions_silent_are_a_prompt_without_a_picture(name: str) -> None:
    """The processor shuts all positions of a prompt that holds none."""
    prompt = prompt_of(name)
    without = logits(name, prompt, image_attention_mask=prompt.tensors["image_attention_mask"] * 0)
    assert torch.equal(logits(name, prompt, unseeing(prompt)), without)


@pytest.mark.parametrize("name", ["idefics", "idefics_patches"])
def test_in_idefics_positions_before_the_picture_see_nothing_that_could_be_cut(name: str) -> None:
    prompt = prompt_of(name)
    before = int(np.flatnonzero(prompt.input_ids == subject_of(name).image_token_id)[0])
    assert before > 1
    assert torch.equal(logits(name, prompt, unseeing(prompt, slice(before))), logits(name, prompt))
    assert not torch.equal(logits(name, prompt, unseeing(prompt, slice(before + 1))), logits(name, prompt))


def test_in_mllama_all_positions_silent_are_a_prompt_without_a_picture() -> None:
    """transformers passes over the cross-attention layers of a prompt that holds none."""
    subject, prompt = subject_of("mllama"), prompt_of("mllama")

    def dense(_module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **options: Any) -> Any:
        return dense_attention(query, key, value, mask, scaling=options["scaling"])

    with torch.inference_mode(), replaced(subject.decoder_config, cast(Any, dense)):
        without = last_logits(
            subject, {name: subject.batch([prompt])[name] for name in ("input_ids", "attention_mask")}
        )
    assert torch.equal(logits("mllama", prompt, unseeing(prompt)), without)


@pytest.mark.parametrize("layer", [1, 3])
def test_in_mllama_a_silent_position_leaves_the_layer_as_it_came(layer: int) -> None:
    prompt, streams = prompt_of("mllama"), list[Tensor]()

    def store_streams(_module: Any, arguments: Any, output: Tensor) -> None:
        streams.extend([arguments[0], output])

    hook = subject_of("mllama").decoder_layers[layer].register_forward_hook(store_streams)
    edge = IMAGE >> QUESTION
    try:
        logits("mllama", prompt, Knockout(edge, range(layer, layer + 1), blocked_by(edge, [prompt])))
    finally:
        hook.remove()
    is_unchanged = (streams[0] == streams[1]).all(dim=-1)[0].numpy()
    assert set(np.flatnonzero(is_unchanged)) == set(prompt.spans[QUESTION])


def test_in_mllama_a_mask_that_shuts_a_position_opens_it_to_everything() -> None:
    """The trap: cutting by the model's own mask shows the positions all tiles, unused ones too, and shuts their MLP."""
    prompt = prompt_of("mllama")
    shut = prompt.tensors["cross_attention_mask"] * 0
    by_the_own_mask = logits("mllama", prompt, cross_attention_mask=shut)
    assert not torch.allclose(by_the_own_mask, logits("mllama", prompt, unseeing(prompt)), atol=1e-3)
    masks = list[Tensor]()
    with torch.inference_mode():
        tensors = {**subject_of("mllama").batch([prompt]), "cross_attention_mask": shut}
        knocked_out_logits(subject_of("mllama"), [prompt], tensors, None, see=masks.append)
    features = [mask[0, 0, :, len(prompt.input_ids) :] for mask in masks]
    assert [bool(mask.all()) for mask in features] == [False, True, False, True, False]
    before = int(np.flatnonzero(prompt.input_ids == subject_of("mllama").image_token_id)[0])
    masks.clear()
    with torch.inference_mode():
        knocked_out_logits(
            subject_of("mllama"), [prompt], dict(subject_of("mllama").batch([prompt])), None, see=masks.append
        )
    own = masks[1][0, 0, :, len(prompt.input_ids) :]
    assert own[:before].all()  # by that same trap: those before the picture
    assert own[before:].sum(dim=1).tolist() == [2 * 17] * (len(prompt.input_ids) - before)


# ---- other edges, compared with a knockout that knows nothing of all this


def additive(mask: Tensor, rows: Any, columns: Any) -> Tensor:
    shut = mask.clone()
    shut[:, :, torch.as_tensor(rows)[:, None], torch.as_tensor(columns)[None]] = torch.finfo(mask.dtype).min
    return shut


def stock(name: str, prompt: Prompt, layers: range, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tensor:
    """Logits of the model's own eager forward, its layers' keyword arguments changed on the way in."""
    subject = subject_of(name)
    before = subject.decoder_config._attn_implementation
    subject.decoder_config._attn_implementation = {"": "eager"}
    hooks = [
        subject.decoder_layers[layer].register_forward_pre_hook(
            lambda _module, arguments, options: (arguments, change(options)), with_kwargs=True
        )
        for layer in layers
    ]
    try:
        with torch.inference_mode():
            return cast(Any, subject.model)(**subject.batch([prompt]), use_cache=False).logits[:, -1]
    finally:
        subject.decoder_config._attn_implementation = {"": before}
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("edge", [QUESTION >> LAST, SUFFIX >> LAST, LAST >> LAST])
def test_edges_between_positions_are_cut_by_the_mask_alone(name: str, edge: Any) -> None:
    prompt, layers = prompt_of(name), range(1, 4)

    def change(options: dict[str, Any]) -> dict[str, Any]:
        cut = additive(options["attention_mask"], prompt.spans[edge.target], prompt.spans[edge.source])
        return {**options, "attention_mask": cut}

    own = stock(name, prompt, layers, change)
    result = logits(name, prompt, Knockout(edge, layers, blocked_by(edge, [prompt])))
    torch.testing.assert_close(result, own, rtol=0, atol=EAGER)
    assert not torch.allclose(result, logits(name, prompt), atol=100 * EAGER)


@pytest.mark.parametrize("edge", PARTS)
def test_a_part_of_the_picture_is_cut_by_the_mask_of_features(edge: Any) -> None:
    prompt, layers = prompt_of("mllama"), range(3)
    features = prompt.spans[edge.source]  # from the end

    def change(options: dict[str, Any]) -> dict[str, Any]:
        mask = options["cross_attention_mask"]
        return {**options, "cross_attention_mask": additive(mask, prompt.spans[edge.target], features)}

    own = stock("mllama", prompt, layers, change)
    result = logits("mllama", prompt, Knockout(edge, layers, blocked_by(edge, [prompt])))
    torch.testing.assert_close(result, own, rtol=0, atol=EAGER)
    assert not torch.allclose(result, logits("mllama", prompt), atol=100 * EAGER)


def test_in_a_layer_that_reads_the_picture_alone_positions_do_not_see_each_other() -> None:
    prompt, edge = prompt_of("mllama"), QUESTION >> LAST
    cut = Knockout(edge, range(1, 2), blocked_by(edge, [prompt]))
    assert torch.equal(logits("mllama", prompt, cut), logits("mllama", prompt))
