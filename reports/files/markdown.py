"""A ledger becomes Markdown: the table of verdicts, and every claim with its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from reports.ledger.ledger import Ledger, ModelRecord
from reports.ledger.record import Record
from reports.ledger.strict_json import as_json
from reports.text.holm import standing
from reports.text.numbers import bound, effect, fractions, layers_in_words, p_value
from reports.text.remarks import cut_short, left_out, noise_floor, set_aside
from reports.text.tables import columns, deciding, legend, part_line, tally, word

MARKDOWN = "claims.md"


FINGERPRINT_DIGITS = 12
"""Enough to tell weights apart by eye; all of them are in the ledger."""


def claims_markdown(ledger: Ledger) -> str:
    """The table, the questions set aside, and every claim with its effects, in GitHub's Markdown."""
    records = ledger.records
    environment = ledger.environment
    blocks = [
        "# Claims",
        f"**{_escaped(tally(records).removeprefix('claims: '))}.**",
        f"`{environment.command}`, {_escaped(environment.started)}, Python {_escaped(environment.python)}, "
        f"{_escaped(environment.platform)}.",
        *(_model(model) for model in ledger.models if model.layers is not None),
        _verdicts(records),
        *(_escaped(line) for line in legend(records)),
        *(_escaped(line) for line in [standing(records)] if line),
        *(_escaped(line) for line in cut_short(ledger.unfinished, 10**6)),
        *_set_aside(ledger),
        *(_escaped(line) for line in left_out(ledger.measurements, 10**6)),
        *(_escaped(line) for line in noise_floor(ledger.measurements, 10**6)),
        *(
            _claim(tuple(of_claim)) for _, of_claim in groupby(records, key=lambda record: record.claim)
        ),
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _model(model: ModelRecord) -> str:
    facts = (
        f"{model.layers} layers, knocked out in windows of {model.width}",
        model.dtype,
        model.device,
        f"engine {model.engine}" if model.engine else "",
        f"weights {model.fingerprint[:FINGERPRINT_DIGITS]}" if model.fingerprint else "",
        f"revision {model.revision}" if model.revision else "",
    )
    return _escaped(f"{model.name}: {', '.join(text for text in facts if text)}.")


def _verdicts(records: Sequence[Record]) -> str:
    tasks = columns(records)
    one_model = _is_of_one_model(records)
    rows: list[list[str]] = []
    for (claim, model), of_row in groupby(records, key=lambda record: (record.claim, record.model)):
        cells = {record.task: word(record) for record in of_row}
        rows.append([claim, *([] if one_model else [model]), *(cells.get(task, "") for task in tasks)])
    return _table([records[0].model if one_model else "claim", *([] if one_model else ["model"]), *tasks], rows)


def _set_aside(ledger: Ledger) -> list[str]:
    """Every reason for which questions were set aside, by model and task."""
    rows = [
        [measured.model, measured.task, "" if measured.asked is None else str(measured.asked), str(count), reason]
        for measured in ledger.measurements
        for reason, count in sorted(measured.set_aside.items())
        if count
    ]
    if rows:
        return [_table(["model", "task", "questions", "set aside", "because"], rows)]
    return [_escaped(line) for line in set_aside(ledger.measurements, 10**6)]


def _claim(records: Sequence[Record]) -> str:
    first = records[0]
    one_model = _is_of_one_model(records)
    heads = ["task", "verdict", "effect [95 %]", "bound", "p (Holm)", "n", "layers", "notes"]
    rows = [_cells(record) if one_model else [record.model, *_cells(record)] for record in records]
    composite = [record for record in records if record.parts]
    return "\n\n".join(
        (
            f"## {first.claim}",
            f"{_escaped(first.sentence)} ({_escaped(_source(first))})",
            _table(heads if one_model else ["model", *heads], rows),
            *(["\n".join(line for record in composite for line in _parts(record, one_model))] if composite else []),
        )
    )


def _cells(record: Record) -> list[str]:
    head, share = deciding(record)
    decides = f"{share}: {fractions(str(head.get('label')))}" if head else ""
    # The parts tell their own notes; which tasks the whole is over is no part's.
    notes = (record.over,) if record.parts else record.notes
    expected = f"expected: {record.expected_because}" if record.expected_because else ""
    return [
        record.task,
        _verdict(record),
        effect(as_json(record)),
        bound(as_json(record)),
        p_value(record.p, record.p_holm),
        "" if record.n is None else str(record.n),
        layers_in_words(record.layers),
        "; ".join(text for text in (decides, record.reason, *notes, record.caveat, expected) if text),
    ]


def _verdict(record: Record) -> str:
    if record.is_expected:
        return f"{record.verdict} (expected)"
    return record.verdict + (f" ({record.expected} expected)" if record.expected else "")


def _parts(record: Record, one_model: bool) -> list[str]:
    """The statistics of a composite claim as a nested list, a line each: a table's cell is too narrow for them."""
    place = record.task if one_model else f"{record.model}, {record.task}"
    lines = [f"  - **{_escaped(str(part.get('verdict')))}** {_escaped(part_line(part))}" for part in record.parts]
    return [f"- {_escaped(place)}: {_escaped(_verdict(record))}", *lines]


def _is_of_one_model(records: Sequence[Record]) -> bool:
    return len({record.model for record in records}) == 1


def _source(record: Record) -> str:
    return "".join(
        (
            f"section {record.section}",
            f", figure {record.figure}" if record.figure else "",
            f"; bound from: {record.bound_from}" if record.bound_from else "",
        )
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from tabulate import tabulate

    escaped = [[_escaped(cell) for cell in row] for row in rows]
    return tabulate(escaped, [_escaped(head) for head in heads], tablefmt="github", disable_numparse=True)


def _escaped(text: str) -> str:
    """*text* on one line, with what Markdown would take for its own escaped; `<` alone opens no tag."""
    return re.sub(r"([\\|*_`]|<(?=[A-Za-z/!?]))", r"\\\1", " ".join(text.split()))
