"""Idefics without a resampler: a class token and patches of 14 pixels of a picture squeezed into a square."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import Family, idefics


def build() -> tuple[Any, Any]:
    return idefics.build(side=56, use_resampler=False, cross_layer_interval=1, alpha_type="vector")


FAMILY = Family(build, class_tokens=1)
