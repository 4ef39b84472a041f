"""The contract passes a sound model, and each of its six checks catches the fault that it is there for."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import wraps
from typing import Any, cast

import numpy as np
import pytest
import torch

from fixtures.flow import LAST, QUESTION
from fixtures.instruments.contract import Contract, check
from fixtures.instruments.engines import ENGINES
from fixtures.instruments.engines.engine import EngineResult
from fixtures.instruments.engines.fast import sweep
from fixtures.models.prompt import Prompt
from fixtures.question import Question
from fixtures.tasks import PicturesUnavailable
from suite.support.models.words_llava import TinySubject, tiny_model, tiny_question, tiny_subject

CHECKS = ["spans", "identity", "liveness", "null control", "lens", "engine"]
ASKED = [tiny_question(seed, words=3 + seed % 2) for seed in range(4)]


def contract(subject: TinySubject, questions: Sequence[Question] = ASKED) -> Contract:
    return check(subject, questions)


class WithoutLastWord(TinySubject):
    """Its question span misses a word."""

    def encode(self, question: Question, picture: bool = True) -> Prompt:
        prompt = super().encode(question, picture)
        return replace(prompt, spans={**prompt.spans, QUESTION: prompt.spans[QUESTION][:-1]})


class ReadsTheFirstPosition(TinySubject):
    """Its last position is not the prompt's last."""

    def encode(self, question: Question, picture: bool = True) -> Prompt:
        prompt = super().encode(question, picture)
        return replace(prompt, spans={**prompt.spans, LAST: np.array([0])})


class NamesTheTowersConfig(TinySubject):
    """Its knockout would be set on the vision tower."""

    @property
    def decoder_config(self) -> Any:
        return cast(Any, self.model).model.vision_tower.config


class NamesTheWrongHead(TinySubject):
    """Its unembedding is not the model's."""

    @property
    def unembed(self) -> torch.nn.Module:
        return cast(Any, self.model).model.language_model.layers[0].mlp.down_proj


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_sound_model_passes(dtype: torch.dtype) -> None:
    result = check(tiny_subject(dtype=dtype), ASKED)
    assert result.passed, result.checks
    assert list(result.checks) == CHECKS
    assert result.failed == ()


@pytest.mark.parametrize(
    ("subject", "failed", "says"),
    [
        (WithoutLastWord, ["spans"], "the question's positions of q0 read"),
        (
            ReadsTheFirstPosition,
            ["spans", "null control"],
            "the last position of question q0 is not its prompt's last",
        ),
        (
            NamesTheTowersConfig,
            ["identity", "liveness", "null control", "engine"],
            "do not run the attention registered",
        ),
        (NamesTheWrongHead, ["lens", "engine"], ""),
    ],
)
def test_an_adapters_fault_is_caught(subject: type[TinySubject], failed: list[str], says: str) -> None:
    result = contract(subject(tiny_model()))
    assert list(result.failed) == failed, result.checks
    assert not result.passed
    assert says in result.checks[failed[0]]


def test_a_model_that_attends_to_nothing_is_not_alive() -> None:
    model = deepcopy(tiny_model())
    for layer in cast(Any, model).model.language_model.layers:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
    result = contract(TinySubject(model))
    assert result.failed == ("liveness",)
    assert "does not reach the model" in result.checks["liveness"]


def test_a_model_that_rescales_its_output_is_misread_by_the_lens(monkeypatch: pytest.MonkeyPatch) -> None:
    model = cast(Any, deepcopy(tiny_model()))
    forward = model.forward

    @wraps(forward)
    def rescale(**options: Any) -> Any:
        output = forward(**options)
        output.logits = output.logits * 1.01
        return output

    monkeypatch.setattr(model, "forward", rescale)
    result = contract(TinySubject(model))
    assert result.failed == ("lens", "engine")
    assert "are not those of its unembedding" in result.checks["lens"]


def test_a_model_that_looks_ahead_fails_the_null_control(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = TinySubject(tiny_model())
    monkeypatch.setattr(subject.decoder_config, "is_causal", False, raising=False)
    result = contract(subject)
    assert "null control" in result.failed
    assert "last->question" in result.checks["null control"]


def test_output_that_is_no_number_is_a_failed_check() -> None:
    model = deepcopy(tiny_model())
    torch.nn.init.constant_(model.lm_head.weight, torch.nan)
    result = contract(TinySubject(model))
    assert list(result.failed) == CHECKS[1:]
    assert "NotFinite: tiny in float32" in result.checks["identity"]


def test_questions_that_cannot_be_asked_are_passed_over() -> None:
    blind = [replace(question, image_id="") for question in ASKED]
    assert contract(TinySubject(tiny_model()), [*blind, *ASKED]).passed
    with pytest.raises(PicturesUnavailable, match="4 picture missing or damaged"):
        contract(TinySubject(tiny_model()), blind)
    unaskable = [*blind, replace(ASKED[0], text="no word of it is known")]
    result = contract(TinySubject(tiny_model()), unaskable)
    assert list(result.failed) == CHECKS
    assert "1 unknown word" in result.checks["spans"]
    assert "none was given" in contract(TinySubject(tiny_model()), []).checks["spans"]


def test_an_engine_that_is_a_layer_off_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*arguments: Any, **options: Any) -> EngineResult:
        result = sweep(*arguments, **options)
        return replace(result, knocked=np.roll(result.knocked, 1, axis=-1))

    monkeypatch.setitem(cast(Any, ENGINES), "fast", lambda: off)
    result = contract(TinySubject(tiny_model()))
    assert result.failed == ("engine",)
    assert "the engine 'fast' differs from the reference by" in result.checks["engine"]


def test_the_reference_engine_passes_too() -> None:
    assert check(tiny_subject(), ASKED, engine="reference").passed
