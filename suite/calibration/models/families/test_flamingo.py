"""Idefics and Mllama: the prompts of their authors, the tiles of their processors, and refusals."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fixtures.flow import IMAGE, LAST, OTHER, PADDING, QUESTION, RELATED
from fixtures.instruments.generation import greedy_answers
from fixtures.models import load, wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable, Unaskable
from suite.support.models.families import BOS, EOS, idefics, mllama
from suite.support.models.pixel_oracle import question

GQA_SIZES = [
    (500, 375),
    (375, 500),
    (640, 480),
    (500, 500),
    (1024, 768),
    (300, 1024),
    (2000, 180),
    (90, 60),
    (561, 560),
]
"""Widths and heights in GQA; the last three stand for rare ones."""


@cache
def published() -> Subject:
    """A tiny Mllama with Llama 3.2 Vision's published processor: up to four tiles of 560 pixels in patches of 14."""
    return wrap(*mllama.build(side=560))


# ---- prompts


@pytest.mark.parametrize("instructed", [True, False])
def test_idefics_is_asked_in_the_form_of_its_authors(instructed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    end = "<end_of_utterance>" if instructed else ""
    monkeypatch.setattr(idefics, "ADDED", idefics.ADDED if instructed else (*idefics.ADDED[:2], "<other>"))
    subject = wrap(*idefics.build())
    prompt = subject.encode(question((60, 60)))
    assert subject.tokenizer.decode(prompt.input_ids) == (
        f"{BOS}User:<fake_token_around_image><image><fake_token_around_image>Is the shirt black or yellow?\n"
        f"Answer the question using a single word or phrase.{end}\nAssistant:"
    )
    assert ("<end_of_utterance>" in subject.tokenizer.convert_ids_to_tokens(subject.end_tokens)) == instructed
    assert EOS in subject.tokenizer.convert_ids_to_tokens(subject.end_tokens)


def test_an_end_of_utterance_that_the_model_does_not_embed_is_not_written() -> None:
    model, processor = idefics.build()
    end = processor.tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    model.config.vocab_size, model.config.additional_vocab_size = end, 0
    assert "<end_of_utterance>" not in wrap(model, processor).prompt_text("Is it?")


def test_mllama_is_asked_by_its_chat_template_with_one_first_token() -> None:
    subject = wrap(*mllama.build())
    text = subject.tokenizer.decode(subject.encode(question((60, 60))).input_ids)
    assert text.startswith(f"{BOS}USER: <|image|>\nIs the shirt")
    assert text.count(BOS) == 1


@pytest.mark.parametrize("family", [idefics, mllama])
def test_answers_are_generated_with_the_picture_before_them(family: Any) -> None:
    subject = wrap(*family.build())
    prompts = [subject.encode(question((60, 60), seed)) for seed in range(2)]
    alone = [greedy_answers(subject, [prompt], 4)[0] for prompt in prompts]
    assert greedy_answers(subject, prompts, 4) == alone
    for prompt, answer in zip(prompts, alone, strict=True):
        with torch.inference_mode():
            logits = subject.model(**subject.batch([prompt])).logits[0, -1]
        assert not answer or int(logits.argmax()) == answer[0]


@pytest.mark.parametrize(("family", "token"), [(idefics, "<image>"), (mllama, "<|image|>")])
def test_a_question_that_writes_the_pictures_token_cannot_be_asked(family: Any, token: str) -> None:
    with pytest.raises(Unaskable, match="not once"):
        wrap(*family.build()).encode(question((60, 60), text=f"Is {token} a dog?"))


@pytest.mark.parametrize("family", [idefics, mllama])
def test_the_paper_has_no_prompt_for_them(family: Any) -> None:
    with pytest.raises(ModelUnavailable, match="use --prompt chat"):
        wrap(*family.build(), prompt="paper").encode(question((60, 60)))


# ---- tiles, at the published settings


@pytest.mark.parametrize("size", GQA_SIZES)
def test_mllamas_features_are_where_its_processor_puts_the_picture(size: tuple[int, int]) -> None:
    """In a white picture the padding is exactly the patches that are black all over."""
    subject = published()
    layout = subject.layout(size)
    tensors = subject.processor.image_processor(Image.new("RGB", size, (255, 255, 255)), return_tensors="pt")
    pixels = tensors["pixel_values"][0, 0]  # [tiles, channels, height, width]
    patches = pixels.unfold(2, 14, 14).unfold(3, 14, 14).amax(dim=(1, 4, 5)).flatten(1)  # [tiles, patches]
    empty = patches <= 0  # normalised, black is below it, and unused tiles are zeros
    tiles = int(tensors["aspect_ratio_mask"].sum())
    behind_class_tokens = np.flatnonzero(torch.nn.functional.pad(empty[:tiles], (1, 0)).numpy())
    assert layout.padding.tolist() == behind_class_tokens.tolist()
    assert layout.tokens == tiles * (40 * 40 + 1)
    assert empty[tiles:].all()


def test_mllamas_prompt_at_the_published_settings() -> None:
    prompt = published().encode(question((640, 480)), picture=False)
    assert prompt.features == 4 * 1601
    assert prompt.spans[IMAGE].tolist() == list(range(-4 * 1601, -2 * 1601))
    assert 0 <= prompt.spans[QUESTION].min() < prompt.spans[LAST].max() == len(prompt.input_ids) - 1
    # 640 x 480 stands unscaled in 2 x 1 tiles; its box from (320, 120), 160 x 120, in the first and the second.
    related = prompt.spans[RELATED] + prompt.features
    first, second = related[related < 1601] - 1, related[related >= 1601] - 1602
    assert {place // 40 for place in [*first, *second]} == set(range(120 // 14, -(-240 // 14)))
    assert {place % 40 for place in first} == set(range(320 // 14, -(-480 // 14)))
    assert not second.size
    assert not set(prompt.spans[RELATED]) & set(prompt.spans[OTHER])
    assert set(prompt.spans[PADDING]) <= set(prompt.spans[OTHER])


def test_a_picture_of_another_size_is_tiled_otherwise_and_has_as_many_features() -> None:
    subject = wrap(*mllama.build())
    wide, tall = (subject.encode(question(size)) for size in ((112, 56), (56, 112)))
    assert wide.features == tall.features == 4 * 17
    assert wide.tensors["aspect_ratio_ids"].tolist() != tall.tensors["aspect_ratio_ids"].tolist()
    assert subject.batch([wide, tall])["pixel_values"].shape[0] == 2


# ---- loading, and what is refused


@pytest.mark.parametrize(("family", "kind"), [(idefics, "Idefics"), (mllama, "Mllama")])
def test_a_saved_model_is_loaded_with_its_adapter(family: Any, kind: str, tmp_path: Path) -> None:
    model, processor = family.build()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    subject, own = load(str(tmp_path), "cpu"), wrap(model, processor)
    assert type(subject).__name__ == type(own).__name__ == kind
    prompts = [each.encode(question((75, 40))) for each in (subject, own)]
    assert prompts[0].input_ids.tolist() == prompts[1].input_ids.tolist()
    with torch.inference_mode():
        logits = [each.model(**each.batch([one])).logits for each, one in zip((subject, own), prompts, strict=True)]
    torch.testing.assert_close(*logits)


def smaller_pictures(_model: Any, processor: Any) -> None:
    processor.image_processor = copy.copy(processor.image_processor)
    processor.image_processor.size = {"height": 14, "width": 14}


def fewer_tiles(_model: Any, processor: Any) -> None:
    processor.image_processor.max_image_tiles = 2


def other_arrangements(model: Any, _processor: Any) -> None:
    model.config.vision_config.supported_aspect_ratios = [[1, 1], [2, 2]]


def other_layers(model: Any, _processor: Any) -> None:
    model.config.text_config.cross_attention_layers = [0, 3]


def a_block_less(model: Any, _processor: Any) -> None:
    model.model.gated_cross_attn_layers = model.model.gated_cross_attn_layers[:1]


def another_configuration(model: Any, _processor: Any) -> None:
    model.model.gated_cross_attn_layers[1].cross_attn.config = copy.deepcopy(model.config)


def no_token(_model: Any, processor: Any) -> None:
    processor.image_token_id = None


def a_token_beyond(model: Any, _processor: Any) -> None:
    model.config.vocab_size = 1


def another_token(model: Any, _processor: Any) -> None:
    model.config.image_token_index = 7


@pytest.mark.parametrize(
    ("family", "spoil", "says"),
    [
        (mllama, smaller_pictures, "makes tiles of 14 pixels and its encoder takes 56"),
        (mllama, fewer_tiles, "makes up to 2 tiles and its encoder takes 4"),
        (mllama, other_arrangements, r"tiles side by side as .* takes \[\(1, 1\), \(2, 2\)\]"),
        (mllama, other_layers, r"reads the picture in layers \[1, 3\], and its configuration says \[0, 3\]"),
        (mllama, another_token, r"writes the image token \d+ and the model replaces 7"),
        (idefics, smaller_pictures, r"makes pictures of \(14, 14\) pixels and its encoder takes \(28, 28\)"),
        (idefics, a_block_less, "has 1 blocks that read the picture, and one before every 2 of its 4 layers are 2"),
        (idefics, another_configuration, r"the cross-attention at layers \[2\] .* does not go by the decoder's"),
        (idefics, no_token, "has the token None for <image>"),
        (idefics, a_token_beyond, r"has the token \d+ for <image>, and the model embeds 4"),
    ],
)
def test_what_does_not_belong_together_is_refused(family: Any, spoil: Callable[[Any, Any], None], says: str) -> None:
    model, processor = family.build()
    spoil(model, processor)
    with pytest.raises(ModelUnavailable, match=says):
        wrap(model, processor)


def test_a_prompt_whose_tokens_do_not_hold_the_pictures_is_refused() -> None:
    subject = wrap(*mllama.build())
    subject.image_token_id = 499
    with pytest.raises(ModelUnavailable, match="writes the picture's token 0 times"):
        subject.encode(question((60, 60)))
