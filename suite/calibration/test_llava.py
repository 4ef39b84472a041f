"""The LLaVA adapter names exactly the positions it says it names, on transformers' own classes."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fixtures.flow import (
    BASE,
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
    SEPARATOR,
    SPANS,
    SUFFIX,
    TILES,
    TRUE_OPTION,
    UNOPTIONED,
    Span,
)
from fixtures.models import wrap
from fixtures.models.errors import ModelUnavailable, Unaskable
from fixtures.models.prompts import INSTRUCTION, VICUNA_SYSTEM, Style, Written, answered, chat, vicuna
from fixtures.question import Box, FilePicture, Object, PictureMissing, Question
from suite.calibration import tiny_llava

if TYPE_CHECKING:
    from fixtures.models.base import Prompt, Subject

SHARED = Path(__file__).parents[3] / "shared"
REFERENCE = SHARED / "reference" / "llava-1.5-7b_gqa_07302654.json"
LLAMA = SHARED / "tokenizers" / "llama2"
needs_reference = pytest.mark.skipif(
    not (REFERENCE.is_file() and LLAMA.is_dir()), reason="the recorded prompt of LLaVA-1.5-7b is not here"
)

SHIRT = Question(
    id="1",
    image_id="one",
    task="ChooseAttr",
    text="Is the shirt black or yellow?",
    answer="yellow",
    true_option="yellow",
    false_option="black",
    objects=(Object("shirt", (60, 10, 20, 30)),),
    image_size=(112, 56),
)
STYLES: list[Style] = ["paper", "chat"]
REGIONS = {RELATED, OTHER, RANDOM}
UNTILED = {SEPARATOR, BASE, TILES}
"""Spans of pictures that are cut into tiles."""


@cache
def subject(prompt: Style = "chat") -> Subject:
    return wrap(tiny_llava.model(), tiny_llava.processor(), prompt)


def read(prompt: Prompt, span: Span, asked: Subject | None = None) -> str:
    return (asked or subject()).tokenizer.decode(prompt.input_ids[prompt.spans[span]])


def fine(size: tuple[int, int], seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))


def with_picture(question: Question, folder: Path, size: tuple[int, int] | None = None) -> Question:
    path = folder / f"{question.image_id}.png"
    fine(size or question.image_size).save(path)
    return replace(question, picture=FilePicture(path))


# The prompt that others ran on the real LLaVA-1.5-7b


def recorded() -> dict[str, Any]:
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
    found = recorded()
    x, y, w, h = found["bbox_xywh"]
    return replace(
        SHIRT,
        id=found["question_id"],
        image_id=found["image_id"],
        text=found["question"],
        objects=(Object("shirt", (x, y, w, h)),),
        image_size=tuple(found["image_size"]),
    )


@needs_reference
def test_the_recorded_prompt_position_by_position() -> None:
    found = recorded()
    prompt = llava_1_5().encode(recorded_question(), picture=False)
    assert prompt.text == found["prompt"]
    assert len(prompt.input_ids) == found["input_token_count"] == 638
    assert prompt.spans[IMAGE].tolist() == list(range(*found["positions"]["image"])) == list(range(35, 611))
    assert prompt.spans[QUESTION].tolist() == list(range(*found["positions"]["question"])) == list(range(613, 621))
    assert prompt.spans[LAST].tolist() == [found["positions"]["last"]] == [637]
    assert prompt.input_ids[-1] == found["last_token_id"] == 29901
    assert prompt.spans[RELATED].tolist() == found["related_patch_positions"]
    assert len(prompt.spans[OTHER]) == 576 - 20
    # 83 and 84 padded rows of 500 are 55.8 and 56.4 of 336 pixels: 3 whole rows of patches above, 4 below.
    assert len(prompt.spans[PADDING]) == 7 * 24
    assert set(prompt.missing) == UNTILED


@needs_reference
def test_the_answers_that_the_real_model_gave() -> None:
    """It said "Yellow" as ▁Y, ellow, </s>: ids 612, 4743, 2."""
    found = recorded()
    tokens = llava_1_5().answer_tokens(found["answer"])
    assert tokens is not None
    assert tokens.capitalized == found["generated_token_ids"][0] == found["baseline_token_id"] == 612
    assert llava_1_5().tokenizer.convert_ids_to_tokens(tokens.lowercase) == "▁yellow"
    assert found["generated_token_ids"][-1] in llava_1_5().end_tokens
    assert llava_1_5().decode(found["generated_token_ids"]) == "Yellow"


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


# Spans


@pytest.mark.parametrize("style", STYLES)
def test_spans_read_as_what_they_name(style: Style) -> None:
    asked = subject(style)
    prompt = asked.encode(SHIRT, picture=False)
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
    drawn = {
        tuple(subject("paper").encode(replace(SHIRT, id=str(seed)), picture=False).spans[RANDOM]) for seed in range(20)
    }
    assert len(drawn) > 10, "each question draws its own"
    assert tuple(prompt.spans[RANDOM]) == tuple(subject("paper").encode(SHIRT, picture=False).spans[RANDOM])
    wide = replace(SHIRT, objects=(Object("shirt", (0, 0, 70, 56)),))
    assert "fewer other patches" in subject("chat").encode(wide, picture=False).missing[RANDOM]


def test_the_crop_moves_and_loses_boxes() -> None:
    cropped = subject("chat").encode(SHIRT, picture=False)
    # The middle 56 x 56 of 112 x 56 pixels: the box is (32, 10) to (52, 40).
    assert (cropped.spans[RELATED] - cropped.spans[IMAGE][0]).tolist() == [2, 3, 6, 7, 10, 11]
    assert cropped.missing == subject("chat").cannot
    assert cropped.missing[PADDING] == "the picture is not padded"
    gone = replace(SHIRT, objects=(Object("shirt", (0, 0, 20, 56)),))
    missing = subject("chat").encode(gone, picture=False).missing
    assert missing[RELATED] == missing[OTHER] == "a box lands on no patch"
    assert subject("paper").encode(gone, picture=False).spans[RELATED].size
    half_gone = replace(SHIRT, objects=(*SHIRT.objects, *gone.objects))
    assert RELATED in subject("chat").encode(half_gone, picture=False).missing


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
    asked = replace(question, true_option="phone", false_option="dogs")
    prompt = subject().encode(asked, picture=False)
    assert read(prompt, OBJECTS).split() == ["hat", "dogs"]
    assert read(prompt, TRUE_OPTION).strip() == "phone"
    assert read(prompt, QUESTION).strip() == question.text


def test_a_class_token_is_image_but_no_patch() -> None:
    """With the whole of CLIP's features ("full"), 17 tokens hold 16 patches: the first is the class token."""
    full: dict[str, Any] = {"vision_feature_select_strategy": "full"}
    asked = wrap(tiny_llava.model(**full), tiny_llava.processor(**full), "chat")
    plain, whole = subject().encode(SHIRT, picture=False), asked.encode(SHIRT, picture=False)
    assert len(whole.spans[IMAGE]) == 17
    assert (whole.spans[RELATED] - plain.spans[RELATED] == 1).all()
    assert whole.spans[IMAGE][0] in whole.spans[OTHER]


