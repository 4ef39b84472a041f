"""The LLaVA adapter's spans hold exactly the positions that their names say, on transformers' own classes."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.flow import (
    FALSE_OPTION,
    IMAGE,
    LAST,
    OBJECTS,
    OPTIONS,
    OTHER,
    PADDING,
    QUESTION,
    RANDOM,
    RELATED,
    SPANS,
    SUFFIX,
    TRUE_OPTION,
    UNOPTIONED,
    Span,
)
from fixtures.models import wrap
from fixtures.models.errors import ModelUnavailable
from fixtures.models.prompt_texts import INSTRUCTION, Style
from fixtures.question import Object
from suite.support.models import tiny_llava
from suite.support.models.tiny_llava_prompts import SHIRT, STYLES, UNTILED, read, subject, with_picture

REGIONS = {RELATED, OTHER, RANDOM}

# Spans


@pytest.mark.parametrize("style", STYLES)
def test_spans_read_as_what_they_name(style: Style) -> None:
    adapter = subject(style)
    prompt = adapter.encode(SHIRT, picture=False)
    assert read(prompt, QUESTION).strip() == SHIRT.text
    assert read(prompt, SUFFIX).strip() == INSTRUCTION
    assert read(prompt, OBJECTS).strip() == "shirt"
    assert read(prompt, TRUE_OPTION).strip() == "yellow"
    assert read(prompt, FALSE_OPTION).strip() == "black"
    assert read(prompt, IMAGE) == "<image>" * 16
    assert read(prompt, LAST) == ":"
    assert prompt.spans[LAST].tolist() == [len(prompt.input_ids) - 1]
    assert set(prompt.spans) | set(prompt.missing) == set(SPANS.values())
    assert not set(prompt.spans) & set(prompt.missing)
    for positions in prompt.spans.values():
        assert positions.dtype == np.int64
        assert positions.size
        assert (np.diff(positions) > 0).all()


def test_related_and_other_part_the_image() -> None:
    first = subject("paper").encode(SHIRT, picture=False)
    image = first.spans[IMAGE]
    # 112 x 56 pixels padded to 112 x 112, halved to 4 x 4 patches: the box is (30, 19) to (40, 34).
    assert (first.spans[RELATED] - image[0]).tolist() == [6, 10]
    assert (first.spans[PADDING] - image[0]).tolist() == [0, 1, 2, 3, 12, 13, 14, 15]
    assert set(first.spans[PADDING]) <= set(first.spans[OTHER])
    assert sorted([*first.spans[RELATED], *first.spans[OTHER]]) == image.tolist()
    both = replace(SHIRT, objects=(*SHIRT.objects, Object("shirt", (0, 0, 10, 10))))
    assert (subject("paper").encode(both, picture=False).spans[RELATED] - image[0]).tolist() == [4, 6, 10]


def test_options_and_patches_drawn_at_random() -> None:
    prompt = subject("paper").encode(SHIRT, picture=False)
    assert read(prompt, OPTIONS).split() == ["black", "yellow"]
    assert sorted([*prompt.spans[OPTIONS], *prompt.spans[UNOPTIONED]]) == prompt.spans[QUESTION].tolist()
    assert set(prompt.spans[RANDOM]) <= set(prompt.spans[OTHER])
    assert len(prompt.spans[RANDOM]) == len(prompt.spans[RELATED]) == 2
    choices = {
        tuple(subject("paper").encode(replace(SHIRT, id=str(seed)), picture=False).spans[RANDOM]) for seed in range(20)
    }
    assert len(choices) > 10, "each question draws its own"
    assert tuple(prompt.spans[RANDOM]) == tuple(subject("paper").encode(SHIRT, picture=False).spans[RANDOM])
    wide = replace(SHIRT, objects=(Object("shirt", (0, 0, 70, 56)),))
    assert "fewer other patches" in subject("chat").encode(wide, picture=False).missing[RANDOM]


def test_the_crop_moves_and_loses_boxes() -> None:
    prompt = subject("chat").encode(SHIRT, picture=False)
    # The middle 56 x 56 of 112 x 56 pixels: the box is (32, 10) to (52, 40).
    assert (prompt.spans[RELATED] - prompt.spans[IMAGE][0]).tolist() == [2, 3, 6, 7, 10, 11]
    assert prompt.missing == subject("chat").cannot
    assert prompt.missing[PADDING] == "the picture is not padded"
    outside = replace(SHIRT, objects=(Object("shirt", (0, 0, 20, 56)),))
    missing = subject("chat").encode(outside, picture=False).missing
    assert missing[RELATED] == missing[OTHER] == "a box lands on no patch"
    assert subject("paper").encode(outside, picture=False).spans[RELATED].size
    half_outside = replace(SHIRT, objects=(*SHIRT.objects, *outside.objects))
    assert RELATED in subject("chat").encode(half_outside, picture=False).missing


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"objects": ()}, {*REGIONS, OBJECTS}),
        ({"objects": (Object("shirt", None),)}, REGIONS),
        ({"objects": (Object("telephone", (60, 10, 9, 9)),)}, {OBJECTS}),
        ({"objects": (Object("shirts", (60, 10, 9, 9)),)}, set()),
        ({"objects": (Object("shirt", (0, 0, 112, 56)),)}, REGIONS),
        ({"true_option": None, "false_option": None}, {TRUE_OPTION, FALSE_OPTION, OPTIONS, UNOPTIONED}),
        ({"true_option": "red"}, {TRUE_OPTION, OPTIONS, UNOPTIONED}),
    ],
)
def test_what_cannot_be_had_is_missing_with_a_reason(change: dict[str, Any], missing: set[Span]) -> None:
    prompt = subject("chat").encode(replace(SHIRT, **change), picture=False)
    assert set(prompt.missing) == missing | {PADDING} | UNTILED
    assert all(reason and "shirt" not in reason for reason in prompt.missing.values()), "reasons are counted alike"


def test_words_are_whole_in_the_prompt_too() -> None:
    question = replace(
        SHIRT,
        text="What hat is by the telephone, the dogs or the phone?",
        objects=(Object("hat", None), Object("dog", None)),
    )
    case = replace(question, true_option="phone", false_option="dogs")
    prompt = subject().encode(case, picture=False)
    assert read(prompt, OBJECTS).split() == ["hat", "dogs"]
    assert read(prompt, TRUE_OPTION).strip() == "phone"
    assert read(prompt, QUESTION).strip() == question.text


def test_a_class_token_is_image_but_no_patch() -> None:
    """With the whole of CLIP's features ("full"), 17 tokens hold 16 patches: the first is the class token."""
    full: dict[str, Any] = {"vision_feature_select_strategy": "full"}
    adapter = wrap(tiny_llava.model(**full), tiny_llava.processor(**full), "chat")
    plain, whole = subject().encode(SHIRT, picture=False), adapter.encode(SHIRT, picture=False)
    assert len(whole.spans[IMAGE]) == 17
    assert (whole.spans[RELATED] - plain.spans[RELATED] == 1).all()
    assert whole.spans[IMAGE][0] in whole.spans[OTHER]


