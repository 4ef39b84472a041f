"""Every adapter keeps the contract, on tiny models of its true classes, and has patches where they are seen."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fixtures.contract import check
from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, SEPARATOR, SPANS, SUFFIX
from fixtures.forward import distribution, inputs, last_logits
from fixtures.generation import greedy_answers
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable
from fixtures.models.prompts import INSTRUCTION, Style
from fixtures.question import Object, Question
from suite.calibration.families import Family, Size, families

FAMILIES = families()
EVERY = [(name, style) for name, family in FAMILIES.items() for style in family.styles]
WITH_REGIONS = [name for name, family in FAMILIES.items() if family.regions]
WITHOUT_REGIONS = [name for name, family in FAMILIES.items() if not family.regions]


@dataclass(frozen=True)
class Drawn:
    """A picture that is never written to disk."""

    png: bytes

    def read(self) -> bytes:
        return self.png


def drawn(pixels: np.ndarray) -> Drawn:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Drawn(file.getvalue())


def noise(size: Size, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)


def question(size: Size, seed: int = 0, text: str = "Is the shirt black or yellow?") -> Question:
    return Question(
        id=f"{size}{seed}",
        image_id=f"{seed}",
        task="ChooseAttr",
        text=text,
        answer="yellow",
        true_option="yellow",
        false_option="black",
        objects=(Object("shirt", (size[0] * 0.5, size[1] * 0.25, size[0] * 0.25, size[1] * 0.25)),),
        image_size=size,
        picture=drawn(noise(size, seed)),
    )


@cache
def subject(name: str, style: Style | None = None) -> Subject:
    model, processor = FAMILIES[name].build()
    return wrap(model, processor, style or FAMILIES[name].styles[0])


def family(name: str) -> Family:
    return FAMILIES[name]


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_the_contract(name: str, style: Style) -> None:
    asked = [question(size, seed) for seed, size in enumerate(family(name).sizes)]
    contract = check(subject(name, style), asked)
    assert contract.passed, {failed: contract.checks[failed] for failed in contract.failed}


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_spans_read_as_what_they_name(name: str, style: Style) -> None:
    asked = subject(name, style)
    for size in family(name).sizes:
        prompt = asked.encode(question(size))

        def read(span: Any, prompt: Any = prompt) -> str:
            return asked.tokenizer.decode(prompt.input_ids[prompt.spans[span]])

        assert read(QUESTION).strip() == "Is the shirt black or yellow?"
        assert INSTRUCTION in read(SUFFIX) if family(name).instructed else SUFFIX in prompt.missing
        assert prompt.spans[LAST].tolist() == [len(prompt.input_ids) - 1]
        assert set(prompt.spans) | set(prompt.missing) == set(SPANS.values())
        assert not set(prompt.spans) & set(prompt.missing)
        image = prompt.spans[IMAGE]
        assert image.tolist() == list(range(image[0], image[-1] + 1))
        written = set(np.flatnonzero(prompt.input_ids == asked.image_token_id))
        if prompt.features:  # one token stands for them, and cross-attention reads them behind the prompt
            assert len(written) == 1
            assert image.tolist() == list(range(-prompt.features, len(image) - prompt.features))
        else:
            assert written <= set(image)
        if family(name).regions:
            related, other = set(prompt.spans[RELATED]), set(prompt.spans[OTHER])
            separators = set(prompt.spans.get(SEPARATOR, ()))
            assert related | other | separators == set(image)
            assert len(related) + len(other) + len(separators) == len(image)


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_a_prompt_without_its_picture_has_the_same_ids_and_spans(name: str, style: Style) -> None:
    for size in family(name).sizes:
        seen, unseen = (subject(name, style).encode(question(size), picture) for picture in (True, False))
        assert seen.input_ids.tolist() == unseen.input_ids.tolist()
        assert seen.missing == unseen.missing
        assert all((seen.spans[span] == unseen.spans[span]).all() for span in seen.spans)
        assert not [key for key in unseen.tensors if key.startswith("pixel")]


@pytest.mark.parametrize("name", [name for name, style in EVERY if style == "chat"])
def test_a_chat_prompt_has_the_ids_that_the_processor_gives_the_conversation(name: str) -> None:
    asked, one = subject(name, "chat"), question(family(name).sizes[0])
    if asked.processor.chat_template is None:
        pytest.skip("its processor has no chat template")
    parts = [{"type": "image", "image": one.image}, {"type": "text", "text": f"{one.text}\n{INSTRUCTION}"}]
    given = asked.processor.apply_chat_template(
        [{"role": "user", "content": parts}], add_generation_prompt=True, tokenize=True, return_dict=True
    )
    assert asked.encode(one).input_ids.tolist() == [int(token) for token in given["input_ids"][0]]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_question_alone_and_in_a_batch(name: str) -> None:
    """Questions of one size and length run together, each as it runs alone."""
    asked, size = subject(name), family(name).sizes[0]
    prompts = [asked.encode(question(size, seed)) for seed in range(3)]
    with torch.inference_mode():
        together = distribution(asked, prompts, last_logits(asked, inputs(asked, prompts)))
        alone = [distribution(asked, [one], last_logits(asked, inputs(asked, [one])))[0] for one in prompts]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-6)
    assert len({tuple(row.tolist()) for row in together}) == 3, "the picture makes no difference"


@pytest.mark.parametrize("name", FAMILIES)
def test_what_it_says_begins_with_its_most_probable_token(name: str) -> None:
    """Generation, which is transformers', sees the prompt as the instruments do."""
    asked = subject(name)
    prompts = [asked.encode(question(size, seed)) for seed, size in enumerate(family(name).sizes)]
    for prompt, (said, *_) in zip(prompts, greedy_answers(asked, prompts, longest=2), strict=True):
        with torch.inference_mode():
            assert said == last_logits(asked, dict(asked.batch([prompt])))[0].argmax()


