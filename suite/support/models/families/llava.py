"""LLaVA-1.5: CLIP at 56 pixels in patches of 14, and a Llama."""

from __future__ import annotations

from typing import Any

from suite.support.models import tiny_llava
from suite.support.models.families import Family, lively


def build() -> tuple[Any, Any]:
    return lively(tiny_llava.model()), tiny_llava.processor()


FAMILY = Family(build, styles=("paper", "chat"))
