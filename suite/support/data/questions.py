"""Made-up questions for tests, and files of them in the release's and the authors' formats."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from fixtures.question import Box, Object, Question
from fixtures.tasks.gqa import authors
from fixtures.tasks.gqa import release as gqa_release
from fixtures.tasks.gqa.groups import GROUPS

Json = dict[str, Any]

few_examples = settings(max_examples=40, deadline=None)


def make_question(identifier: str = "07", image_id: str = "a", **changes: Any) -> Question:
    fields = {
        "id": identifier,
        "image_id": image_id,
        "task": "QueryAttr",
        "text": "On which side of the photo is the cat?",
        "answer": "left",
        "true_option": None,
        "false_option": None,
        "objects": (Object("cat", (1.0, 2.0, 3.0, 4.0)),),
        "image_size": (50, 40),
    }
    return Question(**(fields | changes))


# Questions of any task, as the authors' files could hold them.

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and text != "-"
)
identifiers = st.from_regex(r"[0-9a-zA-Z_][0-9a-zA-Z_.-]{0,11}", fullmatch=True)


@st.composite
def questions_of(draw: st.DrawFn, task: str) -> Question:
    width, height = draw(st.integers(2, 999)), draw(st.integers(2, 999))

    def box() -> Box:
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        return x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y))

    chooses = GROUPS[task].structural == "choose"
    count = len(authors.object_roles(task))
    objects = [Object(draw(words), box()) for _ in range(count)]
    if task == "LogicalObj" and draw(st.booleans()):
        objects[1] = Object(draw(words), None)
    answer = draw(words)
    return Question(
        id=draw(identifiers),
        image_id=draw(identifiers),
        task=task,
        text=draw(words),
        answer=answer,
        true_option=answer if chooses else None,
        false_option=draw(words) if chooses else None,
        objects=tuple(objects),
        image_size=(width, height),
    )


def as_row(question: Question) -> dict[str, str]:
    group = GROUPS[question.task]
    row = {
        "question_id": question.id,
        "img_id": question.image_id,
        "question": question.text,
        "answer": question.answer,
        "type_structural": group.structural,
        "type_semantic": group.semantic,
        "type_detailed": min(group.detailed),
        "captions": 'a cat, a "dog"\nand a bird',
        "image_w": str(question.image_size[0]),
        "image_h": str(question.image_size[1]),
    }
    if question.true_option is not None:
        row |= {"true option": question.true_option, "false option": str(question.false_option)}
    for role, thing in zip(authors.object_roles(question.task), question.objects, strict=True):
        sides = ["-"] * 4 if thing.box_xywh is None else [f"{side:g}" for side in thing.box_xywh]
        row |= {f"{role} name": thing.name, f"{role} id": "-" if thing.box_xywh is None else "12"}
        row |= dict(zip((f"{role} {side}" for side in "xywh"), sides, strict=True))
    return row


def as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_authors_file(folder: Path, rows: list[dict[str, str]] | str, task: str = "QueryAttr") -> Path:
    text = rows if isinstance(rows, str) else as_csv(rows)
    (folder / authors.FILES[task]).write_text(text, encoding="utf-8", newline="")
    return folder


# Questions of the release.


def graph_of(*things: tuple[str, str, Box], size: tuple[int, int] = (100, 80)) -> Json:
    objects = {i: {"name": n, "x": x, "y": y, "w": w, "h": h} for i, n, (x, y, w, h) in things}
    return {"width": size[0], "height": size[1], "objects": objects}


def entry_of(task: str, answer: str, *steps: tuple[str, str], detailed: str | None = None, image: str = "1") -> Json:
    group = GROUPS[task]
    return {
        "imageId": image,
        "question": "Is it so?",
        "answer": answer,
        "types": {
            "structural": group.structural,
            "semantic": group.semantic,
            "detailed": detailed or min(group.detailed),
        },
        "semantic": [{"operation": op, "dependencies": [], "argument": argument} for op, argument in steps],
    }


CAT, DOG = ("11", "cat", (10.0, 20.0, 30.0, 40.0)), ("12", "dog", (60.0, 5.0, 20.0, 30.0))
GOOD = entry_of("QueryAttr", "left", ("select", "cat (11)"), ("query", "hposition"))
GRAPHS = {"1": graph_of(CAT, DOG)}


def write_release(folder: Path, entries: Json | str, graphs: Json | str) -> Path:
    for name, content in ((gqa_release.QUESTION_FILES[0], entries), (gqa_release.SCENE_GRAPHS, graphs)):
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder
