"""PaliGemma is asked in its published form, and all positions of its prompt attend to each other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fixtures.flow import IMAGE, LAST, QUESTION, SUFFIX
from fixtures.instruments.contract import check
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable
from suite.support.models.families import BOS
from suite.support.models.pixel_oracle import question
from suite.support.models.refusals import wrap_refusal
from suite.support.models.tiny_paligemma import model, processor


@cache
def subject(pixels: int = 56) -> Subject:
    return wrap(model("gemma", pixels), processor("gemma", pixels))


@pytest.mark.parametrize(("pixels", "tokens"), [(224, 256), (448, 1024)])
def test_published_settings(pixels: int, tokens: int) -> None:
    prompt = subject(pixels).encode(question((640, 480)), picture=False)
    image = prompt.spans[IMAGE]
    assert image.tolist() == list(range(tokens))
    assert subject(pixels).layout((640, 480)).tokens == tokens
    assert {span: prompt.missing[span] for span in subject(pixels).cannot} == subject(pixels).cannot


def test_a_box_lies_in_the_patches_that_its_pixels_are_squashed_to() -> None:
    """640 x 480 becomes 224 x 224: a patch of 14 pixels is 40 of the picture wide and 30 high."""
    layout = subject(224).layout((640, 480))
    assert layout.showing((39, 29, 2, 2)).tolist() == [0, 1, 16, 17]
    assert layout.showing((639, 479, 1, 1)).tolist() == [255]


def test_the_prompt_is_the_published_one() -> None:
    prompt = subject().encode(question((60, 60)))
    assert prompt.text == "<image>answer en Is the shirt black or yellow?"
    read = subject().tokenizer.decode(prompt.input_ids[16:])
    assert read == f"{BOS}answer en Is the shirt black or yellow?\n"
    assert subject().tokenizer.decode(prompt.input_ids[prompt.spans[LAST]]) == "\n"
    assert prompt.missing[SUFFIX] == "the prompt has no answer instruction"
    assert "labels" not in prompt.tensors


def test_a_chat_template_of_its_own_comes_first() -> None:
    with_template = processor()
    with_template.chat_template = (
        "{% for message in messages %}<image>question: {{ message['content'][1]['text'] }}{% endfor %}"
    )
    adapter = wrap(model(), with_template)
    assert adapter.encode(question((60, 60))).text.startswith("<image>question: Is the shirt black or yellow?\nAnswer")


def test_an_answer_stands_behind_the_line_break_of_the_processor() -> None:
    """Its first token is a word's without a space."""
    tokens = subject().answer_tokens("yellow")
    assert tokens is not None
    assert subject().tokenizer.decode([tokens.lowercase]) == subject().tokenizer.decode(
        subject().tokenizer("\nyellow")["input_ids"][1]
    )
    assert not subject().tokenizer.decode([tokens.lowercase]).startswith(" ")


def test_every_position_attends_to_every_other() -> None:
    """What the question says reaches the image's positions, which precede it."""
    import torch

    adapter, streams = subject(), list[torch.Tensor]()
    hook = adapter.decoder_layers[-1].register_forward_hook(lambda *arguments: streams.append(arguments[-1][:, 0]))
    try:
        for text in ("Is the shirt black or yellow?", "Is the shirt yellow or black?"):
            prompt = adapter.encode(replace(question((60, 60)), text=text))
            assert not prompt.tensors["token_type_ids"].any()
            with torch.no_grad():
                adapter.model(**adapter.batch([prompt]))
    finally:
        hook.remove()
    one, other = streams
    assert not torch.equal(one, other)


def test_a_model_that_is_said_to_attend_ahead_and_does_not_fails_the_null_control(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from suite.support.models.families.llava import build

    causal = wrap(*build())
    monkeypatch.setattr(causal, "attends_ahead", True)
    contract = check(causal, [question((60, 60))])
    assert contract.failed == ("null control",)
    assert "moves nothing" in contract.checks["null control"]


def test_settings_that_are_not_handled() -> None:
    assert "goes by 112 pixels a picture's edge and the model by 56" in wrap_refusal(model(), processor("gemma", 112))
    assert "goes by 9 image tokens and the model by 16" in wrap_refusal(model(), processor("gemma", tokens=9))
    sentence = wrap_refusal(model("gemma2", sliding_window=16, query_pre_attn_scalar=8), processor("gemma2"))
    assert "shows a picture in 16 tokens, and some of its layers look back 16 positions" in sentence
    with pytest.raises(ModelUnavailable, match="the paper has no prompt for PaliGemma"):
        wrap(model(), processor(), "paper").encode(question((60, 60)))


def test_the_question_is_found_behind_the_picture() -> None:
    prompt = subject().encode(question((60, 60)))
    assert np.all(np.diff(prompt.spans[QUESTION]) == 1)
    assert prompt.spans[QUESTION][0] > prompt.spans[IMAGE][-1] + 1
