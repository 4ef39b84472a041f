"""Remarks on a run next to its verdicts: why one is missing, what was set aside, how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reports.ledger.ledger import MeasurementRecord, UnfinishedRecord
from reports.ledger.record import ABSENT, Record, Verdict, unique
from reports.text.numbers import about, count_of
from reports.text.tables import wrapped

UNMEASURED: tuple[Verdict, ...] = ("error", "not calibrated", "not run")
"""Verdicts that say why there is no verdict."""

FEW = 2
"""How many rows that share a reason are still named with it."""

NEARLY = 1.1
"""Growth of the questions below which a claim needs only "a few more": an estimate is no finer."""

MOST_REASONS = 3
"""How many reasons for setting questions aside the terminal names for a task; claims.md has all of them."""

MOST_GROUNDS = 6
"""How many reasons for claims without a verdict the terminal names in one line; claims.md has all of them."""


def unmeasured(records: Iterable[Record], width: int) -> list[str]:
    """Why rows say nothing about the paper, and how many do; the most common reason is first."""
    places: dict[tuple[Verdict, str], list[str]] = {}
    for record in records:
        if record.verdict in UNMEASURED:
            places.setdefault((record.verdict, record.reason), []).append(" ".join(record.key))
    lines: list[str] = []
    for (verdict, reason), rows in sorted(places.items(), key=lambda item: -len(item[1])):
        cells = f" ({'; '.join(rows)})" if len(rows) <= FEW else ""
        lines += wrapped(f"{verdict}: {len(rows)}{cells}, {reason}", width, "", "    ")
    return lines


def undecided(records: Iterable[Record], width: int) -> list[str]:
    """Why claims are inconclusive, on one line, with the most common reason first."""
    rows = [record for record in records if record.verdict == "inconclusive"]
    within = [record for record in rows if record.questions_needed]
    phrases = _grounds((row.reason, _ground(row).partition(":")[0]) for row in rows if not row.questions_needed)
    if within:
        least, n = min((record.questions_needed or 0, record.n or 0) for record in within)
        line = "a few more" if least < NEARLY * n else f"about {about(least)}"
        phrases.insert(0, f"{len(within)} with the bound inside the interval ({line} questions would settle one)")
    return wrapped(f"inconclusive: {'; '.join(phrases)}", width, "", "    ") if rows else []


def unasked(records: Iterable[Record], width: int) -> list[str]:
    """Why claims cannot be asked of a model, on one line, with the most common reason first."""
    rows = [record for record in records if record.verdict == "unsupported"]
    phrases = _grounds((row.reason, _ground(row)) for row in rows)
    return wrapped(f"unsupported: {'; '.join(phrases)}", width, "", "    ") if rows else []


def absences(records: Iterable[Record], width: int) -> list[str]:
    """The claims that hold because a drop is absent, on one line, with what that does not say."""
    claims = unique(record.claim for record in records if record.caveat)
    return wrapped(f"hold because {ABSENT}: {', '.join(claims)}", width, "", "    ") if claims else []


def _ground(record: Record) -> str:
    """The reason of *record* without the name of its task, so that tasks are counted together."""
    for task in (record.task, *record.tasks):
        if rest := record.reason.partition(f"{task}: ")[2]:
            return rest
    return record.reason


def _grounds(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """How many reasons share each ground, most common first; a reason that is alone is given in full."""
    by_ground: dict[str, list[str]] = {}
    for reason, ground in pairs:
        by_ground.setdefault(ground, []).append(reason)
    ordered = sorted(by_ground.items(), key=lambda item: -len(item[1]))
    phrases = [
        f"{len(reasons)} {(reasons[0] if len(set(reasons)) == 1 else ground) or 'without a reason'}"
        for ground, reasons in ordered[:MOST_GROUNDS]
    ]
    rest = sum(len(reasons) for _, reasons in ordered[MOST_GROUNDS:])
    return [*phrases, *([f"{rest} for other reasons"] if rest else [])]


def set_aside(measurements: Sequence[MeasurementRecord], width: int) -> list[str]:
    """How many questions were set aside and why, one line for each task; then the tasks without any."""
    models = unique(measurement.model for measurement in measurements)
    lines: list[str] = []
    for model in models:
        of_model = [measurement for measurement in measurements if measurement.model == model]
        is_one = len(models) == 1
        for measurement in of_model:
            if count := sum(measurement.set_aside.values()):
                asked = "" if measurement.asked is None else f" of {measurement.asked}"
                why = _by_reason(measurement.set_aside)
                place = measurement.task if is_one else f"{model} {measurement.task}"
                lines += wrapped(f"{place}: {count}{asked} set aside: {why}", width, "", "    ")
        whole = [measurement.task for measurement in of_model if not sum(measurement.set_aside.values())]
        if whole:
            which = ", ".join(whole) if len(whole) < len(of_model) else "any task"
            lines += wrapped(f"{'' if is_one else f'{model}: '}no question set aside on {which}", width, "", "    ")
    return lines


def left_out(measurements: Sequence[MeasurementRecord], width: int) -> list[str]:
    """How many kept questions lack which edge and why, one line for each model and reason."""
    places: dict[tuple[str, str], dict[tuple[str, int], list[str]]] = {}
    for measurement in measurements:
        for edge, counts in measurement.left_out.items():
            for reason, count in counts.items():
                of_reason = places.setdefault((measurement.model, reason), {})
                of_reason.setdefault((measurement.task, count), []).append(edge)
    one_model = len(unique(measurement.model for measurement in measurements)) == 1
    lines: list[str] = []
    for (model, reason), tasks in places.items():
        phrases = [f"{count} of {task} ({', '.join(edges)})" for (task, count), edges in tasks.items()]
        head = "" if one_model else f"{model}: "
        lines += wrapped(f"{head}left out of some curves, {reason}: {'; '.join(phrases)}", width, "", "    ")
    return lines


def cut_short(unfinished: Sequence[UnfinishedRecord], width: int) -> list[str]:
    """How many questions of each task were measured before the run ended, on one line."""
    one_model = len({row.model for row in unfinished}) == 1
    phrases = [
        f"{'' if one_model else f'{row.model} '}{row.task} "
        + ("none yet" if row.asked is None else f"{row.measured} of {count_of(row.asked, 'question')}")
        for row in unfinished
    ]
    goes_on = "; the next run goes on from there" if any(row.measured for row in unfinished) else ""
    line = f"measured when the run ended: {', '.join(phrases)}{goes_on}"
    return wrapped(line, width, "", "    ") if phrases else []


def timings(measurements: Sequence[MeasurementRecord], width: int) -> list[str]:
    """How long the measurements took, and questions per second, one line for each model."""
    lines: list[str] = []
    for model in unique(measurement.model for measurement in measurements):
        runs = [run for run in measurements if run.model == model and run.seconds]
        if runs:
            total, asked = sum(run.seconds or 0.0 for run in runs), sum(run.asked or 0 for run in runs)
            done = sum((run.kept if run.at_most else run.asked) or 0 for run in runs)
            some = f", {done} of them knocked out," if any(run.at_most for run in runs) else ""
            slowest = max(runs, key=lambda run: run.seconds or 0.0)
            what = f"{count_of(asked, 'question')} of {count_of(len(runs), 'task')}"
            line = f"{model}: {what}{some} measured in {total:.0f} s ({done / total:.3g}/s)"
            lines += wrapped(f"{line}, longest {slowest.task} with {slowest.seconds:.0f} s", width, "", "    ")
    return lines


def noise_floor(measurements: Sequence[MeasurementRecord], width: int, above: float = 0.0) -> list[str]:
    """How far a knockout of nothing moves the answer, in points: one line for each model where it is *above*."""
    lines: list[str] = []
    for model in unique(measurement.model for measurement in measurements):
        known = [
            measurement
            for measurement in measurements
            if measurement.model == model and measurement.noise_most is not None
        ]
        most = max((measurement.noise_most or 0.0 for measurement in known), default=None)
        if most is not None and most >= above:
            median = max(measurement.noise_median or 0.0 for measurement in known)
            line = f"{model}: noise floor {median:.2g} points at the median question, {most:.2g} at most"
            lines += wrapped(f"{line} (what knocking out nothing moves)", width, "", "    ")
    return lines


def _by_reason(counts: Mapping[str, int]) -> str:
    """Counts with their reasons, the most common first, and the rest in one."""
    ordered = sorted(((count, reason) for reason, count in counts.items() if count), key=lambda pair: -pair[0])
    phrases = [f"{count} {reason}" for count, reason in ordered[:MOST_REASONS]]
    rest = sum(count for count, _ in ordered[MOST_REASONS:])
    return ", ".join([*phrases, *([f"{rest} for other reasons"] if rest else [])])
