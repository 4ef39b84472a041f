"""A model with another family's processor works or is refused in one sentence; no other error is raised."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fixtures.instruments.contract import check
from fixtures.models import load, wrap
from fixtures.models.base import Subject
from fixtures.models.errors import ModelUnavailable, Unaskable
from suite.support.models.families import families
from suite.support.models.pixel_oracle import question
from suite.support.models.refusals import wrap_refusal
from suite.support.repository import ROOT

FAMILIES = families()

WORK = {
    frozenset({"llava", "vipllava"}),
    frozenset({"llava_next", "llava_next_mistral"}),
    frozenset({"paligemma", "paligemma2"}),
    *map(frozenset, combinations(("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"), 2)),
}
"""The pairs of families that share a processor's class, or all of its relevant settings."""


@cache
def parts_of(name: str) -> tuple[Any, Any]:
    return FAMILIES[name].build()


def refusal_of(model: Any, processor: Any) -> str:
    """The sentence of the refusal, which must say what to do next."""
    sentence = wrap_refusal(model, processor)
    assert ": " in sentence, "it says what next"
    return sentence


@pytest.mark.parametrize("name", FAMILIES)
def test_every_other_familys_processor(name: str) -> None:
    model, _ = parts_of(name)
    cases = [question(size, seed) for seed, size in enumerate(FAMILIES[name].sizes)]
    for other in FAMILIES:
        processor = parts_of(other)[1]
        if other == name:
            continue
        if frozenset({name, other}) in WORK:
            contract = check(wrap(model, processor), cases)
            assert contract.passed, (other, contract.checks)
            continue
        with pytest.raises(ModelUnavailable) as refusal:
            wrap(model, processor).encode(cases[0])
        assert "\n" not in str(refusal.value), other
        assert ": " in str(refusal.value), other


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_no_processor(name: str) -> None:
    model, processor = parts_of(name)
    assert "the processor of " in refusal_of(model, None)
    assert "None, has no tokenizer and no image_processor: give it the processor" in refusal_of(model, None)
    assert "str, has no tokenizer and no image_processor: give it the processor" in refusal_of(model, "owner/name")
    assert "has no tokenizer and no image_processor" in refusal_of(model, processor.tokenizer)
    assert "has no tokenizer and no image_processor" in refusal_of(model, processor.image_processor)


@pytest.mark.parametrize("thing", [None, "owner/name", 7, {"model_type": "llava"}])
def test_what_is_no_model(thing: Any) -> None:
    sentence = refusal_of(thing, parts_of("llava")[1])
    assert sentence.startswith(
        f"what was given as a model is {'None' if thing is None else type(thing).__name__}: give "
    )


def test_a_setting_that_is_missing_is_named_with_the_processor_that_has_it() -> None:
    assert refusal_of(parts_of("blip_2")[0], parts_of("llava")[1]) == (
        "the processor of Blip2ForConditionalGeneration, LlavaProcessor, has no num_query_tokens, which models of the "
        "family blip-2 go by: give it the processor that belongs to it (Blip2Processor)"
    )
    sentence = refusal_of(parts_of("mllama")[0], parts_of("qwen2_vl")[1])
    assert "the image processor of MllamaForConditionalGeneration, Qwen2VLImageProcessor" in sentence
    assert "has no max_image_tiles" in sentence


def test_a_configuration_that_lacks_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subject, "prompt_text", lambda self, text: self.config.vision_config.of_another_release)
    with pytest.raises(ModelUnavailable) as error:
        wrap(*parts_of("llava")).encode(question((60, 60)))
    assert str(error.value) == (
        "the configuration of LlavaForConditionalGeneration, CLIPVisionConfig, has no of_another_release, which models "
        "of the family llava go by: restore its config.json"
    )


def test_a_defect_of_an_adapters_own_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subject, "prompt_text", lambda self, text: self.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        wrap(*parts_of("llava")).encode(question((60, 60)))