@pytest.mark.parametrize("name", FAMILIES)
def test_an_answer_given_so_far_goes_on_as_it_was_generated(name: str) -> None:
    """Its tokens behind the prompt, read at once, lead to the token that generation came to one by one."""
    asked = subject(name)
    prompt = asked.encode(question(family(name).sizes[0]))
    (said,) = greedy_answers(asked, [prompt], longest=4)
    with torch.inference_mode():
        for count in range(1, len(said)):
            given = asked.answering(prompt, said[:count])
            assert given.spans[LAST].tolist() == [len(given.input_ids) - 1] == [len(prompt.input_ids) + count - 1]
            logits = last_logits(asked, inputs(asked, [given]))
            assert int(logits.argmax()) == said[count]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_processor_that_writes_another_number_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = subject(name)
    true = asked.layout
    monkeypatch.setattr(asked, "layout", lambda size: replace(true(size), tokens=true(size).tokens + 1))
    with pytest.raises(ModelUnavailable, match=r"writes \d+ image tokens and the model packs \d+"):
        asked.encode(question(family(name).sizes[0]), picture=False)


@pytest.mark.parametrize("name", WITHOUT_REGIONS)
def test_a_family_without_regions_says_why(name: str) -> None:
    prompt = subject(name).encode(question(family(name).sizes[0]))
    assert RELATED not in prompt.spans
    assert prompt.missing[RELATED] == prompt.missing[OTHER] == subject(name).cannot[RELATED] != ""


# Where a patch is seen: an oracle that shares no code with the layouts


@cache
def local(name: str, resample: int) -> tuple[Subject, Any]:
    """The family's model with an encoder whose patches see themselves alone, and a processor that resamples so.

    What the encoder's attention adds is set to nothing, so that a changed pixel changes the features of its own
    patch, and no others, wherever the model's own code packs them.
    """
    model, processor = FAMILIES[name].build()
    processor.image_processor.resample = resample
    asked = wrap(model, processor, FAMILIES[name].styles[0])
    encoder = [module for path, module in model.named_modules() if "vision" in path or "visual" in path]
    attention = [module for module in encoder if type(module).__name__.endswith("Attention")]
    assert attention, "no attention of the encoder was found"
    for module in attention:
        module.register_forward_hook(_nothing)
    return asked, model


def _nothing(module: Any, arguments: Any, output: Any) -> Any:
    return (output[0] * 0, *output[1:]) if isinstance(output, tuple) else output * 0


def features(name: str, resample: int, pixels: np.ndarray) -> torch.Tensor:
    """[image tokens, width], as the model packs them."""
    asked, _ = local(name, resample)
    shown = replace(question((pixels.shape[1], pixels.shape[0])), picture=drawn(pixels))
    with torch.no_grad():
        parts = asked.image_features(asked.encode(shown).tensors)
    return torch.cat([part.reshape(-1, part.shape[-1]) for part in parts])


def changed(name: str, resample: int, size: Size, box: tuple[int, int, int, int]) -> set[int]:
    """The image tokens that look different when *box* (x, y, width, height) of a grey picture is marked."""
    x, y, width, height = box
    plain = np.full((size[1], size[0], 3), 96, dtype=np.uint8)
    marked = plain.copy()
    marked[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = 255
    before, after = (features(name, resample, pixels) for pixels in (plain, marked))
    return set(np.flatnonzero((before != after).any(dim=-1).numpy()).tolist())


def boxes(size: Size) -> list[tuple[int, int, int, int]]:
    """Eight boxes of all sizes in a picture of *size*."""
    draw = np.random.default_rng(size[0] * 1000 + size[1])
    corners = [(int(draw.integers(0, size[0] - 4)), int(draw.integers(0, size[1] - 4))) for _ in range(8)]
    return [(x, y, int(draw.integers(3, size[0] - x)), int(draw.integers(3, size[1] - y))) for x, y in corners]


@pytest.mark.parametrize("name", WITH_REGIONS)
def test_patches_are_where_they_are_seen(name: str) -> None:
    """Marked pixels change no token that the layout has elsewhere, and every token that it has there.

    By nearest neighbours a pixel is read where it is or nowhere; by interpolation at its place and around it.
    """
    for size in family(name).sizes:
        layout = subject(name).layout(size)
        for x, y, width, height in boxes(size):
            shown = set(layout.showing((x, y, width, height)).tolist())
            nearest = changed(name, Image.Resampling.NEAREST, size, (x, y, width, height))
            assert nearest <= shown, (size, (x, y, width, height))
            around = changed(name, Image.Resampling.BILINEAR, size, (x - 1, y - 1, width + 2, height + 2))
            assert shown <= around, (size, (x, y, width, height))


@pytest.mark.parametrize("name", WITH_REGIONS)
def test_padding_and_separators_show_nothing(name: str) -> None:
    """Whatever the picture holds, they look the same."""
    for size in family(name).sizes:
        layout = subject(name).layout(size)
        everywhere = changed(name, Image.Resampling.NEAREST, size, (0, 0, *size))
        assert not everywhere & {*layout.padding.tolist(), *layout.separators.tolist()}
        assert everywhere | {*layout.padding.tolist(), *layout.separators.tolist()} <= set(range(layout.tokens))
        of_no_place = layout.padding.size + layout.separators.size + len(layout.tiles) * family(name).class_tokens
        assert layout.showing((0, 0, *size)).size + of_no_place == layout.tokens