# Tensors


@pytest.mark.parametrize("style", STYLES)
def test_a_prompt_without_its_picture_has_the_same_ids_and_spans(style: Style, tmp_path: Path) -> None:
    question = with_picture(SHIRT, tmp_path)
    seen, unseen = subject(style).encode(question), subject(style).encode(SHIRT, picture=False)
    assert seen.input_ids.tolist() == unseen.input_ids.tolist()
    assert seen.missing == unseen.missing
    assert {span: found.tolist() for span, found in seen.spans.items()} == {
        span: found.tolist() for span, found in unseen.spans.items()
    }
    assert set(seen.tensors) - set(unseen.tensors) == {"pixel_values"}
    assert seen.tensors["pixel_values"].shape == (1, 3, 56, 56)


def test_tensors_are_what_the_model_takes(tmp_path: Path) -> None:
    import torch

    question = with_picture(SHIRT, tmp_path)
    asked = subject()
    prompts = [asked.encode(question), asked.encode(replace(question, text="Is the shirt yellow or black?"))]
    batch = asked.batch(prompts)
    with torch.no_grad():
        together = asked.model(**batch).logits
        apart = [asked.model(**prompt.tensors).logits[0] for prompt in prompts]
    assert together.shape[:2] == (2, len(prompts[0].input_ids))
    torch.testing.assert_close(together, torch.stack(apart))
    stock = asked.processor(images=question.image, text=prompts[0].text, return_tensors="pt")
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

    asked = wrap(tiny_llava.model().to(torch.bfloat16), tiny_llava.processor(), "chat")
    prompt = asked.encode(with_picture(SHIRT, tmp_path))
    assert prompt.tensors["pixel_values"].dtype == asked.dtype == torch.bfloat16
    assert prompt.tensors["input_ids"].dtype == torch.int64


