"""A family without an adapter is measured if its picture is one run of image tokens, else refused early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from fixtures.flow import IMAGE, OTHER, RELATED
from fixtures.instruments.generation import greedy_answers
from fixtures.models import load, wrap
from fixtures.models.errors import ModelUnavailable
from fixtures.models.families.generic import Generic
from suite.support.models.families import TEXT, aya_vision, deepseek_vl, lively, tokenizer, turns, vipllava
from suite.support.models.pixel_oracle import question

SIZES = ((64, 64), (128, 64), (60, 120), (300, 40))


@pytest.mark.parametrize("family", [vipllava, deepseek_vl, aya_vision], ids=lambda family: family.__name__[25:])
def test_a_folder_of_an_unknown_family_is_asked_and_answers(family: Any, tmp_path: Path) -> None:
    model, processor = family.build()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    adapter = load(str(tmp_path), "cpu")
    assert type(adapter) is Generic
    assert "its family has no adapter" in adapter.cannot[RELATED] == adapter.cannot[OTHER]
    prompts = [adapter.encode(question((64, 48), seed)) for seed in range(2)]
    assert all(len(answer) <= 3 for answer in greedy_answers(adapter, prompts, 3))


def anyres() -> tuple[Any, Any]:
    """A LLaVA-NeXT: as many image tokens as its picture's shape asks for, in one run."""
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    words, grids = tokenizer("<image>"), [[28, 56], [56, 28], [56, 56]]
    vision = transformers.CLIPVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7
    )
    config = transformers.LlavaNextConfig(
        vision_config=vision, text_config=transformers.LlamaConfig(**TEXT, vocab_size=len(words)),
        image_token_index=words.convert_tokens_to_ids("<image>"), image_grid_pinpoints=grids,
    )  # fmt: skip
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=grids
    )
    processor = transformers.LlavaNextProcessor(
        images, words, patch_size=7, chat_template=turns("<image>"), vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )  # fmt: skip
    return lively(transformers.LlavaNextForConditionalGeneration(config)), processor


def generic(model: Any, processor: Any) -> Generic:
    return Generic(model, processor, "it", "chat", lambda: "")


def test_how_many_image_tokens_is_the_processors_word_borne_out_by_the_model() -> None:
    """Seen pictures are counted twice over, so that a run of four sizes shows that both counts agree."""
    adapter = generic(*anyres())
    counts = {size: len(adapter.encode(question(size)).spans[IMAGE]) for size in SIZES}
    assert counts == {size: adapter.layout(size).tokens for size in SIZES}
    assert len(set(counts.values())) > 2


def test_a_processor_that_writes_more_than_the_model_packs() -> None:
    model, processor = deepseek_vl.build()
    processor.num_image_tokens = 10
    with pytest.raises(ModelUnavailable, match="writes 10 image tokens and the model packs 9"):
        wrap(model, processor).encode(question((64, 48)))


def test_a_model_that_does_not_say_how_it_packs_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    model, processor = deepseek_vl.build()
    monkeypatch.delattr(type(model.model), "get_image_features")
    with pytest.raises(ModelUnavailable, match="DeepseekVLForConditionalGeneration has no get_image_features"):
        wrap(model, processor)


# What is refused before weights load


def refusal(config: Any, processor: Any) -> str:
    with pytest.raises(ModelUnavailable) as error:
        Generic.require(config, processor, "it")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_tiles_with_tokens_between_them_need_an_adapter() -> None:
    model, _ = aya_vision.build()
    sentence = refusal(model.config, aya_vision.processor(tiles=4))
    assert "writes a picture of 640 x 480 as 20 image tokens in 5 runs" in sentence


def test_a_processor_that_writes_no_such_token() -> None:
    model, processor = vipllava.build()
    model.config.image_token_index = 7
    assert "as 0 image tokens in 0 runs" in refusal(model.config, processor)


def test_a_configuration_without_an_image_token() -> None:
    assert "(kosmos-2) names no image token" in refusal(transformers.Kosmos2Config(), None)


def test_a_processor_that_does_not_name_what_it_writes() -> None:
    _, processor = vipllava.build()
    sentence = refusal(vipllava.build()[0].config, processor.tokenizer)
    assert "does not say what it writes for a picture (image_token, image_processor)" in sentence


def test_it_is_refused_before_its_weights_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = aya_vision.build()
    model.save_pretrained(tmp_path)
    aya_vision.processor(tiles=4).save_pretrained(tmp_path)

    def read(*_: Any, **__: Any) -> None:
        raise AssertionError("the weights were read")

    monkeypatch.setattr(transformers.AutoModelForImageTextToText, "from_pretrained", read)
    with pytest.raises(ModelUnavailable, match="in 5 runs"):
        load(str(tmp_path), "cpu")
