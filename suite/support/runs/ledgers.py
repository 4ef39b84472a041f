"""Records and ledgers that no run left, for tests of what becomes of them."""

from dataclasses import replace
from typing import Any

from hypothesis import settings

from reports.ledger.curves import CurveRecord, Example, ReadingRecord
from reports.ledger.ledger import Environment, Ledger, MeasurementRecord, ModelRecord
from reports.ledger.record import VERDICTS, Record

TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr", "all")
PATIENT = settings(deadline=None, max_examples=50)
LONGEST_ID = "routes.direct-image-path-is-negligible-beside-indirect"


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "claim": "stages.early-drop",
        "section": "5",
        "figure": "4",
        "sentence": "Blocked early, the image costs the answer most.",
        "model": "miniature",
        "task": "ChooseAttr",
        "verdict": "holds",
    }
    return Record(**{**fields, **changes})


MEASURED = record(
    effect=57.25,
    low=52.0,
    high=62.5,
    bound=">= 40",
    parts=({"label": "a|b", "verdict": "holds", "effect": 57.25, "low": 52.0, "high": 62.5, "unit": "points"},),
    bound_from="card",
    n=117,
    unit="points",
    layers=(0, 1, 2, 7),
    seconds=0.5,
    notes=("one question makes over a tenth of the mean",),
    twin=55.0,
)


def ledger(*records: Record, measurements: tuple[MeasurementRecord, ...] = ()) -> Ledger:
    return Ledger(
        environment=Environment(
            python="3.11.7",
            platform="Linux",
            packages={"numpy": "2.0"},
            command="pytest suite/",
            started="2026-01-01T00:00:00+00:00",
            seconds=1.5,
        ),
        models=(ModelRecord(name="miniature", fingerprint="f00d", layers=14, width=3, dtype="float32", device="cpu"),),
        measurements=measurements,
        records=records,
    )


SET_ASIDE = MeasurementRecord(
    model="miniature", task="ChooseAttr", asked=128, kept=117, set_aside={"wrong | answer": 11}
)


def rows(*models: str) -> list[Record]:
    claims = (LONGEST_ID, "routes.question-dominates-image", "stages.early-drop")
    cycle = [verdict for verdict in VERDICTS for _ in range(2)]
    return [
        record(claim=claim, model=model, task=task, verdict=cycle[(7 * i + 3 * j) % len(cycle)])
        for i, claim in enumerate(claims)
        for model in models
        for j, task in enumerate(TASKS)
    ]


def measured(task: str, model: str = "miniature", **reasons: int) -> MeasurementRecord:
    by_reason = {reason.replace("_", " "): count for reason, count in reasons.items()}
    return MeasurementRecord(model=model, task=task, asked=128, kept=128 - sum(reasons.values()), set_aside=by_reason)


OVER_TWO = "over 2 of the paper's 6 tasks: ChooseAttr, QueryAttr"

PLANNED = record(verdict="not run", reason="the run ended before this test")

PEAK = {"label": "peak of P(lower)", "effect": 3.0, "low": 2.0, "high": 4.0, "bound": ">= 20", "unit": "%"}
DEPTH = {"label": "its depth", "effect": None, "bound": "in [0.35, 0.85]", "unit": "of depth"}
EARLY = {"label": "P(lower) at 0.333333 of depth", "effect": 1.0, "low": 0.5, "high": 1.5, "bound": "<= 2", "unit": "%"}
COMPOSITE = record(
    verdict="fails", effect=3.0, low=2.0, high=4.0, bound=">= 20", unit="%", n=117, notes=("a note",),
    parts=(
        {**PEAK, "verdict": "fails", "notes": ["a note"]},
        {**DEPTH, "verdict": "inconclusive", "reason": "nothing to locate"},
        {**EARLY, "verdict": "holds"},
    ),
)  # fmt: skip


def curve(
    name: str = "c(image->question)", task: str = "ChooseAttr", model: str = "miniature", points: int = 14
) -> CurveRecord:
    """A curve that falls by 30 at its second point; a lens is of the same model."""
    is_lens = name.startswith("P(")
    mean = tuple(30.0 if is_lens else -30.0 if place == 1 else 0.0 for place in range(points + is_lens))
    low, high = tuple(value - 5 for value in mean), tuple(value + 5 for value in mean)
    kind, unit = ("lens", "%") if is_lens else ("knockout", "points")
    return CurveRecord(model=model, task=task, name=name, kind=kind, unit=unit, n=117, mean=mean, low=low, high=high)


def example(**changes: Any) -> Example:
    fields: dict[str, Any] = {
        "model": "miniature",
        "task": "ChooseAttr",
        "id": "0123",
        "text": "Is the cat red or blue?",
        "answer": "red",
        "said": "Red",
        "kept": True,
        "size": (64, 48),
        "boxes": ({"name": "cat", "box": [8, 8, 16, 16]},),
        "patches": ((0.0, 0.0, 32.0, 8.0),),
        "curves": {"c(image->question)": [-30.0] * 14, "P(lowercase)": [10.0] * 15},
    }
    return Example(**{**fields, **changes})


EDGES = (
    "c(image->question)", "c(image->last)", "c(question->last)", "c(last->last)", "c(related->question)",
    "c(other->question)", "P(lowercase)", "P(capitalized)",
)  # fmt: skip


def whole(model: str = "miniature") -> Ledger:
    """A ledger with everything in it: a claim that fails on six tasks, all curves, and examples."""
    reading = ReadingRecord("c(image->question)", 0, 1, -1)
    records = tuple(
        replace(MEASURED, task=task, model=model, verdict="fails", parts=(), readings=(reading,)) for task in TASKS[:-1]
    )
    made_up = ledger(*records, measurements=tuple(measured(task, model, answered_otherwise=2) for task in TASKS[:-1]))
    return replace(
        made_up,
        models=tuple(replace(each, name=model) for each in made_up.models),
        curves=tuple(curve(name, task, model) for task in TASKS[:-1] for name in EDGES),
        examples=(example(model=model), example(model=model, id="4", kept=False, said="Blue", curves={})),
    )
