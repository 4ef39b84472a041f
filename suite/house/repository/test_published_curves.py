"""What the README of the suite says of published curves is what each claim's own test makes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pytest

from fixtures.flow import Edge
from fixtures.statistics.curve import Curve
from fixtures.statistics.evidence import Evidence, Inconclusive, journal
from fixtures.statistics.resampling import resampling
from reports.claim import REGISTER
from suite.support.curves.claim_cases import claims
from suite.support.repository import REFERENCE, SUITE

HEADING = "## What published curves would say"
LAYERS = 32
"""LLaVA-1.5-7B's."""

COPIES = 60
"""A mean has no questions: these stand for it, all alike, so that every half and resample is the mean."""

SAID = {"holds": "on the claimed side", "fails": "on the other side", "inconclusive": "nothing to locate"}

pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the published curves are not part of this repository")


class Absent(Exception):
    """The source has no such curve."""


@dataclass(frozen=True)
class Source:
    """A file of published curves, in place of a model's: `flow(edge)`, as a claim asks it."""

    file: str
    key: str
    """The field that holds the curves, or the one curve."""
    unit: Any = "points"
    """Or nats, in which no model is measured here."""
    sign: int = 1
    task: str = "ChooseAttr"

    def __call__(self, edge: Edge, width: int | None = None) -> Curve:
        if str(edge) not in self.curves or width is not None:
            raise Absent
        values = self.sign * np.array(self.curves[str(edge)], dtype=np.float64)
        # Layers that were not published are left at no effect, which no statistic of the table lies on.
        values = np.tile(np.pad(values, (0, LAYERS - len(values))), (COPIES, 1))
        sample = resampling([str(each) for each in range(COPIES)], 0, 50)
        return Curve(f"c({edge})", values, np.arange(LAYERS) / LAYERS, self.unit, sample, None, "knockout")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise Absent

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return json.loads((REFERENCE / self.file).read_text(encoding="utf-8"))

    @cached_property
    def curves(self) -> Mapping[str, list[float]]:
        result = self.data[self.key]
        named = {self.data["edge"]: result} if isinstance(result, list) else result
        return {name.partition(" (")[0]: curve for name, curve in named.items()}

    @property
    def n(self) -> int:
        """As the file has it: a count, a part of the source's name, or one question by its id."""
        counted = re.search(r"n=(\d+)", self.data["source"])
        return self.data.get("samples") or (int(counted[1]) if counted else len([self.data["question_id"]]))

    @property
    def repository(self) -> str:
        result = re.search(r"github\.com/([\w.-]+/[\w.-]+)", self.data["source"])
        assert result
        return result[1]

    @cached_property
    def asked(self) -> Mapping[str, Evidence]:
        """What each claim's own test asserts of these curves, where they are all that it reads."""
        result: dict[str, Evidence] = {}
        for claim, test in claims().items():
            entry = REGISTER[claim]
            if entry.models or self.task not in (entry.tasks or (self.task,)):
                continue
            asserted: list[Evidence] = []
            token = journal.set(asserted)
            try:
                test(self)
            except (AssertionError, Inconclusive):
                pass
            except Absent:
                continue
            finally:
                journal.reset(token)
            result[claim] = asserted[-1]
        return result


SOURCES = {
    "a": Source("llava-1.5-7b_ChooseAttr_question-to-last_w9.json", "mean_relative_change_percent"),
    "b": Source("llava-1.5-7b_clevr-lite_w1_margin.json", "mean_margin_drop", unit="nats", sign=-1),
    "c": Source("llava-1.5-7b_gqa_07302654.json", "relative_change_percent"),
}


class Row(NamedTuple):
    """A line of the table."""

    claim: str
    source: str
    n: str
    statistic: str
    bound: str
    would_say: str


def section() -> str:
    return (SUITE / "README.md").read_text(encoding="utf-8").split(f"{HEADING}\n", 1)[1].split("\n## ", 1)[0]


def rows() -> list[Row]:
    lines = [line for line in section().splitlines() if line.startswith("| `")]
    return [Row(*(cell.strip(" `") for cell in line.strip("| ").split(" | "))) for line in lines]


@pytest.mark.parametrize("name", SOURCES)
def test_the_table_holds_every_claim_that_a_source_can_be_asked(name: str) -> None:
    asked = [row.claim for row in rows() if row.source == name]
    assert sorted(asked) == sorted(SOURCES[name].asked)


@pytest.mark.parametrize("name", SOURCES)
def test_each_number_is_the_claims_own(name: str) -> None:
    asked = SOURCES[name].asked
    for row in rows():
        if row.source == name:
            evidence = asked[row.claim]
            assert row.n == f"{SOURCES[name].n:,}"
            assert row.bound.replace("2/3", "0.666667").split()[:2] == evidence.bound.split(), row
            assert (row.statistic, row.would_say) == (stated(row.statistic, evidence), would_say(evidence)), row


def stated(text: str, evidence: Evidence) -> str:
    """The evidence's number, in as many decimals as *text* has."""
    if evidence.verdict == "inconclusive":
        return "-"
    decimals = len(text.split(maxsplit=1)[0].partition(".")[2])
    return f"{evidence.value:.{decimals}f} {evidence.unit}".strip()


def would_say(evidence: Evidence) -> str:
    """On which side it lies; a bound in points is none in nats, but for zero."""
    is_comparable = evidence.unit != "nats" or evidence.bound.split()[1] == "0"
    return SAID[evidence.verdict] if is_comparable else "another unit"


def said_of(name: str) -> str:
    (line,) = [line for line in section().splitlines() if line.startswith(f"- **{name}**")]
    return line


@pytest.mark.parametrize("name", SOURCES)
def test_each_source_is_named(name: str) -> None:
    line = said_of(name)
    assert SOURCES[name].repository in line
    assert f"{SOURCES[name].n:,} " in line or SOURCES[name].n == 1


def test_what_is_said_of_a_source_is_in_its_file() -> None:
    a, b, c = (SOURCES[name].data for name in SOURCES)
    assert f"windows of {a['window']}" in said_of("a")
    assert f"`{a['edge']}`" in said_of("a")
    (base,) = re.findall(r"base ([\d.]+),", b["source"])
    assert f"({float(base):.2f} without a cut)" in said_of("b")
    (layers,) = re.findall(r"image->question \(layers ([\d-]+)\)", " ".join(b["mean_margin_drop"]))
    assert f"layers {layers} only" in said_of("b")
    assert "window 1," in b["source"]
    assert "window 9," in c["source"]
    assert len(c["relative_change_percent"]) == 5
