"""A position that cross-attention shows nothing is one without a picture, as the model itself has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from fixtures.flow import IMAGE, LAST, OTHER, PADDING, QUESTION, RELATED, SUFFIX
from fixtures.instruments.attention import CannotHook, dense_attention, replaced
from fixtures.instruments.batching import in_batches
from fixtures.instruments.contract import check
from fixtures.instruments.engines import reference
from fixtures.instruments.engines.fast import rows_at_once, sweep
from fixtures.instruments.engines.recording import record
from fixtures.instruments.engines.reference import Knockout, blocked_by, knocked_out_logits
from fixtures.instruments.forward import inputs, last_logits
from fixtures.instruments.lens import Lens
from fixtures.measure import measure
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.prompt import Prompt
from suite.support.curves.sweeps import log_difference
from suite.support.models.families import families
from suite.support.models.pixel_oracle import question

KIND = ["idefics", "idefics_patches", "mllama"]
EAGER = 1e-5
"""Eager attention takes its softmax in float32."""
EDGES = [IMAGE >> QUESTION, IMAGE >> LAST, IMAGE >> SUFFIX, QUESTION >> LAST, LAST >> LAST, SUFFIX >> LAST]
PARTS = [RELATED >> QUESTION, OTHER >> QUESTION, RELATED >> LAST]


@cache
def subject(name: str) -> Subject:
    """In double precision, so that what is equal is seen to be."""
    model, processor = families()[name].build()
    return wrap(model.double(), processor)


def asked(name: str, seed: int = 0, size: tuple[int, int] = (75, 40)) -> Prompt:
    return subject(name).encode(question(size, seed))


def logits(name: str, prompt: Prompt, cut: Knockout | None = None, **changes: Any) -> Tensor:
    """[1, vocabulary], with keyword arguments of the model changed."""
    with torch.inference_mode():
        return knocked_out_logits(subject(name), [prompt], {**subject(name).batch([prompt]), **changes}, cut)


def unseeing(prompt: Prompt, rows: Any = slice(None), layers: Any = range(99)) -> Knockout:
    """All features cut off from *rows*."""
    tokens = len(prompt.input_ids)
    blocked = torch.zeros(1, 1, tokens, tokens + prompt.features, dtype=torch.bool)
    blocked[0, 0, rows, tokens:] = True
    return Knockout(IMAGE >> QUESTION, layers, blocked)


@contextmanager
def norms_in_double() -> Iterator[None]:
    """Without the rounding to float32 in both families' norms, which hides differences below 1e-8."""
    from transformers.models.idefics.modeling_idefics import IdeficsRMSNorm
    from transformers.models.mllama.modeling_mllama import MllamaTextRMSNorm

    def forward(self: Any, hidden: Tensor) -> Tensor:
        return self.weight * (hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    with pytest.MonkeyPatch.context() as patch:
        for norm in (IdeficsRMSNorm, MllamaTextRMSNorm):
            patch.setattr(norm, "forward", forward)
        yield


# ---- a silent position is one without a picture


@pytest.mark.parametrize("name", ["idefics", "idefics_patches"])
def test_in_idefics_a_silent_position_is_one_whose_gate_the_model_shuts(name: str) -> None:
    prompt = asked(name)
    shut = prompt.tensors["image_attention_mask"].clone()
    shut[:, prompt.spans[QUESTION]] = 0
    own = logits(name, prompt, image_attention_mask=shut)
    edge = IMAGE >> QUESTION
    assert torch.equal(logits(name, prompt, Knockout(edge, range(4), blocked_by(edge, [prompt]))), own)
    assert not torch.equal(logits(name, prompt), own)


@pytest.mark.parametrize("layer", [0, 2])
def test_in_idefics_a_block_belongs_to_the_layer_that_it_stands_before(layer: int) -> None:
    """Its own number counts blocks, so the second, number 1, belongs to layer 2 and not to layer 1."""
    prompt = asked("idefics")
    block = subject("idefics").cross_attention.crossings[layer].block
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
    prompt = asked(name)
    without = logits(name, prompt, image_attention_mask=prompt.tensors["image_attention_mask"] * 0)
    assert torch.equal(logits(name, prompt, unseeing(prompt)), without)


@pytest.mark.parametrize("name", ["idefics", "idefics_patches"])
def test_in_idefics_positions_before_the_picture_see_nothing_that_could_be_cut(name: str) -> None:
    prompt = asked(name)
    before = int(np.flatnonzero(prompt.input_ids == subject(name).image_token_id)[0])
    assert before > 1
    assert torch.equal(logits(name, prompt, unseeing(prompt, slice(before))), logits(name, prompt))
    assert not torch.equal(logits(name, prompt, unseeing(prompt, slice(before + 1))), logits(name, prompt))


def test_in_mllama_all_positions_silent_are_a_prompt_without_a_picture() -> None:
    """transformers passes over the cross-attention layers of a prompt that holds none."""
    one, prompt = subject("mllama"), asked("mllama")

    def dense(_module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **options: Any) -> Any:
        return dense_attention(query, key, value, mask, scaling=options["scaling"])

    with torch.inference_mode(), replaced(one.decoder_config, cast(Any, dense)):
        without = last_logits(one, {name: one.batch([prompt])[name] for name in ("input_ids", "attention_mask")})
    assert torch.equal(logits("mllama", prompt, unseeing(prompt)), without)


@pytest.mark.parametrize("layer", [1, 3])
def test_in_mllama_a_silent_position_leaves_the_layer_as_it_came(layer: int) -> None:
    prompt, streams = asked("mllama"), list[Tensor]()

    def hear(_module: Any, arguments: Any, output: Tensor) -> None:
        streams.extend([arguments[0], output])

    hook = subject("mllama").decoder_layers[layer].register_forward_hook(hear)
    edge = IMAGE >> QUESTION
    try:
        logits("mllama", prompt, Knockout(edge, range(layer, layer + 1), blocked_by(edge, [prompt])))
    finally:
        hook.remove()
    kept = (streams[0] == streams[1]).all(dim=-1)[0].numpy()
    assert set(np.flatnonzero(kept)) == set(prompt.spans[QUESTION])


def test_in_mllama_a_mask_that_shuts_a_position_opens_it_to_everything() -> None:
    """The trap: cutting by the model's own mask shows the positions all tiles, unused ones too, and shuts their MLP."""
    prompt = asked("mllama")
    shut = prompt.tensors["cross_attention_mask"] * 0
    trapped = logits("mllama", prompt, cross_attention_mask=shut)
    assert not torch.allclose(trapped, logits("mllama", prompt, unseeing(prompt)), atol=1e-3)
    seen: list[Tensor] = []
    with torch.inference_mode():
        tensors = {**subject("mllama").batch([prompt]), "cross_attention_mask": shut}
        knocked_out_logits(subject("mllama"), [prompt], tensors, None, see=seen.append)
    features = [mask[0, 0, :, len(prompt.input_ids) :] for mask in seen]
    assert [bool(mask.all()) for mask in features] == [False, True, False, True, False]
    before = int(np.flatnonzero(prompt.input_ids == subject("mllama").image_token_id)[0])
    seen.clear()
    with torch.inference_mode():
        knocked_out_logits(subject("mllama"), [prompt], dict(subject("mllama").batch([prompt])), None, see=seen.append)
    own = seen[1][0, 0, :, len(prompt.input_ids) :]
    assert own[:before].all()  # by that same trap: those before the picture
    assert own[before:].sum(dim=1).tolist() == [2 * 17] * (len(prompt.input_ids) - before)


# ---- other edges, beside a knockout that knows nothing of all this


def additive(mask: Tensor, rows: Any, columns: Any) -> Tensor:
    shut = mask.clone()
    shut[:, :, torch.as_tensor(rows)[:, None], torch.as_tensor(columns)[None]] = torch.finfo(mask.dtype).min
    return shut


def stock(name: str, prompt: Prompt, layers: range, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tensor:
    """Logits of the model's own eager forward, its layers' keyword arguments changed on the way in."""
    one = subject(name)
    before = one.decoder_config._attn_implementation
    one.decoder_config._attn_implementation = {"": "eager"}
    hooks = [
        one.decoder_layers[layer].register_forward_pre_hook(
            lambda _module, arguments, options: (arguments, change(options)), with_kwargs=True
        )
        for layer in layers
    ]
    try:
        with torch.inference_mode():
            return cast(Any, one.model)(**one.batch([prompt]), use_cache=False).logits[:, -1]
    finally:
        one.decoder_config._attn_implementation = {"": before}
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize("name", KIND)
@pytest.mark.parametrize("edge", [QUESTION >> LAST, SUFFIX >> LAST, LAST >> LAST])
def test_edges_between_positions_are_cut_by_the_mask_alone(name: str, edge: Any) -> None:
    prompt, layers = asked(name), range(1, 4)

    def change(options: dict[str, Any]) -> dict[str, Any]:
        cut = additive(options["attention_mask"], prompt.spans[edge.target], prompt.spans[edge.source])
        return {**options, "attention_mask": cut}

    own = stock(name, prompt, layers, change)
    result = logits(name, prompt, Knockout(edge, layers, blocked_by(edge, [prompt])))
    torch.testing.assert_close(result, own, rtol=0, atol=EAGER)
    assert not torch.allclose(result, logits(name, prompt), atol=100 * EAGER)


@pytest.mark.parametrize("edge", PARTS)
def test_a_part_of_the_picture_is_cut_by_the_mask_of_features(edge: Any) -> None:
    prompt, layers = asked("mllama"), range(3)
    features = prompt.spans[edge.source]  # from the end

    def change(options: dict[str, Any]) -> dict[str, Any]:
        mask = options["cross_attention_mask"]
        return {**options, "cross_attention_mask": additive(mask, prompt.spans[edge.target], features)}

    own = stock("mllama", prompt, layers, change)
    result = logits("mllama", prompt, Knockout(edge, layers, blocked_by(edge, [prompt])))
    torch.testing.assert_close(result, own, rtol=0, atol=EAGER)
    assert not torch.allclose(result, logits("mllama", prompt), atol=100 * EAGER)


def test_in_a_layer_that_reads_the_picture_alone_positions_do_not_see_each_other() -> None:
    prompt, edge = asked("mllama"), QUESTION >> LAST
    cut = Knockout(edge, range(1, 2), blocked_by(edge, [prompt]))
    assert torch.equal(logits("mllama", prompt, cut), logits("mllama", prompt))


# ---- both engines


@pytest.mark.parametrize("width", [1, 3, 9])
@pytest.mark.parametrize("name", KIND)
def test_the_engines_agree_on_all_edges_and_windows(name: str, width: int) -> None:
    one, edges = subject(name), EDGES + (PARTS if RELATED not in subject(name).cannot else [])
    sizes = ((112, 56), (56, 112), (75, 40), (112, 56))
    prompts = [one.encode(question(size, seed)) for seed, size in enumerate(sizes)]
    prompts += [one.encode(question((60, 60), 7, "Is the big black dog to the left of the yellow hat?"))]
    with norms_in_double():
        reference_result, fast_result = reference.sweep(one, prompts, edges, width), sweep(one, prompts, edges, width)
    assert reference_result.reached.all()
    assert log_difference(fast_result, reference_result) < 1e-9
    assert fast_result.noise is not None
    assert fast_result.noise.max() < 1e-9
    moved = np.abs(fast_result.knocked / fast_result.baseline[:, None, None] - 1).max(axis=(0, 2))
    assert (moved > 1e-5).all(), dict(zip(edges, moved, strict=True))


@pytest.mark.parametrize("name", KIND)
def test_features_are_the_same_sources_behind_a_longer_prompt(name: str) -> None:
    """As when tokens of an answer stand behind it: they are counted from the end."""
    one, prompt = subject(name), asked(name)
    ids = np.concatenate([prompt.input_ids, prompt.input_ids[-2:]])
    tensors = {
        key: torch.cat([value, value[:, -2:]], dim=1) if value.shape[1] == len(prompt.input_ids) else value
        for key, value in prompt.tensors.items()
    }
    longer = replace(prompt, input_ids=ids, tensors=tensors, spans={**prompt.spans, LAST: np.array([len(ids) - 1])})
    edges = [IMAGE >> LAST, QUESTION >> LAST]
    assert not blocked_by(edges[0], [longer])[..., : len(ids)].any()
    with norms_in_double():
        reference_result, fast_result = reference.sweep(one, [longer], edges, 3), sweep(one, [longer], edges, 3)
        assert torch.equal(logits(name, longer, unseeing(longer, [-1])), logits(name, longer, all_cut(longer)))
    assert log_difference(fast_result, reference_result) < 1e-9


def all_cut(prompt: Prompt) -> Knockout:
    return Knockout(IMAGE >> LAST, range(99), blocked_by(IMAGE >> LAST, [prompt]))


@pytest.mark.parametrize("name", KIND)
def test_the_lens_reads_the_stream_before_each_layer_from_the_recording(name: str) -> None:
    """Point i is what layer i receives, a block before it included: the last is what the unembedding receives."""
    one = subject(name)
    prompts = [asked(name, seed) for seed in range(2)]
    lens = Lens(one, prompts)
    with norms_in_double():
        result, own = sweep(one, prompts, [IMAGE >> LAST], 3, lens=lens).readings, lens.readings()
    assert result is not None
    for form, read in own.probabilities.items():
        assert read.shape == (2, one.layers + 1)
        np.testing.assert_allclose(result.probabilities[form], read, rtol=1e-9)


@pytest.mark.parametrize("name", KIND)
def test_the_picture_is_encoded_once_for_all_forwards_of_the_reference(name: str) -> None:
    one, seen = subject(name), list[None]()
    prompt = asked(name)
    hook = cast(Any, one.model).model.vision_model.register_forward_hook(lambda *_: seen.append(None))
    try:
        reference.sweep(one, [prompt], [IMAGE >> LAST], 1)
    finally:
        hook.remove()
    assert len(seen) == 1
    with torch.inference_mode():
        given = inputs(one, [prompt])
        assert "pixel_values" not in given
        assert torch.equal(knocked_out_logits(one, [prompt], given, None), logits(name, prompt))


def test_features_and_positions_count_for_the_size_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    one, sizes = subject("mllama"), list[int]()
    prompts = [asked("mllama", seed) for seed in range(4)]
    tokens = len(prompts[0].input_ids)
    monkeypatch.setattr("fixtures.instruments.batching.CPU_BATCH_TOKENS", 2 * (tokens + 68))
    in_batches(one, prompts, lambda batch: sizes.append(len(batch)) or batch)
    assert sizes == [2, 2]


def test_features_and_positions_count_for_the_memory_of_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.instruments.engines.fast._budget", lambda _device: 1e9)
    one, prompt = subject("mllama"), asked("mllama")
    with torch.inference_mode():
        recording = record(one, [prompt], len(prompt.input_ids) - 1)
    picture = recording.layers[1].picture
    assert recording.layers[1].text is None
    assert picture is not None
    assert picture.keys.shape[2] == prompt.features == 68
    wider = replace(picture, keys=picture.keys.repeat(1, 1, 10, 1))
    layers = tuple(replace(each, picture=each.picture and wider) for each in recording.layers)
    assert rows_at_once(one, replace(recording, layers=layers)) < rows_at_once(one, recording) / 2


# ---- what is put back, what is refused, what is said


@pytest.mark.parametrize("name", KIND)
@pytest.mark.parametrize("engine", [sweep, reference.sweep])
def test_attention_and_hooks_are_put_back_after_an_error(
    name: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, prompt = subject(name), asked(name)
    before, calls = one.decoder_config._attn_implementation, [0]

    def late(*_: Any, **__: Any) -> Any:
        calls[0] += 1
        raise ZeroDivisionError

    monkeypatch.setattr("fixtures.instruments.engines.replay.left_silent", late)
    monkeypatch.setattr("fixtures.instruments.engines.reference.left_silent", late)
    with pytest.raises(ZeroDivisionError):
        engine(one, [prompt], [IMAGE >> LAST], 1)
    assert calls == [1]
    assert one.decoder_config._attn_implementation == before
    assert not [module for module in one.model.modules() if module._forward_hooks or module._forward_pre_hooks]


@pytest.mark.parametrize("engine", [sweep, reference.sweep])
def test_features_that_the_prompt_does_not_have_are_refused(engine: Any) -> None:
    prompt = asked("mllama")
    fewer = replace(prompt, features=67, spans={**prompt.spans, IMAGE: prompt.spans[IMAGE] + 1})
    with pytest.raises(CannotHook, match=r"MllamaTextCrossAttention reads 68 features and the prompt of .* has 67"):
        engine(subject("mllama"), [fewer], [IMAGE >> LAST], 1)


@pytest.mark.parametrize("engine", [sweep, reference.sweep])
def test_a_mask_that_weighs_features_is_refused(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.mllama import modeling_mllama

    prepare = modeling_mllama._prepare_cross_attention_mask
    monkeypatch.setattr(
        modeling_mllama,
        "_prepare_cross_attention_mask",
        lambda *arguments, **options: (prepare(*arguments, **options)[0] - 0.5, prepare(*arguments, **options)[1]),
    )
    with pytest.raises(CannotHook, match="does more than show or shut features"):
        engine(subject("mllama"), [asked("mllama")], [IMAGE >> LAST], 1)


@pytest.mark.parametrize("engine", [sweep, reference.sweep])
@pytest.mark.parametrize("name", ["idefics", "mllama"])
def test_a_crossing_that_bypasses_the_registry_is_refused(
    name: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossings = subject(name).cross_attention.crossings
    layer, result = max(crossings), crossings[max(crossings)]
    monkeypatch.setattr(result.attention, "forward", lambda hidden_states, **_: (hidden_states, None))
    with pytest.raises(CannotHook, match=f"layers {layer} of {subject(name).name} do not run the attention"):
        engine(subject(name), [asked(name)], [IMAGE >> LAST], 1)


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("name", KIND)
def test_edges_that_cannot_be_asked_say_why(name: str, engine: str) -> None:
    edges = [IMAGE >> QUESTION, QUESTION >> IMAGE, RELATED >> QUESTION, PADDING >> QUESTION]
    result = measure(subject(name), [question((60, 60))], edges, lens=False, engine=engine)
    assert IMAGE >> QUESTION not in result.unsupported
    assert result.unsupported[QUESTION >> IMAGE].startswith("image is no position")
    if name == "idefics":
        assert "resampler mixes" in result.unsupported[RELATED >> QUESTION]
    else:
        assert RELATED >> QUESTION not in result.unsupported


def test_what_no_position_is_shown_is_not_reached() -> None:
    """Tiles that the picture does not fill are shut, and no part of it."""
    one, prompt = subject("mllama"), asked("mllama", size=(112, 56))
    assert prompt.spans[IMAGE].tolist() == list(range(-4 * 17, -2 * 17))
    prompt = replace(prompt, spans={**prompt.spans, PADDING: np.arange(-2 * 17, 0)})
    for engine in (sweep, reference.sweep):
        result = engine(one, [prompt], [PADDING >> LAST, IMAGE >> LAST], 1)
        assert result.reached.tolist() == [[False, True]]
        assert np.isnan(result.knocked[0, 0]).all()


def test_a_knockout_that_minds_no_window_fails_the_null_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "Knockout", lambda edge, _layers, blocked: Knockout(edge, range(99), blocked))
    contract = check(subject("mllama"), [question((60, 60))])
    assert contract.failed == ("null control", "engine")
    assert "cut in layers that do not read the picture, moves the answer" in contract.checks["null control"]


@pytest.mark.parametrize("name", KIND)
def test_the_contract_holds_in_double(name: str) -> None:
    with norms_in_double():
        contract = check(subject(name), [question((75, 40)), question((60, 60), 1)])
    assert contract.passed, contract.checks
