"""LLaVA-NeXT's tiles at their true size: counts follow from image sizes, places from the model's packing."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable, Unaskable
from fixtures.models.families.llava_next import blended
from fixtures.models.prompt_texts import INSTRUCTION, LLAMA_3_SYSTEM, llama_3
from fixtures.tasks import TASKS, questions
from suite.support.models import families
from suite.support.models.families import llava_next, llava_onevision
from suite.support.repository import AUTHORS, needs_authors_files

PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
LLAMA_3 = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


ORIGINAL = [pinpoint[::-1] for pinpoint in PINPOINTS]
"""LLaVA's own code reads the list as widths and heights: of two arrangements that fit equally it takes the tall one."""


@cache
def full_size(original: bool = False) -> tuple[Subject, Any]:
    """The tiles, patches and pinpoints of `llava-hf/llava-v1.6-vicuna-7b-hf` around tiny layers."""
    import transformers
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    pinpoints = ORIGINAL if original else PINPOINTS
    tiny, processor = llava_next.build()
    config = tiny.config.__class__.from_dict({**tiny.config.to_dict(), "image_grid_pinpoints": pinpoints})
    config.vision_config.image_size, config.vision_config.patch_size = 336, 14
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}, image_grid_pinpoints=pinpoints
    )
    processor = transformers.LlavaNextProcessor(
        images, processor.tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=processor.chat_template,
    )  # fmt: skip
    model: Any = families.lively(transformers.LlavaNextForConditionalGeneration(config))
    return wrap(model, processor, "paper"), model


def packed(size: tuple[int, int], original: bool = False) -> np.ndarray:
    """The number of each patch, counted through the tiles, where the model's own packing puts it; -1 for newlines."""
    _, model = full_size(original)
    sizes = torch.tensor([[size[1], size[0]]])
    from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

    tiles = image_size_to_num_patches(sizes[0], model.config.image_grid_pinpoints, 336)
    numbers = torch.arange(tiles * 576, dtype=torch.float64).reshape(tiles, 576, 1)
    features, _ = model.model.pack_image_features([numbers], sizes, "default", image_newline=torch.tensor([-1.0]))
    return features[0][:, 0].numpy().astype(np.int64)


SIZES = st.tuples(st.integers(40, 1100), st.integers(40, 1100))


@settings(max_examples=60, deadline=None)
@given(SIZES)
def test_places_are_those_of_the_models_own_packing(size: tuple[int, int]) -> None:
    layout, patches = full_size()[0].layout(size), packed(size)
    assert layout.tokens == len(patches)
    assert layout.separators.tolist() == np.flatnonzero(patches == -1).tolist()
    for tile, places in enumerate(each.tokens for each in layout.tiles):
        is_packed = places >= 0
        numbers = tile * 576 + np.arange(576).reshape(24, 24)
        assert (patches[places[is_packed]] == numbers[is_packed]).all()
    assert sum(int((each.tokens >= 0).sum()) for each in layout.tiles) + len(layout.separators) == layout.tokens


@needs_authors_files
@pytest.mark.parametrize(("original", "fewest"), [(False, 1032), (True, 976)])
def test_image_tokens_of_all_the_papers_questions(original: bool, fewest: int) -> None:
    """Image sizes alone give as many tokens as the model packs: up to 2,928, most often 2,340.

    LLaVA's own code cuts one picture, of 240 x 166 pixels, differently than its port to transformers does.
    """
    cases = [each for task in TASKS for each in questions(task, n=None, gqa=AUTHORS)]
    counts = {size: full_size(original)[0].layout(size).tokens for size in {each.image_size for each in cases}}
    assert all(count == len(packed(size, original)) for size, count in counts.items())
    of_questions = Counter(counts[each.image_size] for each in cases)
    assert sum(of_questions.values()) == 5525
    assert (min(of_questions), max(of_questions)) == (fewest, 2928)
    assert of_questions.most_common(1)[0][0] == 2340
    assert counts[240, 166] == (976 if original else 576 + 24 * 35)


