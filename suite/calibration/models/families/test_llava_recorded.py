"""Prompt, patches and answers agree with those that others recorded from the real LLaVA-1.5-7b."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fixtures.flow import IMAGE, LAST, OTHER, PADDING, QUESTION, RELATED
from fixtures.models import wrap
from fixtures.models.errors import Unaskable
from fixtures.question import Box, Object, Question
from suite.support.models import tiny_llava
from suite.support.models.tiny_llava_prompts import SHIRT, UNTILED
from suite.support.repository import SHARED

if TYPE_CHECKING:
    from fixtures.models.base import Subject

REFERENCE = SHARED / "reference" / "llava-1.5-7b_gqa_07302654.json"
LLAMA = SHARED / "tokenizers" / "llama2"
needs_reference = pytest.mark.skipif(
    not (REFERENCE.is_file() and LLAMA.is_dir()), reason="the recorded prompt of LLaVA-1.5-7b is not here"
)


def recordings() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


@cache
def llava_1_5() -> Subject:
    """LLaVA-1.5's tokenizer, processor settings and 336/14 grid around a random tiny decoder."""
    from transformers import PreTrainedTokenizerFast

    words = PreTrainedTokenizerFast.from_pretrained(LLAMA)
    return wrap(
        tiny_llava.model(words, pixels=336, patch=14),
        tiny_llava.processor(words, pixels=336, patch=14),
        "paper",
    )


def recorded_question() -> Question:
    record = recordings()
    x, y, w, h = record["bbox_xywh"]
    return replace(
        SHIRT,
        id=record["question_id"],
        image_id=record["image_id"],
        text=record["question"],
        objects=(Object("shirt", (x, y, w, h)),),
        image_size=tuple(record["image_size"]),
    )


@needs_reference
def test_the_recorded_prompt_position_by_position() -> None:
    record = recordings()
    prompt = llava_1_5().encode(recorded_question(), picture=False)
    assert prompt.text == record["prompt"]
    assert len(prompt.input_ids) == record["input_token_count"] == 638
    assert prompt.spans[IMAGE].tolist() == list(range(*record["positions"]["image"])) == list(range(35, 611))
    assert prompt.spans[QUESTION].tolist() == list(range(*record["positions"]["question"])) == list(range(613, 621))
    assert prompt.spans[LAST].tolist() == [record["positions"]["last"]] == [637]
    assert prompt.input_ids[-1] == record["last_token_id"] == 29901
    assert prompt.spans[RELATED].tolist() == record["related_patch_positions"]
    assert len(prompt.spans[OTHER]) == 576 - 20
    # 83 and 84 padded rows of 500 are 55.8 and 56.4 of 336 pixels: 3 whole rows of patches above, 4 below.
    assert len(prompt.spans[PADDING]) == 7 * 24
    assert set(prompt.missing) == UNTILED


@needs_reference
def test_the_answers_that_the_real_model_gave() -> None:
    """It said "Yellow" as ▁Y, ellow, </s>: ids 612, 4743, 2."""
    record = recordings()
    tokens = llava_1_5().answer_tokens(record["answer"])
    assert tokens is not None
    assert tokens.capitalized == record["generated_token_ids"][0] == record["baseline_token_id"] == 612
    assert llava_1_5().tokenizer.convert_ids_to_tokens(tokens.lowercase) == "▁yellow"
    assert record["generated_token_ids"][-1] in llava_1_5().end_tokens
    assert llava_1_5().decode(record["generated_token_ids"]) == "Yellow"


def exactly_red(box: Box, size: tuple[int, int]) -> set[int]:
    """The authors' rule: draw the box in red, edges included; patches with a pure red pixel are related."""
    x, y, w, h = box
    picture = Image.new("RGB", size)
    ImageDraw.Draw(picture).rectangle((x, y, x + w, y + h), fill=(255, 0, 0))
    pixels = llava_1_5().processor.image_processor(picture, do_normalize=False, return_tensors="np")["pixel_values"][0]
    red = (np.round(pixels * 255) == np.array([255, 0, 0])[:, None, None]).all(axis=0)
    rows, columns = np.nonzero(red)
    return set((rows // 14 * 24 + columns // 14).tolist())


@needs_reference
def test_area_against_the_authors_color_rule() -> None:
    """For the recorded box both rules give the same 20 patches; they part at edges and for thin boxes.

    A patch that the box enters by less than a pixel or two has no pure red pixel after bicubic resizing, and
    a box thinner than that has none anywhere; its area is there all the same.
    """
    question = recorded_question()
    box = question.objects[0].box_xywh
    assert box is not None
    related = set(llava_1_5().encode(question, picture=False).spans[RELATED] - 35)
    assert exactly_red(box, question.image_size) == related
    assert len(related) == 20

    thin = (264, 33, 1, 89)
    thinly = replace(question, objects=(Object("shirt", thin),))
    assert exactly_red(thin, question.image_size) == set()
    assert len(llava_1_5().encode(thinly, picture=False).spans[RELATED]) == 5


@needs_reference
def test_an_answer_that_merges_into_the_prompt_is_unaskable() -> None:
    """After "ASSISTANT: " SentencePiece writes the space into the answer's own first piece."""
    from transformers import PreTrainedTokenizerFast

    words = PreTrainedTokenizerFast.from_pretrained(LLAMA)
    template = tiny_llava.CHAT_TEMPLATE.replace(" ASSISTANT:", " ASSISTANT: ")
    adapter = wrap(tiny_llava.model(words), tiny_llava.processor(words, template=template), "chat")
    with pytest.raises(Unaskable) as error:
        adapter.answer_tokens("yellow")
    assert error.value.reason == "the answer has no first sub-word of its own"
