"""Every adapter keeps the contract on tiny models of its true classes, and patches are where the model sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, SEPARATOR, SPANS, SUFFIX
from fixtures.instruments.contract import check
from fixtures.instruments.forward import distribution, inputs, last_logits
from fixtures.instruments.generation import greedy_answers
from fixtures.models import wrap
from fixtures.models.errors import ModelUnavailable
from fixtures.models.prompt_texts import INSTRUCTION, Style
from suite.support.models.families import Family, families, subject
from suite.support.models.pixel_oracle import (
    boxes,
    changed,
    question,
    require_patches_where_they_are_seen,
    require_tiles_in_any_order,
    tiled,
)

FAMILIES = families()
EVERY = [(name, style) for name, family in FAMILIES.items() for style in family.styles]
WITH_REGIONS = [name for name, family in FAMILIES.items() if family.regions]
WITHOUT_REGIONS = [name for name, family in FAMILIES.items() if not family.regions]


def family(name: str) -> Family:
    return FAMILIES[name]


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_the_contract(name: str, style: Style) -> None:
    cases = [question(size, seed) for seed, size in enumerate(family(name).sizes)]
    contract = check(subject(name, style), cases)
    assert contract.passed, {name_of_check: contract.checks[name_of_check] for name_of_check in contract.failed}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_contract_in_float64(name: str) -> None:
    """Both engines, and the model's own forward, to nine digits; a softmax that rounds is measured and named."""
    model, processor = FAMILIES[name].build()
    if name == "qwen3_vl_moe":
        model.set_experts_implementation("eager")  # torch groups products of experts up to float32 alone
    adapter = wrap(model.double(), processor, FAMILIES[name].styles[0])
    contract = check(adapter, [question(family(name).sizes[0])])
    assert contract.passed, {name_of_check: contract.checks[name_of_check] for name_of_check in contract.failed}
    says = "the model's own attention takes its softmax in float32"
    assert (says in contract.checks["identity"]) == (adapter.decoder_config._attn_implementation == "eager")


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_spans_read_as_what_they_name(name: str, style: Style) -> None:
    adapter = subject(name, style)
    for size in family(name).sizes:
        prompt = adapter.encode(question(size))

        def read(span: Any, prompt: Any = prompt) -> str:
            return adapter.tokenizer.decode(prompt.input_ids[prompt.spans[span]])

        assert read(QUESTION).strip() == "Is the shirt black or yellow?"
        assert INSTRUCTION in read(SUFFIX) if family(name).instructed else SUFFIX in prompt.missing
        assert prompt.spans[LAST].tolist() == [len(prompt.input_ids) - 1]
        assert set(prompt.spans) | set(prompt.missing) == set(SPANS.values())
        assert not set(prompt.spans) & set(prompt.missing)
        image = prompt.spans[IMAGE]
        assert image.tolist() == list(range(image[0], image[-1] + 1))
        placeholders = set(np.flatnonzero(prompt.input_ids == adapter.image_token_id))
        if prompt.features:  # one token stands for them, and cross-attention reads them apart from the prompt
            assert len(placeholders) == 1
            assert image.tolist() == list(range(-prompt.features, len(image) - prompt.features))
        else:
            assert placeholders <= set(image)
        if family(name).regions:
            related, other = set(prompt.spans[RELATED]), set(prompt.spans[OTHER])
            separators = set(prompt.spans.get(SEPARATOR, ()))
            assert related | other | separators == set(image)
            assert len(related) + len(other) + len(separators) == len(image)


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_a_prompt_without_its_picture_has_the_same_ids_and_spans(name: str, style: Style) -> None:
    for size in family(name).sizes:
        with_picture, without_picture = (
            subject(name, style).encode(question(size), picture) for picture in (True, False)
        )
        assert with_picture.input_ids.tolist() == without_picture.input_ids.tolist()
        assert with_picture.missing == without_picture.missing
        assert all((with_picture.spans[span] == without_picture.spans[span]).all() for span in with_picture.spans)
        assert not [key for key in without_picture.tensors if key.startswith("pixel")]


@pytest.mark.parametrize("name", [name for name, style in EVERY if style == "chat"])
def test_a_chat_prompt_has_the_ids_that_the_processor_gives_the_conversation(name: str) -> None:
    adapter, one = subject(name, "chat"), question(family(name).sizes[0])
    if adapter.processor.chat_template is None:
        pytest.skip("its processor has no chat template")
    parts = [{"type": "image", "image": one.image}, {"type": "text", "text": f"{one.text}\n{INSTRUCTION}"}]
    tensors = adapter.processor.apply_chat_template(
        [{"role": "user", "content": parts}], add_generation_prompt=True, tokenize=True, return_dict=True
    )
    assert adapter.encode(one).input_ids.tolist() == [int(token) for token in tensors["input_ids"][0]]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_question_alone_and_in_a_batch(name: str) -> None:
    """Questions of one size and length run together, each as it runs alone."""
    adapter, size = subject(name), family(name).sizes[0]
    prompts = [adapter.encode(question(size, seed)) for seed in range(3)]
    with torch.inference_mode():
        together = distribution(adapter, prompts, last_logits(adapter, inputs(adapter, prompts)))
        alone = [distribution(adapter, [one], last_logits(adapter, inputs(adapter, [one])))[0] for one in prompts]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-6)
    assert len({tuple(row.tolist()) for row in together}) == 3, "the picture makes no difference"