# Prompts


def test_the_papers_prompt() -> None:
    text = vicuna("What is it?", "<image>")
    assert text == (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
        "helpful, detailed, and polite answers to the user's questions. USER: <image>\nWhat is it? \n"
        "Answer the question using a single word or phrase. ASSISTANT:"
    )
    written = Written.of(text, "What is it?")
    assert text[slice(*written.question)] == "What is it?"
    assert written.instruction is not None
    assert text[slice(*written.instruction)] == INSTRUCTION


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
    asked = wrap(tiny_llava.model(), tiny_llava.processor(template=behind))
    prompt = asked.encode(SHIRT, picture=False)
    assert read(prompt, QUESTION, asked).strip() == SHIRT.text
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
    with pytest.raises(Unaskable) as refused:
        subject(style).encode(replace(SHIRT, text=text), picture=False)
    assert refused.value.reason == reason
    assert "drop the question" in str(refused.value)


def test_a_template_that_rewrites_the_question_is_unaskable() -> None:
    shouting = tiny_llava.CHAT_TEMPLATE.replace("part['text']", "part['text'] | upper")
    asked = wrap(tiny_llava.model(), tiny_llava.processor(template=shouting), "chat")
    with pytest.raises(Unaskable, match="0 times") as refused:
        asked.encode(SHIRT, picture=False)
    assert refused.value.reason == "the prompt does not write the question once"


def test_a_tokenizer_that_rewrites_the_question_is_unaskable() -> None:
    from tokenizers import normalizers

    words = copy.deepcopy(tiny_llava.tokenizer())
    words.backend_tokenizer.normalizer = normalizers.Lowercase()
    asked = wrap(tiny_llava.model(words), tiny_llava.processor(words), "chat")
    with pytest.raises(Unaskable, match="is the shirt black") as refused:
        asked.encode(SHIRT, picture=False)
    assert refused.value.reason == "the question's tokens do not read as the question"


def test_pictures_that_are_absent_or_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(PictureMissing):
        subject().encode(SHIRT)
    with pytest.raises(Unaskable, match="56 x 56 pixels and its boxes lie in 112 x 56") as refused:
        subject().encode(with_picture(SHIRT, tmp_path, size=(56, 56)))
    assert refused.value.reason == "the picture has another size than its boxes"


# Answers