# Tensors


@pytest.mark.parametrize("style", STYLES)
def test_a_prompt_without_its_picture_has_the_same_ids_and_spans(style: Style, tmp_path: Path) -> None:
    question = with_picture(SHIRT, tmp_path)
    whole, without_picture = subject(style).encode(question), subject(style).encode(SHIRT, picture=False)
    assert whole.input_ids.tolist() == without_picture.input_ids.tolist()
    assert whole.missing == without_picture.missing
    assert {span: places.tolist() for span, places in whole.spans.items()} == {
        span: places.tolist() for span, places in without_picture.spans.items()
    }
    assert set(whole.tensors) - set(without_picture.tensors) == {"pixel_values"}
    assert whole.tensors["pixel_values"].shape == (1, 3, 56, 56)


def test_tensors_are_what_the_model_takes(tmp_path: Path) -> None:
    import torch

    question = with_picture(SHIRT, tmp_path)
    adapter = subject()
    prompts = [adapter.encode(question), adapter.encode(replace(question, text="Is the shirt yellow or black?"))]
    batch = adapter.batch(prompts)
    with torch.no_grad():
        together = adapter.model(**batch).logits
        apart = [adapter.model(**prompt.tensors).logits[0] for prompt in prompts]
    assert together.shape[:2] == (2, len(prompts[0].input_ids))
    torch.testing.assert_close(together, torch.stack(apart))
    stock = adapter.processor(images=question.image, text=prompts[0].text, return_tensors="pt")
    torch.testing.assert_close(prompts[0].tensors["pixel_values"], stock["pixel_values"], rtol=0, atol=0)
    assert prompts[0].input_ids.tolist() == stock["input_ids"][0].tolist()


