"""Records become text: the table of verdicts, what departed from the paper, and the register."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

from reports.ledger.record import EVERY_TASK, Claim, Record, Verdict, task_order, unique
from reports.ledger.strict_json import Json, as_json
from reports.text.numbers import bound, effect, fractions

WORDS: dict[Verdict, str] = {
    "holds": "holds",
    "fails": "fails",
    "inconclusive": "inconcl.",
    "unsupported": "unsupp.",
    "error": "error",
    "not calibrated": "not cal.",
    "recorded": "recorded",
    "not run": "not run",
}
"""The words in the cells of the table: eight letters at most, so that seven columns fit next to a claim."""

COLOURS: dict[Verdict, tuple[str, ...]] = {
    "holds": ("green",),
    "fails": ("red",),
    "inconclusive": ("yellow",),
    "error": ("red", "bold"),
    "not calibrated": ("red", "bold"),
}
"""The colour of each verdict, in the names of pytest's terminal writer."""

EXPECTED, UNEXPECTED = "*", "!"
LEGEND = {EXPECTED: "as suite/expected says", UNEXPECTED: "not what suite/expected says"}

LONGEST_LIST = 20
"""How many lines of departures the terminal shows; claims.md has all of them."""

NARROWEST_COLUMN = 28
"""Characters below which a sentence in a column of the register is hard to read."""

Paint: TypeAlias = "Callable[[str, Sequence[str]], str]"
"""Puts markup, by its names, around a text."""


def unpainted(text: str, markup: Sequence[str]) -> str:
    return text


def word(record: Record | None, paint: Paint = unpainted) -> str:
    """A cell of the table; empty where the claim is not asked of the task."""
    if record is None:
        return ""
    mark = EXPECTED if record.is_expected else UNEXPECTED if record.is_unexpected else ""
    markup = ("yellow",) if record.is_expected else ("red",) if mark else COLOURS.get(record.verdict, ())
    return paint(WORDS[record.verdict] + mark, markup)


def columns(records: Iterable[Record]) -> list[str]:
    """The tasks among *records*, in the order of the paper's table 1."""
    return sorted({record.task for record in records}, key=task_order)


def verdicts(records: Sequence[Record], width: int, paint: Paint = unpainted) -> str:
    """The table, claims by tasks. Labels are left of the cells where *width* allows it, else above them."""
    labels_left = _with_labels_left(records, unpainted)
    fits = max(len(line) for line in labels_left.splitlines()) <= width
    table = _with_labels_left(records, paint) if fits else _with_labels_above(records, paint)
    below = [line for meaning in legend(records) for line in wrapped(meaning, width, "", "    ")]
    return "\n".join([table, *(["", *below] if below else [])])


def legend(records: Sequence[Record]) -> list[str]:
    """The meaning of the marks in the cells, and the tasks of the last column where they are few."""
    marks = "".join(word(record)[-1] for record in records)
    over = unique(record.over for record in records if record.tasks)
    return [
        *(f"{mark} {meaning}" for mark, meaning in LEGEND.items() if mark in marks),
        *(f"{EVERY_TASK}: {few}" for few in over if few and len(over) == 1),
    ]


def _with_labels_left(records: Sequence[Record], paint: Paint) -> str:
    """The table with topics, claims and, where there are several, models in a first column, indented."""
    tasks = columns(records)
    models = unique(record.model for record in records)
    rows: list[list[str]] = []
    for topic, of_topic in groupby(records, key=lambda record: _topic_and_name(record)[0]):
        rows += [[topic]] if topic else []
        for name, of_claim in groupby(of_topic, key=lambda record: _topic_and_name(record)[1]):
            cells = {(record.model, record.task): word(record, paint) for record in of_claim}
            present = unique(model for model, _ in cells)
            lines = [[cells.get((model, task), "") for task in tasks] for model in present]
            if len(models) == 1:
                rows.append([f" {name}", *lines[0]])
            else:
                rows.append([f" {name}"])
                rows += [[f"   {model}", *line] for model, line in zip(present, lines, strict=True)]
    filled = [[*row, *([""] * (1 + len(tasks) - len(row)))] for row in rows]
    return _tabulated(filled, [models[0] if len(models) == 1 else "", *tasks])


def _with_labels_above(records: Sequence[Record], paint: Paint) -> str:
    """The table with each row of cells under a line with the claim and, where there are several, the model."""
    tasks = columns(records)
    one_model = len({record.model for record in records}) == 1
    labels: list[str] = []
    rows: list[list[str]] = []
    for (claim, model), of_row in groupby(records, key=lambda record: (record.claim, record.model)):
        cells = {record.task: word(record, paint) for record in of_row}
        labels.append(claim if one_model else f"{claim}, {model}")
        rows.append([cells.get(task, "") for task in tasks])
    lines = textwrap.indent(_tabulated(rows, tasks), "    ").splitlines()
    head, body = lines[: -len(rows)], lines[-len(rows) :]
    under = [text for pair in zip(labels, body, strict=True) for text in pair]
    return "\n".join([*([records[0].model] if one_model else []), *head, *under])


def _topic_and_name(record: Record) -> tuple[str, str]:
    topic, dot, name = record.claim.partition(".")
    return (topic, name) if dot else ("", topic)


