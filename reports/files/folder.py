"""The folder of a report holds the files of one run; older files that it does not replace are moved aside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.files.json_csv import CSV, LEDGER, claims_csv, ledger_json, write_whole
from reports.files.markdown import MARKDOWN, claims_markdown
from reports.ledger.ledger import Ledger
from reports.ledger.strict_json import LedgerError
from reports.text.numbers import count_of

LATEX, PAGE, CARD = "claims.tex", "index.html", "model-card.md"
FIGURES = "figures"
EARLIER = "earlier"

REPORT_FILES = (LEDGER, MARKDOWN, CSV, LATEX, PAGE, CARD, FIGURES)
"""The names of all files and folders of a report."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The environment variable that names the file whose Markdown GitHub shows with a job."""


@dataclass(frozen=True)
class ReportOptions:
    """The files that are written in addition to the ledger and the tables."""

    figures: bool = True
    """Whether to write the figures, and the page that shows them."""
    card: bool = False
    """Whether to write the model card."""


def write_report(ledger: Ledger, folder: Path, wanted: ReportOptions, environment: Mapping[str, str]) -> list[str]:
    """Write all of *ledger* into *folder*, made where it is missing. Returns sentences that say what was written.

    The ledger and the tables come first, whatever becomes of the rest. `OSError` where they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Where no report was, a page and figures of these names are somebody else's.
    follows = (folder / LEDGER).exists()
    sentences = [sentence] if (sentence := keep_earlier(ledger, folder)) else []
    texts = tables(ledger)
    for name, text in texts.items():
        write_whole(folder / name, text)
    written = list(texts)
    if wanted.card:
        from reports.files.exports import model_card

        write_whole(folder / CARD, model_card(ledger))
        written.append(CARD)
    if wanted.figures:
        names, why = _pictures(ledger, folder)
        written = [*names, *written]
        sentences += [why] if why else []
    # The figures are written with the page, and without a curve there are none.
    pictures = () if PAGE in written else (PAGE, FIGURES)
    unwritten = (*pictures, *(() if CARD in written else (CARD,)))
    if follows and (sentence := _out_of_the_way(folder, unwritten)):
        sentences.append(sentence)
    if why := summarize(texts[MARKDOWN], environment):
        sentences.append(why)
    return [*sentences, f"written in {folder}: {', '.join(written)}"]


def tables(ledger: Ledger) -> dict[str, str]:
    """The texts of a report by the names of their files."""
    from reports.files.exports import claims_latex

    return {
        LEDGER: ledger_json(ledger),
        MARKDOWN: claims_markdown(ledger),
        CSV: claims_csv(ledger),
        LATEX: claims_latex(ledger),
    }


def keep_earlier(ledger: Ledger, folder: Path) -> str:
    """Move a report that says more than *ledger*, which was cut short, out of its way; what was done, if anything."""
    here, there = judged(ledger), _judged_in(folder / LEDGER)
    if here == len(ledger.records) or there <= here:
        return ""
    place = _moved(folder, [name for name in REPORT_FILES if (folder / name).exists()])
    return f"the earlier report said more ({count_of(there, 'claim')} judged, and {here} now): it is kept in {place}"


def why_unwritable(folder: Path) -> str:
    """Why nothing can be written into *folder*, which need not exist yet; empty where it can."""
    try:
        with tempfile.TemporaryFile(dir=next(there for there in (folder, *folder.parents) if there.exists())):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def judged(ledger: Ledger) -> int:
    """The number of claims that were run to a verdict."""
    return sum(record.verdict != "not run" for record in ledger.records)


def summarize(markdown: str, environment: Mapping[str, str]) -> str:
    """Add *markdown* to the summary of a job on GitHub, if this is one; the reason, where that fails."""
    path = environment.get(STEP_SUMMARY)
    if path:
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown)
        except OSError as error:
            return f"no summary in {path} ({error.strerror or error}): see {MARKDOWN}"
    return ""


def _out_of_the_way(folder: Path, names: Collection[str]) -> str:
    """Move what an earlier run left under *names*, which this one did not write; what was done, if anything."""
    stale = [name for name in REPORT_FILES if name in names and (folder / name).exists()]
    if not stale:
        return ""
    listing = ", ".join(f"{name}/" if name == FIGURES else name for name in stale)
    return f"of an earlier run, and not of this one: {listing}, now in {_moved(folder, stale)}"


def _moved(folder: Path, names: Sequence[str]) -> Path:
    """Where the files *names* of *folder* are now: in a new folder in it."""
    present = {path.name for path in folder.glob(f"{EARLIER}*")}
    name = next(
        candidate
        for number in range(len(present) + 1)
        if (candidate := f"{EARLIER}-{number}" if number else EARLIER) not in present
    )
    (folder / name).mkdir()
    for file in names:
        (folder / file).rename(folder / name / file)
    return folder / name


def _judged_in(path: Path) -> int:
    try:
        return judged(Ledger.from_json(json.loads(path.read_text("utf-8"))))
    except (OSError, ValueError, LedgerError, RecursionError):
        return 0  # there is no report, or none that could be read again


def _pictures(ledger: Ledger, folder: Path) -> tuple[Sequence[str], str]:
    """The page and the figures as files, by name; why there are none, if so."""
    try:
        from reports.files.figures import figures
        from reports.files.page import page

        plates = list(figures(ledger))
    except ImportError as error:
        return (), f"no page and no figures ({error}): install what is missing, or give --no-figures"
    files = {f"{figure.name}.{kind}": content for figure in plates for kind, content in figure.files.items()}
    write_whole(folder / PAGE, page(ledger, plates))
    for stale in (folder / FIGURES).glob("*-figure-*"):
        if stale.name not in files:
            stale.unlink()
    for name, content in files.items():
        (folder / FIGURES).mkdir(exist_ok=True)
        write_whole(folder / FIGURES / name, content)
    return (PAGE, *([f"{FIGURES}/ ({len(files)})"] if files else [])), ""
