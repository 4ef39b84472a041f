"""A run in the formats that other programs take: LaTeX for a paper, a model card, and JUnit's properties."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any, cast

from reports.ledger.ledger import Ledger, MeasurementRecord
from reports.ledger.record import EVERY_TASK, Record
from reports.ledger.strict_json import as_json
from reports.text.numbers import effect
from reports.text.tables import EXPECTED, UNEXPECTED, columns, tally, word

CARD_DIGITS = 4
"""Significant digits of an effect in a model card; its interval is wider."""

REPORTED = ("verdict", "expected", "expected_because", "effect", "low", "high", "unit", "bound", "n", "reason")
"""The fields of the evidence that become JUnit properties, next to the claim's own."""


def claims_latex(ledger: Ledger) -> str:
    """Two tables with the rules of `booktabs`, claims by tasks: the verdicts, and the effects with their intervals."""
    tables: list[str] = []
    for model, records in _by_model(ledger.records):
        for what, cell in (("Verdicts", word), ("Effects with 95\\,\\% intervals", _interval)):
            rows = [
                [claim, *(cell(by_task[task]) if task in by_task else "" for task in columns(records))]
                for claim, by_task in _by_claim(records)
            ]
            tables.append(_latex(rows, ["claim", *columns(records)], f"{what}: {_texed(model)}."))
    heading = (
        "% \\usepackage{booktabs}",
        f"% {' '.join(tally(ledger.records).split())}",
        f"% {EXPECTED} expected, {UNEXPECTED} not what was expected",
    )
    return "\n".join([*heading, *tables])


def model_card(ledger: Ledger) -> str:
    """The front matter of a model card for each model, its effects as results of `model-index`."""
    from huggingface_hub import repocard_data

    hub: Any = repocard_data

    source = {(row.model, row.task): row for row in ledger.measurements}
    cards: list[str] = []
    for model, records in _by_model(ledger.records):
        results = [
            hub.EvalResult(
                task_type="visual-question-answering",
                dataset_type="gqa",
                dataset_config=record.task,  # results of one data set and no config would be joined
                dataset_name=record.task if record.task != EVERY_TASK else "the tasks together",
                dataset_args=_draw(source.get((model, record.task))),
                metric_type=record.claim,
                metric_name=f"{record.statistic or record.claim} ({record.verdict})",
                metric_value=float(f"{record.effect:.{CARD_DIGITS}g}"),
            )
            for record in records
            if record.effect is not None
        ]
        if results:
            card = hub.ModelCardData(model_name=model, eval_results=results)
            cards.append(f"---\n{card.to_yaml()}\n---\n")
    return "\n".join(cards)


def text_properties(claim: Mapping[str, Any], evidence: object) -> list[tuple[str, str]]:
    """The report of a test of *claim* as names with text, for readers that take only text, such as JUnit's."""
    fields: Mapping[str, object] = cast("Mapping[str, object]", evidence) if isinstance(evidence, Mapping) else {}
    facts = {
        "claim": claim.get("id"),
        **{name: claim.get(name) for name in ("section", "figure", "model", "task")},
        **{name: fields.get(name) for name in REPORTED},
    }
    return [(name, str(value)) for name, value in facts.items() if value is not None and value != ""]


def _draw(measurement: MeasurementRecord | None) -> dict[str, Any] | None:
    """The number, seed and source of the questions, as arguments of the data set."""
    if measurement is None:
        return None
    draw = {"questions": measurement.asked, "seed": measurement.seed, "source": measurement.source}
    return draw if measurement.at_most is None else {**draw, "measured": measurement.kept}


def _by_model(records: tuple[Record, ...]) -> list[tuple[str, list[Record]]]:
    models = dict.fromkeys(record.model for record in records)
    return [(model, [record for record in records if record.model == model]) for model in models]


def _by_claim(records: list[Record]) -> list[tuple[str, dict[str, Record]]]:
    grouped = groupby(records, key=lambda record: record.claim)
    return [(claim, {record.task: record for record in of_claim}) for claim, of_claim in grouped]


def _interval(record: Record) -> str:
    return effect({**as_json(record), "unit": ""})


def _latex(rows: list[list[str]], heads: list[str], caption: str) -> str:
    from tabulate import tabulate

    # tabulate escapes what LaTeX would take for its own.
    body = tabulate(rows, heads, tablefmt="latex_booktabs", disable_numparse=True)
    opening = "\\begin{table*}\n\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}"
    return "\n".join([opening, str(body), f"\\caption{{{caption}}}", "\\end{table*}\n"])


def _texed(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\{}$&#^_%~]", lambda match: special.get(match[0], f"\\{match[0]}"), " ".join(text.split()))
