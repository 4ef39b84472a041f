"""BLIP-2 and InstructBLIP: the prompts of their processors, the input of a Q-Former, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fixtures.flow import IMAGE, RELATED
from fixtures.instruments.forward import distribution, inputs, last_logits
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable, Unaskable
from fixtures.models.families.blip import Blip2, InstructBlip
from fixtures.models.prompt_texts import INSTRUCTION
from suite.support.models.families import blip_2, instructblip, subject, tokenizer
from suite.support.models.pixel_oracle import question

BOTH = {"blip_2": blip_2, "instructblip": instructblip}
SHORT, LONG = "Is it a black dog?", "Is the telephone of the dog to the left of the yellow shirt?"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("blip_2", f"Question: Is it a black dog? {INSTRUCTION} Answer:"),
        ("instructblip", f"Question: Is it a black dog? {INSTRUCTION} Short answer:"),
    ],
)
def test_the_published_prompt_around_the_papers_instruction(name: str, text: str) -> None:
    prompt = subject(name).encode(question((64, 48), text=SHORT))
    assert prompt.text == text
    words = subject(name).tokenizer
    assert prompt.input_ids.tolist() == [subject(name).image_token_id] * blip_2.QUERIES + words(text)["input_ids"]
    assert prompt.spans[IMAGE].tolist() == list(range(blip_2.QUERIES))
    assert prompt.missing[RELATED].startswith("a Q-Former's image tokens each read the whole picture")


def test_the_published_processor_writes_32_tokens_for_every_picture() -> None:
    from transformers import Blip2Processor
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    model, _ = blip_2.build()
    model.config.num_query_tokens = 32
    images = BlipImageProcessorPil(size={"height": 224, "width": 224})
    adapter = wrap(model, Blip2Processor(images, tokenizer("<image>"), num_query_tokens=32))
    for size in ((640, 480), (333, 500), (20, 400)):
        prompt = adapter.encode(question(size), picture=False)
        assert adapter.layout(size).tokens == len(prompt.spans[IMAGE]) == 32


def image_features(name: str, text: str) -> torch.Tensor:
    adapter = subject(name)
    tensors = adapter.encode(question((64, 48), text=text)).tensors
    read = {key: value for key, value in tensors.items() if key.startswith(("pixel_", "qformer_"))}
    with torch.no_grad():
        return adapter.model.get_image_features(**read).pooler_output  # pyright: ignore[reportCallIssue]


def test_image_tokens_of_instructblip_know_the_question() -> None:
    """The caveat of the documentation; those of BLIP-2 do not."""
    assert torch.equal(image_features("blip_2", SHORT), image_features("blip_2", LONG))
    assert not torch.allclose(image_features("instructblip", SHORT), image_features("instructblip", LONG), atol=1e-3)


def test_questions_of_other_length_to_the_q_former_share_a_batch() -> None:
    """Its tokenizer counts differently than the decoder's, and it must not read its own padding."""
    adapter = subject("instructblip")
    short, long = (adapter.encode(question((64, 48), seed, LONG)) for seed in (0, 1))
    less = {key: value[:, :-5] if key.startswith("qformer_") else value for key, value in short.tensors.items()}
    prompts = [replace(short, tensors=less), long]
    with torch.inference_mode():
        together = distribution(adapter, prompts, last_logits(adapter, inputs(adapter, prompts)))
        alone = [distribution(adapter, [one], last_logits(adapter, inputs(adapter, [one])))[0] for one in prompts]
        whole = distribution(adapter, [short], last_logits(adapter, inputs(adapter, [short])))[0]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(alone[0], whole, rtol=1e-3)


# What is refused


@pytest.mark.parametrize(("config", "adapter"), [("Blip2Config", Blip2), ("InstructBlipConfig", InstructBlip)])
def test_an_encoder_decoder_is_refused_by_name(config: str, adapter: type[Subject]) -> None:
    import transformers

    text = transformers.T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    own = getattr(transformers, config)(vision_config=blip_2.VISION, qformer_config=blip_2.QFORMER, text_config=text)
    with pytest.raises(ModelUnavailable, match="the language model of it, t5, is an encoder with a decoder"):
        adapter.require(own, None, "it")


@pytest.mark.parametrize("name", BOTH)
def test_a_processor_that_knows_another_number_of_queries(name: str) -> None:
    model, processor = BOTH[name].build()
    for number in (None, blip_2.QUERIES + 1):
        processor.num_query_tokens = number
        with pytest.raises(ModelUnavailable, match=f"writes {number} image tokens and the model has 8 queries"):
            wrap(model, processor)


@pytest.mark.parametrize("name", BOTH)
def test_a_processor_that_writes_another_image_token(name: str) -> None:
    model, processor = BOTH[name].build()
    model.config.image_token_index = 7
    with pytest.raises(ModelUnavailable, match=r"writes the image token \d+ and the model replaces 7"):
        wrap(model, processor)


@pytest.mark.parametrize("name", BOTH)
def test_a_question_that_writes_an_image_token(name: str) -> None:
    with pytest.raises(Unaskable, match="writes the image token <image>"):
        subject(name).encode(question((64, 48), text="Is <image> black?"), picture=False)


@pytest.mark.parametrize("name", BOTH)
def test_the_paper_has_no_prompt_for_it(name: str) -> None:
    model, processor = BOTH[name].build()
    with pytest.raises(ModelUnavailable, match="use --prompt chat"):
        wrap(model, processor, "paper").encode(question((64, 48)), picture=False)


def test_answers_begin_as_the_tokenizer_writes_them_behind_the_prompt() -> None:
    for name in BOTH:
        tokens = subject(name).answer_tokens("yellow")
        assert tokens is not None
        words = np.array([tokens.lowercase, tokens.capitalized])
        assert [subject(name).decode([word]).strip() for word in words] == ["yellow", "Yellow"]