def _tabulated(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    from tabulate import tabulate

    # A task's name stands over two lines, broken where its second word begins.
    broken = [re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", head, count=1) for head in heads]
    height = max(head.count("\n") for head in broken)
    lowered = ["\n" * (height - head.count("\n")) + head for head in broken]
    table = tabulate(rows, lowered, tablefmt="simple", disable_numparse=True, preserve_whitespace=True)
    return "\n".join(line.rstrip() for line in table.splitlines())


def finding(record: Record) -> str:
    """The result of a record, on one line: effect, interval, bound and n, or why there is none."""
    head, share = deciding(record)
    facts = [
        against_its_bound(str(head.get("label", "")) if head else "", as_json(record)),
        share,
        f"n {record.n}" if record.effect is not None and record.n is not None else "",
        record.over,
        record.reason,
        f"{record.expected} expected" if record.is_unexpected else "",
        record.caveat,
    ]
    return "; ".join(fact for fact in facts if fact)


def deciding(record: Record) -> tuple[Mapping[str, Json] | None, str]:
    """The part of a composite record whose numbers are the record's own, and how many share its verdict."""
    names = ("effect", "low", "high", "bound")
    numbers = [record.effect, record.low, record.high, record.bound]
    head = next((part for part in record.parts if [part.get(name) for name in names] == numbers), None)
    if head is None:
        return None, ""
    agreeing = sum(part.get("verdict") == head.get("verdict") for part in record.parts)
    return head, f"{agreeing} of {len(record.parts)} parts {head.get('verdict')}"


def against_its_bound(label: str, measured: Mapping[str, Json]) -> str:
    """A statistic of a record or part in JSON: its label, effect and bound; empty where nothing was read."""
    text, needed = effect(measured), bound({"bound": measured.get("bound")})
    if not text:
        return ""
    labelled = f"{fractions(label)}: {text}" if label else text
    return f"{labelled}, claimed {needed}" if needed else labelled


def part_line(part: Mapping[str, Json]) -> str:
    """One statistic of a composite claim: its label, effect, bound, and why it could not be read."""
    label, notes = str(part.get("label") or ""), part.get("notes")
    why = (part.get("reason"), *(notes if isinstance(notes, list) else ()))
    text = against_its_bound(label, part) or ", ".join(
        filter(None, (fractions(label), f"claimed {bound(part)}" if bound(part) else ""))
    )
    return "; ".join(str(item) for item in (text, *why) if item)


def departures(records: Sequence[Record], width: int, full: str, limit: int = LONGEST_LIST) -> list[str]:
    """The departures from the paper, by claim and with its sentence; expected ones are last.

    There are at most *limit* lines. The last one counts the rest and names the file *full*, which has them.
    """
    one_model = len({record.model for record in records}) == 1
    departed = sorted((record for record in records if record.departs), key=lambda record: record.is_expected)
    places = {record.key: record.task if one_model else f"{record.model} {record.task}" for record in departed}
    longest = max((len(place) for place in places.values()), default=0)
    lines: list[str] = []
    previous = ""
    for index, record in enumerate(departed):
        sentence = f"{record.claim}: {record.sentence}"
        block = [] if sentence == previous else wrapped(sentence, width, "", "    ")
        label = f"  {word(record):<9} {places[record.key]:<{longest}}  "
        block += wrapped(finding(record), width, label, " " * 12)
        is_last = index == len(departed) - 1
        if len(lines) + len(block) > (limit if is_last else limit - 1):
            return [*lines, f"... and {len(departed) - index} more{f', all in {full}' if full else ''}"]
        lines += block
        previous = sentence
    return lines


def tally(records: Sequence[Record]) -> str:
    """How many records have each verdict, and whether no claim holds."""
    counts = Counter(record.verdict for record in records)
    expected = Counter(record.verdict for record in records if record.is_expected)
    counts_in_words = ", ".join(
        f"{counts[verdict]} {verdict}{f' ({expected[verdict]} expected)' if expected[verdict] else ''}"
        for verdict in WORDS
        if counts[verdict]
    )
    return f"claims: {counts_in_words}" + ("" if counts["holds"] else "; no claim holds in this run")


def register(claims: Sequence[Claim], width: int, paint: Paint = unpainted) -> str:
    """The register as a table as wide as *width*, or, where its columns would be too narrow, as a list."""
    longest = max(max(len(claim.id), len(claim.where())) for claim in claims)
    column = (width - longest - 4) // 2
    if column < NARROWEST_COLUMN:
        return "\n\n".join(_listed(claim, width, paint) for claim in claims)
    rows = [
        [
            f"{paint(claim.id, ('bold',))}\n  {claim.where()}",
            textwrap.fill(claim.sentence, column),
            "\n".join(textwrap.fill(text, column) for text in _measured_as(claim)),
        ]
        for claim in claims
    ]
    heads = ["claim", "the paper's sentence", "statistic, bound and its source"]
    return _tabulated(rows, heads)


def _listed(claim: Claim, width: int, paint: Paint) -> str:
    texts = (claim.where(), claim.sentence, *_measured_as(claim))
    lines = [line for text in texts for line in wrapped(text, width, "  ", "  ")]
    return "\n".join([paint(claim.id, ("bold",)), *lines])


def _measured_as(claim: Claim) -> list[str]:
    """The statistic, and under it the bound and who drew it, what the claim needs, and whether an absence decides."""
    bound = f"{claim.bound} ({claim.bound_from})" if claim.bound_from else claim.bound
    needs = f"needs {' and '.join(claim.needs)}" if claim.needs else ""
    absence = "holds where a drop is absent" if claim.absence else ""
    return [text for text in (claim.statistic, bound.strip(), needs, absence) if text]


def wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    """*text* in lines of *width*, never empty."""
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False) or [
        first.rstrip()
    ]