def test_answer_tokens_are_what_the_prompt_goes_on_with() -> None:
    asked = subject()
    for word in ("yellow", "left", "dog"):
        tokens = asked.answer_tokens(word)
        assert tokens is not None
        assert asked.tokenizer.decode([tokens.lowercase]) in f" {word}"
        assert asked.tokenizer.decode([tokens.capitalized]) in f" {word.capitalize()}"
        # Written behind a real prompt, image tokens and all, the answer begins with the same ids.
        prompt = asked.encode(SHIRT, picture=False)
        for form, first in ((word, tokens.lowercase), (word.capitalize(), tokens.capitalized)):
            text = answered(prompt.text.replace("<image>", "<image>" * 16), form)
            assert asked.tokenizer(text)["input_ids"][len(prompt.input_ids)] == first
    assert asked.answer_tokens("Yellow") == asked.answer_tokens("yellow")


def test_no_answer_tokens_where_both_forms_begin_alike() -> None:
    assert subject().answer_tokens("2 dogs") is None


def test_an_answer_behind_a_line_break_has_no_space() -> None:
    template = tiny_llava.CHAT_TEMPLATE.replace(" ASSISTANT:", "{{ '\\n' }}")
    asked = wrap(tiny_llava.model(), tiny_llava.processor(template=template), "chat")
    tokens = asked.answer_tokens("yellow")
    assert tokens is not None
    assert not asked.tokenizer.decode([tokens.lowercase]).startswith(" ")


@needs_reference
def test_an_answer_that_merges_into_the_prompt_is_unaskable() -> None:
    """After "ASSISTANT: " SentencePiece writes the space into the answer's own first piece."""
    from transformers import PreTrainedTokenizerFast

    words = PreTrainedTokenizerFast.from_pretrained(LLAMA)
    template = tiny_llava.CHAT_TEMPLATE.replace(" ASSISTANT:", " ASSISTANT: ")
    asked = wrap(tiny_llava.model(words), tiny_llava.processor(words, template=template), "chat")
    with pytest.raises(Unaskable) as refused:
        asked.answer_tokens("yellow")
    assert refused.value.reason == "the answer has no first sub-word of its own"


def test_decoding_and_ends() -> None:
    ids = subject().tokenizer(" Yellow</s>")["input_ids"]
    assert subject().decode(ids).strip() == "Yellow"
    assert ids[-1] in subject().end_tokens
    several = tiny_llava.model()
    several.generation_config.eos_token_id = [5, 6]
    assert wrap(several, tiny_llava.processor()).end_tokens == {5, 6, ids[-1]}


# The model's own modules


def test_the_decoder_is_the_models_own() -> None:
    import torch

    asked = subject()
    decoder: Any = asked.model.model.language_model
    assert list(asked.decoder_layers) == list(decoder.layers)
    assert asked.layers == 3
    assert asked.final_norm is decoder.norm
    assert asked.unembed is asked.model.lm_head
    assert asked.decoder_config is decoder.config is decoder.layers[0].self_attn.config
    with torch.no_grad():
        prompt = asked.encode(SHIRT, picture=False).tensors
        output = asked.model(**prompt, output_hidden_states=True)
        torch.testing.assert_close(asked.unembed(output.hidden_states[-1]), output.logits)


def test_a_model_that_is_not_whole_is_refused() -> None:
    shortened = tiny_llava.model()
    shortened.model.language_model.layers = shortened.model.language_model.layers[:2]
    with pytest.raises(ModelUnavailable, match="2 layers, and its configuration says 3"):
        wrap(shortened, tiny_llava.processor())
    estranged = tiny_llava.model()
    estranged.model.language_model.layers[1].self_attn.config = copy.deepcopy(estranged.config.text_config)
    with pytest.raises(ModelUnavailable, match=r"layers \[1\] of .* cannot be hooked"):
        wrap(estranged, tiny_llava.processor())


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


def test_a_chat_prompt_needs_a_template() -> None:
    with pytest.raises(ModelUnavailable, match="no usable chat template"):
        wrap(tiny_llava.model(), tiny_llava.processor(template=None), "chat").encode(SHIRT, picture=False)
    assert (
        VICUNA_SYSTEM
        in wrap(tiny_llava.model(), tiny_llava.processor(template=None), "paper").encode(SHIRT, False).text
    )