def test_a_box_is_shown_in_the_whole_and_in_its_tile() -> None:
    layout = full_size()[0].layout((672, 672))
    # 672 x 672 fills two by two tiles: 14 pixels are a fine patch, 28 a coarse one.
    tokens = layout.showing((336, 0, 14, 14)).tolist()
    assert tokens == [12, 576 + 24]
    assert len(layout.base) == 576
    assert len(layout.fine) == 48 * 48
    assert layout.separators.tolist() == [576 + 48 + 49 * row for row in range(48)]
    assert layout.padding.size == 0


def test_unpadding_leaves_padding_only_in_patches_that_it_cannot_cut() -> None:
    layout = full_size()[0].layout((500, 333))
    # 505 of 672 x 336 pixels: 12 of 48 columns are dropped, and no patch is left empty.
    assert layout.tokens == 576 + 24 * 37
    assert layout.padding.size == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 60), st.data())
def test_blending_is_torchs(cells: int, data: st.DataObject) -> None:
    tokens = data.draw(st.integers(1, cells - 1))
    one_each = torch.eye(cells, dtype=torch.float64)[:, None]
    weights = torch.nn.functional.interpolate(one_each, tokens, mode="linear")[:, 0]
    for cell, parts in enumerate(blended(cells, tokens)):
        assert {part for part in parts.tolist() if part >= 0} == set(np.flatnonzero(weights[cell] > 1e-9).tolist())


@pytest.mark.parametrize(("family", "size"), [(llava_next, (4000, 60)), (llava_onevision, (4000, 20))])
def test_a_picture_narrower_than_a_patch_is_set_aside(family: Any, size: tuple[int, int]) -> None:
    with pytest.raises(Unaskable, match="narrower than a patch") as error:
        wrap(*family.build()).layout(size)
    assert error.value.reason == "the picture is too narrow for its tiles"


# Prompts


def test_the_papers_prompt_for_llama_3() -> None:
    text = llama_3("What is it?", "<image>")
    assert text == (
        f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{LLAMA_3_SYSTEM}<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n<image>\nWhat is it? \n{INSTRUCTION}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n \n"
    )


def test_the_backbone_chooses_the_papers_prompt() -> None:
    vicuna = wrap(*llava_next.build(), "paper")
    assert vicuna.prompt_text("Is it?").endswith(f"Is it? \n{INSTRUCTION} ASSISTANT:")
    on_llama_3 = wrap(*llava_next.build("LlamaConfig", *LLAMA_3), "paper")
    assert on_llama_3.prompt_text("Is it?") == llama_3("Is it?", "<image>")
    answer = on_llama_3.answer_tokens("yellow")
    assert answer is not None, "an answer follows a line break and has no space"
    assert not on_llama_3.decode([answer.lowercase]).startswith(" ")
    mistral = wrap(*llava_next.build("MistralConfig"), "paper")
    with pytest.raises(ModelUnavailable, match=r"no prompt for .* use --prompt chat"):
        mistral.prompt_text("Is it?")


# What is refused


def test_tiles_cut_otherwise_than_packed() -> None:
    model, processor = llava_next.build()
    processor.image_processor.image_grid_pinpoints = llava_next.PINPOINTS[:3]
    with pytest.raises(ModelUnavailable, match="cuts pictures by 3 resolutions and the model packs them by 5 others"):
        wrap(model, processor)
    model, processor = llava_next.build()
    processor.image_processor.crop_size = {"height": 35, "width": 35}
    with pytest.raises(ModelUnavailable, match="makes tiles of 28, 35 pixels and its encoder takes 28"):
        wrap(model, processor)
    model, processor = llava_next.build()
    processor.patch_size = 14
    with pytest.raises(ModelUnavailable, match="patches of 14 pixels and its encoder has patches of 7"):
        wrap(model, processor)


def test_class_tokens_among_the_tiles() -> None:
    model, processor = llava_next.build()
    model.config.vision_feature_select_strategy = "full"
    with pytest.raises(ModelUnavailable, match="keeps its encoder's class tokens"):
        wrap(model, processor)


def test_a_blend_that_processor_and_model_disagree_on() -> None:
    model, processor = llava_onevision.build()
    processor.vision_aspect_ratio = "anyres_max_9"
    from suite.support.models.pixel_oracle import question

    with pytest.raises(ModelUnavailable, match=r"writes \d+ image tokens and the model packs \d+"):
        wrap(model, processor).encode(question((130, 120)), picture=False)