@pytest.mark.parametrize("name", FAMILIES)
def test_what_it_says_begins_with_its_most_probable_token(name: str) -> None:
    """Generation, which is transformers', sees the prompt as the instruments do."""
    adapter = subject(name)
    prompts = [adapter.encode(question(size, seed)) for seed, size in enumerate(family(name).sizes)]
    for prompt, (answer, *_) in zip(prompts, greedy_answers(adapter, prompts, longest=2), strict=True):
        with torch.inference_mode():
            assert answer == last_logits(adapter, dict(adapter.batch([prompt])))[0].argmax()


@pytest.mark.parametrize("name", FAMILIES)
def test_an_answer_given_so_far_goes_on_as_it_was_generated(name: str) -> None:
    """Its tokens after the prompt, read at once, lead to the token that generation came to one by one."""
    adapter = subject(name)
    prompt = adapter.encode(question(family(name).sizes[0]))
    (answer,) = greedy_answers(adapter, [prompt], longest=4)
    with torch.inference_mode():
        for count in range(1, len(answer)):
            continuation = adapter.answering(prompt, answer[:count])
            assert (
                continuation.spans[LAST].tolist()
                == [len(continuation.input_ids) - 1]
                == [len(prompt.input_ids) + count - 1]
            )
            logits = last_logits(adapter, inputs(adapter, [continuation]))
            assert int(logits.argmax()) == answer[count]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_processor_that_writes_another_number_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = subject(name)
    true = adapter.layout
    monkeypatch.setattr(adapter, "layout", lambda size: replace(true(size), tokens=true(size).tokens + 1))
    with pytest.raises(ModelUnavailable, match=r"writes \d+ image tokens and the model packs \d+"):
        adapter.encode(question(family(name).sizes[0]), picture=False)


@pytest.mark.parametrize("name", WITHOUT_REGIONS)
def test_a_family_without_regions_says_why(name: str) -> None:
    prompt = subject(name).encode(question(family(name).sizes[0]))
    assert RELATED not in prompt.spans
    assert prompt.missing[RELATED] == prompt.missing[OTHER] == subject(name).cannot[RELATED] != ""


@pytest.mark.parametrize("name", FAMILIES)
def test_what_each_layer_attends_to(name: str) -> None:
    """The configuration and the layer agree: only a layer of sliding windows is closed to the far past."""
    adapter = subject(name)
    assert len(adapter.attention) == adapter.layers
    assert set(adapter.attention) <= {"full", "sliding", "full and picture", "picture"}
    reads = [index for index, kind in enumerate(adapter.attention) if "picture" in kind]
    assert reads == sorted(adapter.cross_attention.crossings)


def test_windows_and_pictures_by_layer() -> None:
    assert subject("gemma3").attention.count("sliding") > 0
    assert subject("mllama").attention.count("picture") > 0
    assert subject("idefics").attention.count("full and picture") > 0
    assert set(subject("llava").attention) == {"full"}


# Where a patch is seen: an oracle that shares no code with the layouts


@pytest.mark.parametrize("name", WITH_REGIONS)
def test_patches_are_where_they_are_seen(name: str) -> None:
    for size in family(name).sizes:
        require_patches_where_they_are_seen(subject(name), size, boxes(size))


@pytest.mark.parametrize(
    "name", ["llava_next", "llava_next_mistral", "llava_onevision", "internvl", "idefics3", "smolvlm"]
)
def test_tiles_in_any_order(name: str) -> None:
    sizes = [size for size in family(name).sizes if tiled(subject(name), size)]
    assert sizes
    for size in sizes:
        require_tiles_in_any_order(subject(name), size, rounding=1e-4)


def test_whose_pictures_go_in_tiles_to_the_prompt() -> None:
    tiled_families = {name for name in WITH_REGIONS for size in family(name).sizes if tiled(subject(name), size)}
    assert tiled_families == {"llava_next", "llava_next_mistral", "llava_onevision", "internvl", "idefics3", "smolvlm"}


@pytest.mark.parametrize("name", WITH_REGIONS)
def test_padding_and_separators_show_nothing(name: str) -> None:
    """Whatever the picture holds, they look the same."""
    for size in family(name).sizes:
        layout = subject(name).layout(size)
        (everywhere,) = changed(subject(name), Image.Resampling.NEAREST, size, (0, 0, *size))
        assert not everywhere & {*layout.padding.tolist(), *layout.separators.tolist()}
        assert everywhere | {*layout.padding.tolist(), *layout.separators.tolist()} <= set(range(layout.tokens))
        of_no_place = layout.padding.size + layout.separators.size + len(layout.tiles) * family(name).class_tokens
        assert layout.showing((0, 0, *size)).size + of_no_place == layout.tokens


def test_a_model_that_numbers_its_tiles_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = subject("internvl")
    size = next(size for size in family("internvl").sizes if tiled(adapter, size))
    own = adapter.image_features

    def number_tiles(tensors: Any) -> Any:
        (features,) = own(tensors)
        return [features + torch.arange(len(features)).reshape(-1, *[1] * (features.dim() - 1)) / 10]

    monkeypatch.setattr(adapter, "image_features", number_tiles)
    with pytest.raises(AssertionError, match="not close"):
        require_tiles_in_any_order(adapter, size, rounding=1e-4)
