"""The README's table of what each adapter can measure agrees with the adapters' tiny models."""

from __future__ import annotations

from collections import defaultdict

import pytest
import torch

from fixtures.flow import BASE, PADDING, RELATED, SEPARATOR, SUFFIX, TILES, Span
from fixtures.models import wrap
from fixtures.models.adapter_lookup import registry
from suite.support.models.families import families
from suite.support.models.pixel_oracle import question
from suite.support.repository import ROOT

README = ROOT / "fixtures" / "README.md"
COLUMNS = ((RELATED,), (PADDING,), (SEPARATOR,), (BASE, TILES), (SUFFIX,))
NO = "-"


def written() -> dict[str, tuple[bool, ...]]:
    """For each adapter, which of `COLUMNS` its row of the table promises."""
    lines = README.read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("| adapter |")) + 2
    rows: dict[str, tuple[bool, ...]] = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name.strip("`")] = tuple(cell != NO for cell in cells)
    return rows


def measurable() -> dict[str, tuple[bool, ...]]:
    """For each adapter, which of `COLUMNS` a prompt of its tiny models has."""
    spans_of: dict[str, set[Span]] = defaultdict(set)
    for family in families().values():
        for style in family.styles:
            subject = wrap(*family.build(), style)
            for size in family.sizes:
                spans_of[type(subject).__name__] |= set(subject.encode(question(size), picture=False).spans)
    return {name: tuple(spans >= set(column) for column in COLUMNS) for name, spans in spans_of.items()}


def test_the_table_is_true() -> None:
    assert written() == measurable()


def test_every_adapter_has_a_row() -> None:
    assert set(written()) == {line.partition(":")[2] for line in registry()["families"].values()}


@pytest.mark.parametrize("name", families())
def test_a_family_is_the_same_in_every_process(name: str) -> None:
    """Whatever its classes draw for themselves."""
    states: list[dict[str, torch.Tensor]] = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(families()[name].build()[0].state_dict())
    assert not [key for key, weight in states[0].items() if not torch.equal(weight, states[1][key])]
