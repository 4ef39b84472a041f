"""Checks that the refusal of a model is one line that says what is wrong and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.models import load, wrap
from fixtures.models.errors import ModelUnavailable


def refusal(name: str | Path, **options: Any) -> str:
    """The sentence with which `load(name, **options)` refuses; the test fails where the model loads."""
    with pytest.raises(ModelUnavailable) as caught_error:
        load(str(name), **options)
    return _one_line(caught_error.value)


def wrap_refusal(model: Any, processor: Any) -> str:
    """The sentence with which `wrap(model, processor)` refuses; the test fails where the pair is accepted."""
    with pytest.raises(ModelUnavailable) as caught_error:
        wrap(model, processor)
    return _one_line(caught_error.value)


def _one_line(error: ModelUnavailable) -> str:
    sentence = str(error)
    assert "\n" not in sentence
    return sentence
