"""A softmax that rounds is heard where it is taken, in the decoder's layers alone."""

from __future__ import annotations

from typing import cast

import pytest
import torch

from fixtures.instruments.contract import check
from fixtures.instruments.forward import last_logits
from fixtures.instruments.softmax_dtype import softmaxes
from fixtures.models import wrap
from fixtures.models.base import Subject
from suite.support.models.families.llava import build
from suite.support.models.pixel_oracle import question


def subject_of(dtype: torch.dtype, decoder: str, encoder: str = "sdpa") -> Subject:
    model, processor = build()
    model = model.to(dtype)
    model.config.text_config._attn_implementation = decoder
    model.config.vision_config._attn_implementation = encoder
    return wrap(model, processor)


@pytest.mark.parametrize(
    ("dtype", "decoder", "encoder", "expected"),
    [
        (torch.float64, "eager", "sdpa", [torch.float32]),
        (torch.float64, "sdpa", "sdpa", []),
        (torch.float64, "sdpa", "eager", []),
        (torch.float32, "eager", "eager", []),
        (torch.bfloat16, "eager", "eager", []),
    ],
)
def test_what_is_heard(dtype: torch.dtype, decoder: str, encoder: str, expected: list[torch.dtype]) -> None:
    subject = subject_of(dtype, decoder, encoder)
    prompt = subject.encode(question((60, 60)))
    with torch.inference_mode(), softmaxes(subject) as observations:
        last_logits(subject, dict(subject.batch([prompt])))
    assert observations == expected
    attentions = [cast(torch.nn.Module, layer.self_attn) for layer in subject.decoder_layers]
    assert not any(attention._forward_hooks or attention._forward_pre_hooks for attention in attentions)


def test_a_model_that_rounds_is_held_to_what_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the measured dtype, rounding alone would break its contract."""
    subject = subject_of(torch.float64, "eager")
    assert check(subject, [question((60, 60))]).passed
    monkeypatch.setattr("fixtures.instruments.softmax_dtype.SOFTMAXES", ())
    result = check(subject, [question((60, 60))])
    assert result.failed == ("identity",)


def test_a_router_is_not_listened_to() -> None:
    """Of four experts two are chosen by a softmax in float32, which says nothing of attention."""
    from suite.support.models.families.qwen3_vl_moe import FAMILY

    model, processor = FAMILY.build()
    model.set_experts_implementation("eager")  # torch groups products of experts up to float32 alone
    subject = wrap(model.double(), processor)
    contract = check(subject, [question((60, 60))])
    assert contract.passed, contract.checks
    assert "softmax" not in contract.checks["identity"]
