"""Both engines cut cross-attention alike, put back what they replaced, and refuse what they cannot cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from fixtures.flow import IMAGE, LAST, PADDING, QUESTION, RELATED, SUFFIX
from fixtures.instruments.attention import CannotHook
from fixtures.instruments.batching import in_batches
from fixtures.instruments.contract import check
from fixtures.instruments.engines import reference
from fixtures.instruments.engines.fast import rows_at_once, sweep
from fixtures.instruments.engines.recording import record
from fixtures.instruments.engines.reference import Knockout, blocked_by, knocked_out_logits
from fixtures.instruments.forward import inputs
from fixtures.instruments.lens import Lens
from fixtures.measure import measure
from fixtures.models.prompt import Prompt
from suite.support.curves.sweeps import log_difference
from suite.support.models.crossing import FAMILIES, PARTS, logits, norms_in_double, prompt_of, subject_of, unseeing
from suite.support.models.pixel_oracle import question

EDGES = [IMAGE >> QUESTION, IMAGE >> LAST, IMAGE >> SUFFIX, QUESTION >> LAST, LAST >> LAST, SUFFIX >> LAST]


@pytest.mark.parametrize("width", [1, 3, 9])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_engines_agree_on_all_edges_and_windows(name: str, width: int) -> None:
    subject, edges = subject_of(name), EDGES + (PARTS if RELATED not in subject_of(name).cannot else [])
    sizes = ((112, 56), (56, 112), (75, 40), (112, 56))
    prompts = [subject.encode(question(size, seed)) for seed, size in enumerate(sizes)]
    prompts += [subject.encode(question((60, 60), 7, "Is the big black dog to the left of the yellow hat?"))]
    with norms_in_double():
        reference_result, fast_result = (
            reference.sweep(subject, prompts, edges, width),
            sweep(subject, prompts, edges, width),
        )
    assert reference_result.reached.all()
    assert log_difference(fast_result, reference_result) < 1e-9
    assert fast_result.noise is not None
    assert fast_result.noise.max() < 1e-9
    change = np.abs(fast_result.knocked / fast_result.baseline[:, None, None] - 1).max(axis=(0, 2))
    assert (change > 1e-5).all(), dict(zip(edges, change, strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_features_are_the_same_sources_behind_a_longer_prompt(name: str) -> None:
    """As when tokens of an answer stand behind it: they are counted from the end."""
    subject, prompt = subject_of(name), prompt_of(name)
    ids = np.concatenate([prompt.input_ids, prompt.input_ids[-2:]])
    tensors = {
        key: torch.cat([value, value[:, -2:]], dim=1) if value.shape[1] == len(prompt.input_ids) else value
        for key, value in prompt.tensors.items()
    }
    longer = replace(prompt, input_ids=ids, tensors=tensors, spans={**prompt.spans, LAST: np.array([len(ids) - 1])})
    edges = [IMAGE >> LAST, QUESTION >> LAST]
    assert not blocked_by(edges[0], [longer])[..., : len(ids)].any()
    with norms_in_double():
        reference_result, fast_result = reference.sweep(subject, [longer], edges, 3), sweep(subject, [longer], edges, 3)
        assert torch.equal(logits(name, longer, unseeing(longer, [-1])), logits(name, longer, all_cut(longer)))
    assert log_difference(fast_result, reference_result) < 1e-9


def all_cut(prompt: Prompt) -> Knockout:
    return Knockout(IMAGE >> LAST, range(99), blocked_by(IMAGE >> LAST, [prompt]))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_lens_reads_the_stream_before_each_layer_from_the_recording(name: str) -> None:
    """Point i is what layer i receives, a block before it included: the last is what the unembedding receives."""
    subject = subject_of(name)
    prompts = [prompt_of(name, seed) for seed in range(2)]
    lens = Lens(subject, prompts)
    with norms_in_double():
        result, own = sweep(subject, prompts, [IMAGE >> LAST], 3, lens=lens).readings, lens.readings()
    assert result is not None
    for form, probabilities in own.probabilities.items():
        assert probabilities.shape == (2, subject.layers + 1)
        np.testing.assert_allclose(result.probabilities[form], probabilities, rtol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_picture_is_encoded_once_for_all_forwards_of_the_reference(name: str) -> None:
    subject, encodings = subject_of(name), list[None]()
    prompt = prompt_of(name)
    hook = cast(Any, subject.model).model.vision_model.register_forward_hook(lambda *_: encodings.append(None))
    try:
        reference.sweep(subject, [prompt], [IMAGE >> LAST], 1)
    finally:
        hook.remove()
    assert len(encodings) == 1
    with torch.inference_mode():
        tensors = inputs(subject, [prompt])
        assert "pixel_values" not in tensors
        assert torch.equal(knocked_out_logits(subject, [prompt], tensors, None), logits(name, prompt))


def test_features_and_positions_count_for_the_size_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, sizes = subject_of("mllama"), list[int]()
    prompts = [prompt_of("mllama", seed) for seed in range(4)]
    tokens = len(prompts[0].input_ids)
    monkeypatch.setattr("fixtures.instruments.batching.CPU_BATCH_TOKENS", 2 * (tokens + 68))
    in_batches(subject, prompts, lambda batch: sizes.append(len(batch)) or batch)
    assert sizes == [2, 2]


def test_features_and_positions_count_for_the_memory_of_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.instruments.engines.fast._budget", lambda _device: 1e9)
    subject, prompt = subject_of("mllama"), prompt_of("mllama")
    with torch.inference_mode():
        recording = record(subject, [prompt], len(prompt.input_ids) - 1)
    picture = recording.layers[1].picture
    assert recording.layers[1].text is None
    assert picture is not None
    assert picture.keys.shape[2] == prompt.features == 68
    wider = replace(picture, keys=picture.keys.repeat(1, 1, 10, 1))
    layers = tuple(replace(layer, picture=layer.picture and wider) for layer in recording.layers)
    assert rows_at_once(subject, replace(recording, layers=layers)) < rows_at_once(subject, recording) / 2


# ---- what is put back, what is refused, what is said


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("engine", [sweep, reference.sweep])
def test_attention_and_hooks_are_put_back_after_an_error(
    name: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, prompt = subject_of(name), prompt_of(name)
    before, calls = subject.decoder_config._attn_implementation, [0]

    def fail(*_: Any, **__: Any) -> Any:
        calls[0] += 1
        raise ZeroDivisionError

    monkeypatch.setattr("fixtures.instruments.engines.replay.left_silent", fail)
    monkeypatch.setattr("fixtures.instruments.engines.reference.left_silent", fail)
    with pytest.raises(ZeroDivisionError):
        engine(subject, [prompt], [IMAGE >> LAST], 1)
    assert calls == [1]
    assert subject.decoder_config._attn_implementation == before
    assert not [module for module in subject.model.modules() if module._forward_hooks or module._forward_pre_hooks]


@pytest.mark.parametrize("engine", [sweep, reference.sweep])
def test_features_that_the_prompt_does_not_have_are_refused(engine: Any) -> None:
    prompt = prompt_of("mllama")
    fewer = replace(prompt, features=67, spans={**prompt.spans, IMAGE: prompt.spans[IMAGE] + 1})
    with pytest.raises(CannotHook, match=r"MllamaTextCrossAttention reads 68 features and the prompt of .* has 67"):
        engine(subject_of("mllama"), [fewer], [IMAGE >> LAST], 1)


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
        engine(subject_of("mllama"), [prompt_of("mllama")], [IMAGE >> LAST], 1)


@pytest.mark.parametrize("engine", [sweep, reference.sweep])
@pytest.mark.parametrize("name", ["idefics", "mllama"])
def test_a_crossing_that_bypasses_the_registry_is_refused(
    name: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossings = subject_of(name).cross_attention.crossings
    layer, result = max(crossings), crossings[max(crossings)]
    monkeypatch.setattr(result.attention, "forward", lambda hidden_states, **_: (hidden_states, None))
    with pytest.raises(CannotHook, match=f"layers {layer} of {subject_of(name).name} do not run the attention"):
        engine(subject_of(name), [prompt_of(name)], [IMAGE >> LAST], 1)


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("name", FAMILIES)
def test_edges_that_cannot_be_asked_say_why(name: str, engine: str) -> None:
    edges = [IMAGE >> QUESTION, QUESTION >> IMAGE, RELATED >> QUESTION, PADDING >> QUESTION]
    result = measure(subject_of(name), [question((60, 60))], edges, lens=False, engine=engine)
    assert IMAGE >> QUESTION not in result.unsupported
    assert result.unsupported[QUESTION >> IMAGE].startswith("image is no position")
    if name == "idefics":
        assert "resampler mixes" in result.unsupported[RELATED >> QUESTION]
    else:
        assert RELATED >> QUESTION not in result.unsupported


def test_what_no_position_is_shown_is_not_reached() -> None:
    """Tiles that the picture does not fill are shut, and no part of it."""
    subject, prompt = subject_of("mllama"), prompt_of("mllama", size=(112, 56))
    assert prompt.spans[IMAGE].tolist() == list(range(-4 * 17, -2 * 17))
    prompt = replace(prompt, spans={**prompt.spans, PADDING: np.arange(-2 * 17, 0)})
    for engine in (sweep, reference.sweep):
        result = engine(subject, [prompt], [PADDING >> LAST, IMAGE >> LAST], 1)
        assert result.reached.tolist() == [[False, True]]
        assert np.isnan(result.knocked[0, 0]).all()


def test_a_knockout_that_minds_no_window_fails_the_null_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "Knockout", lambda edge, _layers, blocked: Knockout(edge, range(99), blocked))
    contract = check(subject_of("mllama"), [question((60, 60))])
    assert contract.failed == ("null control", "engine")
    assert "cut in layers that do not read the picture, moves the answer" in contract.checks["null control"]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_contract_holds_in_double(name: str) -> None:
    with norms_in_double():
        contract = check(subject_of(name), [question((75, 40)), question((60, 60), 1)])
    assert contract.passed, contract.checks
