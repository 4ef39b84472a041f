"""A prompt writes the question once and goes on with the answer's own tokens, or it is unaskable."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.flow import IMAGE, QUESTION
from fixtures.models import wrap
from fixtures.models.errors import ModelUnavailable, Unaskable
from fixtures.models.prompt_texts import INSTRUCTION, VICUNA_SYSTEM, PromptText, Style, chat, vicuna, with_answer
from fixtures.question import PictureMissing
from suite.support.models import tiny_llava
from suite.support.models.tiny_llava_prompts import SHIRT, STYLES, read, subject, with_picture

# Prompts


def test_the_papers_prompt() -> None:
    text = vicuna("What is it?", "<image>")
    assert text == (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
        "helpful, detailed, and polite answers to the user's questions. USER: <image>\nWhat is it? \n"
        "Answer the question using a single word or phrase. ASSISTANT:"
    )
    prompt_text = PromptText.of(text, "What is it?")
    assert text[slice(*prompt_text.question)] == "What is it?"
    assert prompt_text.instruction is not None
    assert text[slice(*prompt_text.instruction)] == INSTRUCTION


def test_the_chat_template_is_given_the_instruction_once() -> None:
    def plain(messages: list[dict[str, Any]]) -> str:
        return f"<image>{messages[0]['content'][1]['text']} A:"

    def instructing(messages: list[dict[str, Any]]) -> str:
        return f"<image>{messages[0]['content'][1]['text']}\n{INSTRUCTION} A:"

    assert chat("Is it?", plain) == chat("Is it?", instructing) == f"<image>Is it?\n{INSTRUCTION} A:"


def test_a_picture_behind_the_question_moves_nothing() -> None:
    behind = (
        "{% for part in messages[0]['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
        "{% endfor %}<image> ASSISTANT:"
    )
    adapter = wrap(tiny_llava.model(), tiny_llava.processor(template=behind))
    prompt = adapter.encode(SHIRT, picture=False)
    assert read(prompt, QUESTION, adapter).strip() == SHIRT.text
    assert prompt.spans[QUESTION][-1] < prompt.spans[IMAGE][0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the prompt does not write the question once"),
        ("USER", "the prompt does not write the question once"),
        ("Is <image> red?", "the prompt has not one place for the picture"),
    ],
)
@pytest.mark.parametrize("style", STYLES)
def test_a_question_that_the_prompt_cannot_hold_is_unaskable(text: str, reason: str, style: Style) -> None:
    with pytest.raises(Unaskable) as error:
        subject(style).encode(replace(SHIRT, text=text), picture=False)
    assert error.value.reason == reason
    assert "drop the question" in str(error.value)


def test_a_template_that_rewrites_the_question_is_unaskable() -> None:
    shouting = tiny_llava.CHAT_TEMPLATE.replace("part['text']", "part['text'] | upper")
    adapter = wrap(tiny_llava.model(), tiny_llava.processor(template=shouting), "chat")
    with pytest.raises(Unaskable, match="0 times") as error:
        adapter.encode(SHIRT, picture=False)
    assert error.value.reason == "the prompt does not write the question once"


def test_a_tokenizer_that_rewrites_the_question_is_unaskable() -> None:
    from tokenizers import normalizers

    words = copy.deepcopy(tiny_llava.tokenizer())
    words.backend_tokenizer.normalizer = normalizers.Lowercase()
    adapter = wrap(tiny_llava.model(words), tiny_llava.processor(words), "chat")
    with pytest.raises(Unaskable, match="is the shirt black") as error:
        adapter.encode(SHIRT, picture=False)
    assert error.value.reason == "the question's tokens do not read as the question"


def test_pictures_that_are_absent_or_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(PictureMissing):
        subject().encode(SHIRT)
    with pytest.raises(Unaskable, match="56 x 56 pixels and its boxes lie in 112 x 56") as error:
        subject().encode(with_picture(SHIRT, tmp_path, size=(56, 56)))
    assert error.value.reason == "the picture has another size than its boxes"


def test_a_chat_prompt_needs_a_template() -> None:
    with pytest.raises(ModelUnavailable, match="no usable chat template"):
        wrap(tiny_llava.model(), tiny_llava.processor(template=None), "chat").encode(SHIRT, picture=False)
    assert (
        VICUNA_SYSTEM
        in wrap(tiny_llava.model(), tiny_llava.processor(template=None), "paper").encode(SHIRT, False).text
    )


# Answers


def test_answer_tokens_are_what_the_prompt_goes_on_with() -> None:
    adapter = subject()
    for word in ("yellow", "left", "dog"):
        tokens = adapter.answer_tokens(word)
        assert tokens is not None
        assert adapter.tokenizer.decode([tokens.lowercase]) in f" {word}"
        assert adapter.tokenizer.decode([tokens.capitalized]) in f" {word.capitalize()}"
        # PromptText after a real prompt, image tokens and all, the answer begins with the same ids.
        prompt = adapter.encode(SHIRT, picture=False)
        for form, first in ((word, tokens.lowercase), (word.capitalize(), tokens.capitalized)):
            text = with_answer(prompt.text.replace("<image>", "<image>" * 16), form)
            assert adapter.tokenizer(text)["input_ids"][len(prompt.input_ids)] == first
    assert adapter.answer_tokens("Yellow") == adapter.answer_tokens("yellow")


def test_no_answer_tokens_where_both_forms_begin_alike() -> None:
    assert subject().answer_tokens("2 dogs") is None


def test_an_answer_behind_a_line_break_has_no_space() -> None:
    template = tiny_llava.CHAT_TEMPLATE.replace(" ASSISTANT:", "{{ '\\n' }}")
    adapter = wrap(tiny_llava.model(), tiny_llava.processor(template=template), "chat")
    tokens = adapter.answer_tokens("yellow")
    assert tokens is not None
    assert not adapter.tokenizer.decode([tokens.lowercase]).startswith(" ")


def test_decoding_and_ends() -> None:
    ids = subject().tokenizer(" Yellow</s>")["input_ids"]
    assert subject().decode(ids).strip() == "Yellow"
    assert ids[-1] in subject().end_tokens
    several = tiny_llava.model()
    several.generation_config.eos_token_id = [5, 6]
    assert wrap(several, tiny_llava.processor()).end_tokens == {5, 6, ids[-1]}