def test_a_batch_holds_prompts_alike(tmp_path: Path) -> None:
    question = with_picture(SHIRT, tmp_path)
    longer = replace(question, text="Is the yellow shirt black or yellow?")
    with pytest.raises(ValueError, match="one length"):
        subject().batch([subject().encode(question), subject().encode(longer)])
    with pytest.raises(ValueError, match="same tensors"):
        subject().batch([subject().encode(question), subject().encode(question, picture=False)])


def test_the_paper_pads_with_the_mean_color(tmp_path: Path) -> None:
    question = with_picture(SHIRT, tmp_path)
    images = subject("paper").processor.image_processor
    pixels = subject("paper").encode(question).tensors["pixel_values"][0].numpy()
    mean, deviation = (np.array(values)[:, None, None] for values in (images.image_mean, images.image_std))
    colors = np.round((pixels * deviation + mean) * 255)
    assert (colors[:, :12] == np.array([122, 116, 104])[:, None, None]).all()
    assert (colors[:, -12:] == np.array([122, 116, 104])[:, None, None]).all()
    assert not (colors[:, 20:36] == np.array([122, 116, 104])[:, None, None]).all(axis=0).any()


def test_pixels_take_the_models_dtype(tmp_path: Path) -> None:
    import torch

    adapter = wrap(tiny_llava.model().to(torch.bfloat16), tiny_llava.processor(), "chat")
    prompt = adapter.encode(with_picture(SHIRT, tmp_path))
    assert prompt.tensors["pixel_values"].dtype == adapter.dtype == torch.bfloat16
    assert prompt.tensors["input_ids"].dtype == torch.int64


# The model's own modules


def test_the_decoder_is_the_models_own() -> None:
    import torch

    adapter = subject()
    decoder: Any = adapter.model.model.language_model
    assert list(adapter.decoder_layers) == list(decoder.layers)
    assert adapter.layers == 3
    assert adapter.final_norm is decoder.norm
    assert adapter.unembed is adapter.model.lm_head
    assert adapter.decoder_config is decoder.config is decoder.layers[0].self_attn.config
    with torch.no_grad():
        prompt = adapter.encode(SHIRT, picture=False).tensors
        output = adapter.model(**prompt, output_hidden_states=True)
        torch.testing.assert_close(adapter.unembed(output.hidden_states[-1]), output.logits)


def test_a_model_that_is_not_whole_is_refused() -> None:
    short_model = tiny_llava.model()
    short_model.model.language_model.layers = short_model.model.language_model.layers[:2]
    with pytest.raises(ModelUnavailable, match="2 layers, and its configuration says 3"):
        wrap(short_model, tiny_llava.processor())
    strange_model = tiny_llava.model()
    strange_model.model.language_model.layers[1].self_attn.config = copy.deepcopy(strange_model.config.text_config)
    with pytest.raises(ModelUnavailable, match=r"layers \[1\] of .* cannot be hooked"):
        wrap(strange_model, tiny_llava.processor())


def test_a_processor_of_another_model_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="writes 17 image tokens and the model packs 16"):
        wrap(tiny_llava.model(), tiny_llava.processor(num_additional_image_tokens=2)).encode(SHIRT, picture=False)
    with pytest.raises(ModelUnavailable, match="writes 0 image tokens and the model packs 16"):
        wrap(tiny_llava.model(), tiny_llava.processor(num_additional_image_tokens=-15)).encode(SHIRT, picture=False)
    with pytest.raises(ModelUnavailable, match="patches of 7 pixels and its encoder has patches of 14"):
        wrap(tiny_llava.model(), tiny_llava.processor(patch=7))
    with pytest.raises(ModelUnavailable, match="patches of None pixels"):
        wrap(tiny_llava.model(), tiny_llava.processor(patch=None))
    other = tiny_llava.model()
    other.config.image_token_id = 7
    with pytest.raises(ModelUnavailable, match="image token 3 and the model replaces 7"):
        wrap(other, tiny_llava.processor())
