"""A run's ledger goes to disk as JSON, Markdown and CSV, each file whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from reports.plain import Json, as_json
from reports.record import Ledger, Record
from reports.tables import columns, effect, set_aside, spelled, tally, unique, word

LEDGER, MARKDOWN, CSV = "ledger.json", "claims.md", "claims.csv"


def write(ledger: Ledger, folder: Path) -> tuple[Path, ...]:
    """Write *ledger* into *folder*, made where it is missing; `OSError` where that cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {LEDGER: ledger_json(ledger), MARKDOWN: claims_markdown(ledger), CSV: claims_csv(ledger)}
    for name, text in texts.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in texts)


def write_whole(path: Path, text: str) -> None:
    """Write *text* beside *path*, then put it in its place: a reader never sees half of it."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def ledger_json(ledger: Ledger) -> str:
    """*ledger* as strict JSON: no NaN, no infinity."""
    return json.dumps(as_json(ledger), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def claims_csv(ledger: Ledger) -> str:
    """One row a record, in the fields' order; lists are JSON."""
    text = io.StringIO()
    rows = [as_json(record) for record in ledger.records]
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()})
    return text.getvalue()


def claims_markdown(ledger: Ledger) -> str:
    """The table, the questions set aside, and every claim with its effects, in GitHub's Markdown."""
    records = ledger.records
    environment = ledger.environment
    blocks = [
        "# Claims",
        _escaped(tally(records)) + ".",
        f"`{environment.command}`, {_escaped(environment.started)}, Python {_escaped(environment.python)}, "
        f"{_escaped(environment.platform)}.",
        _verdicts(records),
        *(_escaped(line) for line in set_aside(ledger.measurements, 10**6)),
        *_reasons(ledger),
        *(
            _claim(tuple(of_claim)) for _, of_claim in groupby(records, key=lambda record: record.claim)
        ),
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _verdicts(records: Sequence[Record]) -> str:
    tasks = columns(records)
    rows: list[list[str]] = []
    for (claim, model), of_row in groupby(records, key=lambda record: (record.claim, record.model)):
        cells = {record.task: word(record) for record in of_row}
        rows.append([claim, model, *(cells.get(task, "") for task in tasks)])
    return _table(["claim", "model", *tasks], rows)


def _reasons(ledger: Ledger) -> list[str]:
    rows = [
        [measured.model, measured.task, reason, str(count)]
        for measured in ledger.measurements
        for reason, count in sorted(measured.set_aside.items())
        if count
    ]
    return [_table(["model", "task", "set aside because", "questions"], rows)] if rows else []


def _claim(records: Sequence[Record]) -> str:
    first = records[0]
    one_model = len(unique(record.model for record in records)) == 1
    heads = ["task", "verdict", "effect [95 %]", "bound", "n", "layers", ""]
    rows = [_cells(record) if one_model else [record.model, *_cells(record)] for record in records]
    return "\n\n".join(
        (
            f"## {first.claim}",
            f"{_escaped(first.sentence)} ({_escaped(_source(first))})",
            _table(heads if one_model else ["model", *heads], rows),
        )
    )


def _cells(record: Record) -> list[str]:
    return [
        record.task,
        record.verdict + (f" ({record.expected} expected)" if record.expected else ""),
        effect(as_json(record)),
        record.bound,
        "" if record.n is None else str(record.n),
        spelled(record.layers),
        "; ".join(text for text in (record.reason, *map(_part, record.parts), *record.notes) if text),
    ]


def _part(part: Mapping[str, Json]) -> str:
    """One statistic of a composite claim, on a line."""
    told = (part.get("label"), part.get("verdict"), effect(part), part.get("bound"))
    return " ".join(str(text) for text in told if text)


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
    """*text* on one line, with what Markdown would take for its own escaped."""
    return re.sub(r"([\\|*_`<])", r"\\\1", " ".join(text.split()))
