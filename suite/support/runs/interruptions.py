"""Measurements that break off after some batches, and what of two measurements is the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from fixtures.bench import measurement_file
from fixtures.instruments.checkpoint import CompletedBatches, PromptResult
from fixtures.measurement import Measurement

ADD = CompletedBatches.add


class Killed(BaseException):
    """What no work catches, as an interrupt."""


def break_off(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """From now on a measurement is `Killed` when *after* batches are done."""
    left = [after]

    def count_and_add(stage: CompletedBatches, batch: Any, rows: Iterable[PromptResult]) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        ADD(stage, batch, rows)

    monkeypatch.setattr(CompletedBatches, "add", count_and_add)


def same(one: Measurement, other: Measurement) -> bool:
    """Whether all is the same bit by bit, the time that it took aside."""
    arrays, others = measurement_file.to_arrays(one), measurement_file.to_arrays(other)
    content, other_content = (json.loads(bytes(members.pop("json"))) for members in (arrays, others))
    for provenance in (content["provenance"], other_content["provenance"]):
        provenance.pop("seconds")
    numbers = all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)
    return arrays.keys() == others.keys() and numbers and content == other_content
