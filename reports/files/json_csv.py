"""A ledger becomes JSON and CSV; every file of a report is written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import cast

from reports.ledger.ledger import Ledger
from reports.ledger.strict_json import Json, as_json

LEDGER = "ledger.json"


CSV = "claims.csv"


_NUMBERS = re.compile(r"\[\n\s+(?:-?\d[^\s,]*|null)(?:,\n\s+(?:-?\d[^\s,]*|null))*\n\s+\]")
"""A list of numbers as `json.dumps` indents it; no text in JSON holds a line break."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write *content* to a draft next to *path*, then rename the draft: a reader never sees half a file."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def ledger_json(ledger: Ledger) -> str:
    """*ledger* as strict JSON, without NaN or infinity; a list of numbers is one line."""
    text = json.dumps(as_json(ledger), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return _NUMBERS.sub(lambda match: " ".join(match[0].split()), text)


def claims_csv(ledger: Ledger) -> str:
    """One row for each record, in the order of its fields. The draws are left out; other lists are JSON."""
    text = io.StringIO()
    rows = [cast("dict[str, Json]", _without_draws(as_json(record))) for record in ledger.records]
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()})
    return text.getvalue()


def _without_draws(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_draws(member) for name, member in value.items() if name != "draws"}
    return [_without_draws(member) for member in value] if isinstance(value, list) else value