def test_a_picture_that_the_processor_refuses_is_about_its_question_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same refusal of every picture is about the processor."""
    subject = wrap(*parts_of("llava"))
    own, narrowest = type(subject.processor).__call__, 50

    def picky(self: Any, images: Image.Image, **options: Any) -> Any:
        if min(images.size) < narrowest:
            raise ValueError("such a picture\nI do not take")
        return own(self, images=images, **options)

    monkeypatch.setattr(type(subject.processor), "__call__", picky)
    assert subject.encode(question((60, 60))).input_ids.size
    with pytest.raises(Unaskable, match=r"does not take a picture of 60 x 40 pixels .* \(such a picture\): leave the"):
        subject.encode(question((60, 40)))
    narrowest = np.inf
    with pytest.raises(ModelUnavailable, match=r"make nothing of a picture and a prompt \(ValueError: such a picture"):
        subject.encode(question((60, 60)))


def test_a_tokenizer_of_more_tokens_than_the_model_embeds() -> None:
    planted, miniature = load("planted", "cpu"), load("miniature", "cpu")
    tokens, rows = len(miniature.tokenizer), planted.model.config.text_config.vocab_size
    assert tokens > rows
    sentence = refusal_of(planted.model, miniature.processor)
    assert f" knows {tokens} tokens and the model embeds {rows}: give it the processor that belongs to it" in sentence


def test_a_token_that_was_added_need_not_be_embedded() -> None:
    from copy import deepcopy

    model, processor = parts_of("llava")
    longer = deepcopy(processor)
    longer.tokenizer.add_tokens(["<never written>"])
    assert len(longer.tokenizer) > len(model.get_input_embeddings().weight)
    assert wrap(model, longer).encode(question((60, 60))).input_ids.size


def test_a_chat_template_that_is_broken() -> None:
    from copy import copy

    model, processor = parts_of("llava")
    with_a_broken_template = copy(processor)
    with_a_broken_template.chat_template = "{{ messages[0].nobody.content }}"
    with pytest.raises(ModelUnavailable, match=r"has no usable chat template \(.*\): add one to its folder"):
        wrap(model, with_a_broken_template).encode(question((60, 60)))


def run_selected(model: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ("suite/calibration/test_selected.py", "-p", "no:cacheprovider", "--model", str(model), *arguments)
    command = [sys.executable, "-m", "pytest", "-q", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_stands_in_the_way_of_a_selected_model_is_said_once(tmp_path: Path) -> None:
    parts_of("llava")[0].save_pretrained(tmp_path / "wrong")
    parts_of("mllama")[1].save_pretrained(tmp_path / "wrong")
    # Where it knows that it is in CI, pytest's summary tells a failure's whole text once more.
    ran = run_selected(tmp_path / "wrong", "--curves", str(tmp_path / "curves"), "-rN")
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED
    assert ran.stdout.count(" knows 418 tokens and the model embeds 417: give it the processor") == 1
    assert "1 failed, 9 skipped" in ran.stdout
    assert "Error" not in ran.stdout
    assert ".py:" not in ran.stdout.replace("test_selected.py::", ""), "no frame is shown"


def test_a_selected_model_that_takes_no_picture_of_our_own_is_skipped_with_its_reason() -> None:
    ran = run_selected(Path("planted"), "-k", "patches", "-rs")
    assert ran.returncode == pytest.ExitCode.OK
    assert "1 skipped" in ran.stdout
    assert "planted sees the bundled scenes alone and 0 is none of them: leave --gqa" in ran.stdout


def test_a_selected_model_is_looked_at_before_any_test(tmp_path: Path) -> None:
    parts_of("llava")[0].save_pretrained(tmp_path)
    ran = run_selected(tmp_path)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    (sentence,) = [line for line in ran.stderr.splitlines() if line]
    assert sentence.startswith(f"ERROR: --model {tmp_path} has no processor (processor_config.json or ")
