"""LLaVA-NeXT with a Mistral, for which the paper has no prompt."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import Family
from suite.support.models.families.llava_next import build as llava_next


def build() -> tuple[Any, Any]:
    return llava_next("MistralConfig")


FAMILY = Family(build, sizes=((112, 56), (41, 97)))
