"""A claim is a test decorated with its place in the paper, and its docstring is the paper's sentence."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import pytest

from reports.ledger.record import Claim

Source = Literal["paper", "card", "ours"]
Need = Literal["boxes", "options", "several tasks", "a smaller sibling"]

BOUND_SOURCES = ("paper", "card", "ours", None)
"""A figure or comparison of the paper's; the words of whoever asked for this suite; our reading of a word."""

REGISTER: dict[str, Claim] = {}
"""Every claim of the test modules imported so far, by id, in the order of their files."""

_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_places: dict[str, tuple[str, int]] = {}

Test = TypeVar("Test", bound=Callable[..., None])


class ClaimError(ValueError):
    """A claim that cannot enter the register, in one sentence."""


def claim(
    id: str,  # noqa: A002 - the register's own word
    *,
    section: str,
    figure: str | None = None,
    bound_from: Source | None = None,
    tasks: tuple[str, ...] | None = None,
    models: tuple[str, ...] | None = None,
    recorded: tuple[str, ...] = (),
    statistic: str = "",
    bound: str = "",
    needs: tuple[Need, ...] = (),
    absence: bool = False,
) -> Callable[[Test], Test]:
    """Enter the decorated test into the register, and mark it `claim` with every field of its `Claim`.

    The first paragraph of the test's docstring is the claim's sentence. `ClaimError` where the id is taken or
    malformed, where the docstring is empty, or where another argument has the wrong type.

    Args:
        id: The claim's id: lower-case words joined by `.` and `-`.
        section: The section of the paper.
        figure: The figure of the paper; None where the sentence is about none.
        bound_from: Who drew the bound; None where there is no bound.
        tasks: The tasks that the claim is asked of; None for all. The task `all` weighs the tasks equally.
        models: The models that the claim is asked of; None for all.
        recorded: The tasks on which the claim has no verdict.
        statistic: One line for the register: what the claim reads.
        bound: One line for the register: what the claim needs of the statistic.
        needs: What the questions or the run must have for this claim.
        absence: Whether the claim holds because a drop is absent, which shows no more than that a route is not needed.
    """

    def enter(test: Test) -> Test:
        sentence = " ".join((inspect.getdoc(test) or "").partition("\n\n")[0].split())
        read = statistic, bound, needs, absence
        entry = Claim(id, section, figure, sentence, bound_from, tasks, models, recorded, *read)
        place = test.__code__.co_filename, test.__code__.co_firstlineno
        _refuse(entry, place)
        REGISTER[id], _places[id] = entry, place
        return pytest.mark.claim(**vars(entry))(test)

    return enter


def paper_order() -> list[Claim]:
    """The register in the paper's order: by the section and figure that an id's first word first has, then by file."""
    first: dict[str, tuple[str, str]] = {}
    for entry in REGISTER.values():
        topic, place = entry.id.partition(".")[0], (entry.section, entry.figure or "~")
        first[topic] = min(place, first.get(topic, place))
    return sorted(REGISTER.values(), key=lambda entry: first[entry.id.partition(".")[0]])


def written(files: Iterable[Path]) -> set[str] | None:
    """The ids of the claims in *files* that may not have been imported; None where one of them cannot be read."""
    ids: set[str] = set()
    for file in files:
        try:
            tree = ast.parse(file.read_bytes(), file)
        except (OSError, SyntaxError, ValueError):
            return None
        for name in (_id_in(decorator) for test in ast.walk(tree) for decorator in getattr(test, "decorator_list", ())):
            if name is None:
                return None
            ids.update(filter(None, [name]))
    return ids


def _id_in(decorator: ast.expr) -> str | None:
    """The id that *decorator* enters: empty where it is no claim's, None where it is computed."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func).rpartition(".")[2] != claim.__name__:
        return ""
    keywords = [keyword.value for keyword in decorator.keywords if keyword.arg == "id"]
    match (*decorator.args[:1], *keywords):
        case (ast.Constant(value=str(name)),):
            return name
        case _:
            return None


def _refuse(entry: Claim, place: tuple[str, int]) -> None:
    if not _ID.fullmatch(entry.id):
        raise ClaimError(f"the claim id {entry.id!r} is malformed: write lower-case words joined by . and -")
    # A module may be imported twice; its claims then stand where they stood.
    if entry.id in REGISTER and _places.get(entry.id) != place:
        there = "{}, line {}".format(*_places.get(entry.id, ("another file", 0)))
        raise ClaimError(f"the claim {entry.id} is registered already ({there}): give this one another id")
    if not entry.sentence:
        raise ClaimError(f"the claim {entry.id} has no docstring: write the paper's sentence there")
    if entry.bound_from not in BOUND_SOURCES:
        names = ", ".join(source for source in BOUND_SOURCES if source)
        raise ClaimError(f"the claim {entry.id} has its bound from {entry.bound_from!r}: name one of {names}")
    for name, value in (
        ("tasks", entry.tasks or ()),
        ("models", entry.models or ()),
        ("recorded", entry.recorded),
        ("needs", entry.needs),
    ):
        if not _is_names(value):
            raise ClaimError(f"{name} of the claim {entry.id} is {value!r}: write a tuple of names")
    if unknown := [need for need in entry.needs if need not in get_args(Need)]:
        names = ", ".join(get_args(Need))
        raise ClaimError(f"the claim {entry.id} needs {', '.join(unknown)}: name some of {names}")


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) and name for name in value)  # pyright: ignore[reportUnknownVariableType] - any tuple may come
