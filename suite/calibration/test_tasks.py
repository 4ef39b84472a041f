"""Questions come out of every source as they went in; bad input costs a sentence, or is counted."""

from __future__ import annotations

import ast
import csv
import io
import json
import random
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fixtures.question import Box, FilePicture, Object, PictureMissing, Question, ZipPicture
from fixtures.tasks import (
    TASKS,
    WORLD,
    PicturesUnavailable,
    QuestionsUnavailable,
    authors,
    check,
    gqa,
    load,
    missing_pictures,
    questions,
    scenes,
    take_stock,
)
from fixtures.tasks.bundle import build
from fixtures.tasks.images import picture
from fixtures.tasks.sample import sample
from fixtures.tasks.source import GROUPS, NO_UNICODE, OUTSIDE, UNSAFE_ID, Parsed, clip, is_file_name, task_of
from fixtures.tasks.stream import members

AUTHORS = Path(__file__).parents[2].parent / "shared" / "gqa"
needs_authors_files = pytest.mark.skipif(not AUTHORS.is_dir(), reason="the authors' question files are not here")

Json = dict[str, Any]

quickly = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    for name, content in build(seed=5, per_task=12).items():
        (folder / name).write_bytes(content)
    return folder


def a_question(identifier: str = "07", image_id: str = "a", **changes: Any) -> Question:
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
def asked(draw: st.DrawFn, task: str) -> Question:
    width, height = draw(st.integers(2, 999)), draw(st.integers(2, 999))

    def box() -> Box:
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        return x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y))

    chooses = GROUPS[task].structural == "choose"
    count = len(authors.objects_of(task))
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
    for role, thing in zip(authors.objects_of(question.task), question.objects, strict=True):
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


def written(folder: Path, rows: list[dict[str, str]] | str, task: str = "QueryAttr") -> Path:
    text = rows if isinstance(rows, str) else as_csv(rows)
    (folder / authors.FILES[task]).write_text(text, encoding="utf-8", newline="")
    return folder


# The groups.


def test_the_tasks_are_those_of_the_world_and_of_the_authors_files() -> None:
    assert TASKS == scenes.TASKS == tuple(authors.FILES)


def test_a_group_needs_all_three_types() -> None:
    assert task_of("choose", "attr", "materialChoose") == "ChooseAttr"
    assert task_of("choose", "attr", "positionChoose") is None
    assert task_of("verify", "attr", "chooseAttr") is None


def test_importing_the_tasks_is_cheap() -> None:
    heavy = ("PIL", "numpy", "datasets", "torch", "scipy", "pytest")
    probe = f"import sys, fixtures.tasks; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", probe], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# The release's format.


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


def parsed(entry: Json, graph: Json | None = None) -> Parsed:
    outline = gqa.outline(graph or graph_of(CAT, DOG))
    assert outline
    return gqa.parse("01", entry, {"1": outline})


def test_a_relation_is_chosen_as_the_answer_writes_it() -> None:
    entry = entry_of(
        "ChooseRel",
        "left",
        ("select", "dog (12)"),
        ("choose rel", "cat,to the left of|to the right of,s (11)"),
    )
    question = parsed(entry).question
    assert (question.true_option, question.false_option) == ("left", "right")
    assert question.objects == (Object("dog", DOG[2]), Object("cat", CAT[2]))
    assert question.image_size == (100, 80)
    assert question.id == "01"


@pytest.mark.parametrize(
    ("argument", "answer", "options"),
    [
        ("cat,behind|in front of,s (11)", "behind", ("behind", "front")),
        ("cat,behind|in front of,s (11)", "front", ("front", "behind")),
        ("cat,riding on|sitting on,s (11)", "sitting on", ("sitting on", "riding on")),
        (
            "cat,to the left of|to the right of,s (11)",
            "to the right of",
            ("to the right of", "to the left of"),
        ),
    ],
)
def test_options_of_a_relation(argument: str, answer: str, options: tuple[str, str]) -> None:
    program = [{"operation": "choose rel", "argument": argument}]
    assert gqa.options(program, answer) == options


@pytest.mark.parametrize("operation", ["choose", "choose color", "choose name"])
def test_options_of_a_choice(operation: str) -> None:
    assert gqa.options([{"operation": operation, "argument": "empty|full "}], "full") == ("full", "empty")


def test_no_choice_has_no_options() -> None:
    assert gqa.options([{"operation": "query", "argument": "hposition"}], "left") == (None, None)


def test_an_absent_object_has_no_box_and_is_no_fault() -> None:
    entry = entry_of("LogicalObj", "no", ("select", "cat (11)"), ("filter color", "not(red)"), ("select", "mud (-) "))
    found = parsed(entry)
    assert found.question.objects == (Object("cat", CAT[2]), Object("mud", None))
    assert found.unboxed == ()


def test_relations_groups_and_what_is_not_named() -> None:
    program = [
        {"operation": "select", "argument": "animal (11, 12)"},
        {"operation": "relate", "argument": "fire hydrant,to the left of,s (13)"},
        {"operation": "relate", "argument": "_,wearing,o (14)"},
        {"operation": "select", "argument": "scene"},
        {"operation": "filter color", "argument": "not(brown)"},
    ]
    assert gqa.named_objects(program) == (("animal", "11"), ("animal", "12"), ("fire hydrant", "13"))


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((10.0, 20.0, 30.0, 40.0), (10.0, 20.0, 30.0, 40.0)),
        ((90.0, 70.0, 30.0, 40.0), (90.0, 70.0, 10.0, 10.0)),
        ((-5.0, -5.0, 10.0, 10.0), (0.0, 0.0, 5.0, 5.0)),
        ((100.0, 0.0, 10.0, 10.0), None),
        ((0.0, -10.0, 10.0, 10.0), None),
        ((5.0, 5.0, 0.0, 10.0), None),
        ((5.0, 5.0, -3.0, 10.0), None),
    ],
)
def test_boxes_are_clipped_and_those_outside_are_counted(box: Box, clipped: Box | None) -> None:
    assert clip(box, (100, 80)) == clipped
    entry = entry_of("QueryAttr", "left", ("select", "cat (11)"), ("query", "hposition"))
    found = parsed(entry, graph_of(("11", "cat", box)))
    assert found.question.objects == (Object("cat", clipped),)
    assert found.unboxed == (() if clipped else (OUTSIDE,))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999_999), st.sampled_from(TASKS), st.randoms(use_true_random=False))
def test_a_rendered_scene_comes_back_as_it_was_asked(index: int, task: str, rng: random.Random) -> None:
    shown = scenes.scene("validation", index)
    entry = scenes.ask(shown, task, rng)
    if entry is None:
        return
    outline = gqa.outline(scenes.scene_graph(shown))
    assert outline
    found = gqa.parse("007", json.loads(json.dumps(entry)), {shown.id: outline})
    assert found.unboxed == ()
    question = found.question
    assert (question.text, question.answer, question.task) == (entry["question"], entry["answer"], task)
    boxes = [thing.box for thing in shown.things]
    assert {thing.box_xywh for thing in question.objects} <= {*boxes, None}
    for thing in question.objects:
        drawn = [other.name for other in shown.things if other.box == thing.box_xywh]
        if thing.name in scenes.CATEGORIES:
            assert drawn == ([thing.name] if thing.box_xywh else [])
    if GROUPS[task].structural == "choose":
        assert question.true_option == question.answer
        assert question.false_option not in (None, question.answer)
        assert str(question.false_option) in question.text
    else:
        assert question.true_option is question.false_option is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@quickly
@given(st.dictionaries(st.text(max_size=4), json_values, max_size=5), st.sampled_from([None, 2, "\t"]))
def test_members_are_those_of_the_json_text(value: Json, indent: int | str | None) -> None:
    assert list(members([json.dumps(value, indent=indent)])) == list(value.items())


@quickly
@given(st.dictionaries(st.text(max_size=4), json_values, min_size=1, max_size=3), st.data())
def test_a_cut_json_text_is_no_json(value: Json, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        list(members([text[:cut]]))


@pytest.mark.parametrize("text", ['{"a": 1} x', '{"a": 1,}', '{"a" 1}', "[1]", "{1: 2}", '{"a": 1 "b": 2}', ""])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        list(members([text]))


# The bundled world.


@pytest.mark.parametrize("task", TASKS)
def test_every_question_of_the_bundled_world_can_be_asked_and_seen(task: str) -> None:
    loaded = load(task)
    assert (loaded.dropped, loaded.unboxed) == ({}, {})
    everything = questions(task, n=None)
    assert len(everything) == len(loaded.questions) >= 256
    assert missing_pictures(everything) is None
    assert all(question.image_size == question.image.size for question in everything[:3])


def test_a_world_elsewhere_is_read_alike(world: Path, tmp_path: Path) -> None:
    from_zip = questions("ChooseRel", n=None, gqa=world)
    assert len(from_zip) == 12
    with zipfile.ZipFile(world / "images.zip") as archive:
        archive.extractall(tmp_path)
    for images in (tmp_path, tmp_path / "images", world / "images.zip"):
        from_there = questions("ChooseRel", n=None, gqa=str(world), images=str(images))
        assert from_there == from_zip
        assert missing_pictures(from_there) is None
        assert from_there[0].image.tobytes() == from_zip[0].image.tobytes()


# The authors' files.


@needs_authors_files
def test_the_authors_files_hold_what_the_paper_counts() -> None:
    loaded = {task: load(task, AUTHORS) for task in TASKS}
    counts = {
        task: (len(found.questions), len({q.image_id for q in found.questions})) for task, found in loaded.items()
    }
    assert counts == {
        "ChooseAttr": (1000, 937),
        "ChooseCat": (1000, 894),
        "ChooseRel": (964, 785),
        "CompareAttr": (570, 558),
        "LogicalObj": (991, 931),
        "QueryAttr": (1000, 934),
    }
    everything = [question for found in loaded.values() for question in found.questions]
    assert len({question.image_id for question in everything}) == 3818
    assert sum(question.id.startswith("0") for question in everything) == 505 + 523 + 511 + 506 + 479 + 291
    boxes = sum(thing.box_xywh is not None for question in everything for thing in question.objects)
    outside = [name for found in loaded.values() for name in found.unboxed.get(OUTSIDE, ())]
    assert outside == ["1594913"]
    assert boxes + len(outside) == 7140
    assert not any(found.dropped for found in loaded.values())
    absent = [question for question in loaded["LogicalObj"].questions if question.objects[1].box_xywh is None]
    assert len(absent) == 910
    assert Counter(q.answer for q in loaded["ChooseRel"].questions) == {
        "right": 486, "left": 451, "front": 16, "behind": 11,
    }  # fmt: skip
    assert Counter(q.answer for q in loaded["CompareAttr"].questions) == {"color": 510, "material": 60}
    assert Counter(q.answer for q in loaded["LogicalObj"].questions) == {"yes": 545, "no": 446}
    assert Counter(q.answer for q in loaded["QueryAttr"].questions) == {"right": 508, "left": 492}
    assert [len({q.answer for q in loaded[task].questions}) for task in ("ChooseAttr", "ChooseCat")] == [
        138,
        196,
    ]
    assert all(
        (q.true_option == q.answer != q.false_option) if q.task.startswith("Choose") else q.true_option is None
        for q in everything
    )


@needs_authors_files
@pytest.mark.parametrize("task", TASKS)
def test_programs_and_columns_of_the_authors_files_tell_the_same(task: str) -> None:
    """Their `operations` are the release's programs: read as such they must give what the columns give."""
    columns = {question.id: question for question in load(task, AUTHORS).questions}
    with (AUTHORS / authors.FILES[task]).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            roles = authors.objects_of(task)
            graph = graph_of(
                *((row[f"{r} id"], row[f"{r} name"], box_of(row, r)) for r in roles if row[f"{r} id"] != "-"),
                size=(int(row["image_w"]), int(row["image_h"])),
            )
            steps = [(step["operation"], step["argument"]) for step in ast.literal_eval(row["operations"])]
            entry = entry_of(task, row["answer"], *steps, detailed=row["type_detailed"], image=row["img_id"])
            outline = gqa.outline(graph)
            assert outline
            found = gqa.parse(row["question_id"], entry | {"question": row["question"]}, {row["img_id"]: outline})
            assert found.question == columns[row["question_id"]]


def box_of(row: dict[str, str], role: str) -> Box:
    x, y, w, h = (float(row[f"{role} {side}"]) for side in "xywh")
    return x, y, w, h


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(TASKS))
def test_a_row_comes_back_as_the_question_it_was(data: st.DataObject, task: str) -> None:
    question = data.draw(asked(task))
    (row,) = csv.DictReader(io.StringIO(as_csv([as_row(question)]), newline=""))
    assert authors.parse(row["question_id"], row, task) == Parsed(question)


@settings(max_examples=15, deadline=None)
@given(st.data(), st.sampled_from(TASKS))
def test_a_file_comes_back_as_the_questions_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, task: str
) -> None:
    wanted = data.draw(st.lists(asked(task), min_size=1, max_size=5, unique_by=lambda question: question.id))
    folder = written(tmp_path_factory.mktemp("csv"), [as_row(question) for question in wanted], task)
    assert list(load(task, folder).questions) == wanted


# Which questions are asked.

pools = st.lists(st.integers(0, 6), min_size=1, max_size=30).map(
    lambda images: [a_question(f"{number:03d}", str(image)) for number, image in enumerate(images)]
)


@quickly
@given(pools, st.integers(0, 5), st.integers(1, 30), st.integers(0, 10))
def test_more_questions_only_add_to_fewer(pool: list[Question], seed: int, n: int, more: int) -> None:
    everything = sample(pool, None, seed)
    assert sorted(everything, key=lambda q: q.id) == sorted(pool, key=lambda q: q.id)
    assert sample(pool, n, seed) == sample(pool, n + more, seed)[:n] == everything[:n]


@quickly
@given(pools, st.integers(0, 5))
def test_no_image_serves_twice_before_each_has_served(pool: list[Question], seed: int) -> None:
    drawn = sample(pool, None, seed)
    left = Counter(question.image_id for question in pool)
    while drawn:
        turn, drawn = drawn[: len(left)], drawn[len(left) :]
        assert {question.image_id for question in turn} == set(left)
        left -= Counter(left.keys())


@quickly
@given(pools, st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_order_of_the_file_makes_no_difference(pool: list[Question], seed: int, rng: random.Random) -> None:
    shuffled = rng.sample(pool, len(pool))
    assert sample(shuffled, None, seed) == sample(pool, None, seed)


def test_seeds_draw_different_and_evenly() -> None:
    pool = [a_question(str(i), str(i)) for i in range(100)]
    drawn = Counter(question.id for seed in range(200) for question in sample(pool, 10, seed))
    assert len(drawn) == 100
    assert max(drawn.values()) < 45  # 20 expected: over five standard deviations


def test_one_seed_draws_the_same_on_every_machine() -> None:
    pool = [a_question(f"{i:02d}", str(i // 2)) for i in range(12)]
    assert [question.id for question in sample(pool, 4, 0)] == ["09", "05", "07", "10"]


@pytest.mark.parametrize("n", [0, -1])
def test_none_to_draw_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        questions("ChooseAttr", n=n)


# Pictures.

HOSTILE = [
    "../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\0b",
    "",
    ".",
    "..",
    ".hidden",
    "C:x",
    "a" * 129,
    "ä",
    "a\n",
    "-r",
]


@pytest.mark.parametrize("image_id", HOSTILE)
def test_a_hostile_image_id_never_becomes_a_path(image_id: str, tmp_path: Path) -> None:
    assert not is_file_name(image_id)
    with pytest.raises(ValueError, match="no plain file name"):
        picture(tmp_path, image_id)
    rows = [as_row(a_question("01")), as_row(a_question("02"))]
    rows[1]["img_id"] = image_id or "/"
    loaded = load("QueryAttr", written(tmp_path, rows))
    assert [question.id for question in loaded.questions] == ["01"]
    assert loaded.dropped == {UNSAFE_ID: ("02",)}


@quickly
@given(identifiers)
def test_a_plain_image_id_stays_in_its_folder(image_id: str) -> None:
    found = picture(Path("/pictures"), image_id)
    assert isinstance(found, FilePicture)
    assert found.path.resolve().parent == Path("/pictures")


@pytest.mark.parametrize("name", ["7.jpg", "7.png", "images/7.jpg", "images/7.png"])
def test_pictures_are_found_in_folders_and_zips(name: str, tmp_path: Path) -> None:
    there = tmp_path / "folder" / name
    there.parent.mkdir(parents=True)
    Image.new("RGB", (3, 2)).save(there)
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(there, name)
    assert picture(tmp_path / "folder", "7") == FilePicture(there)
    assert picture(archive, "7") == ZipPicture(archive, name)
    for found in (picture(tmp_path / "folder", "7"), picture(archive, "7")):
        assert a_question(picture=found).image.size == (3, 2)
        assert missing_pictures([a_question(picture=found)]) is None


def test_missing_pictures_are_named_and_counted(tmp_path: Path) -> None:
    rows = [as_row(a_question(f"{i:02d}", f"p{i}")) for i in range(8)]
    folder = written(tmp_path, rows)
    without = questions("QueryAttr", gqa=folder)
    assert {question.picture for question in without} == {None}
    sentence = missing_pictures(without)
    assert sentence
    assert sentence.startswith("8 of 8 pictures are missing (")
    assert sentence.count("p") >= 5
    assert " and 3 more)" in sentence
    assert "--images" in sentence

    nowhere = questions("QueryAttr", gqa=folder, images=tmp_path / "nowhere")
    assert f"from {tmp_path / 'nowhere'}" in (missing_pictures(nowhere) or "")
    with pytest.raises(PictureMissing, match=r"nowhere.p\d\.jpg"):
        _ = nowhere[0].image

    (tmp_path / "images").mkdir()
    for i in range(7):
        Image.new("RGB", (2, 2)).save(tmp_path / "images" / f"p{i}.png")
    sentence = missing_pictures(questions("QueryAttr", gqa=folder))
    assert sentence
    assert sentence.startswith(f"1 of 8 pictures is missing from {tmp_path / 'images'} (p7.jpg): give ")


def drawn(folder: Path, count: int) -> list[Question]:
    """Questions about as many pictures in a folder, all of which are there."""
    for number in range(count):
        Image.effect_noise((16, 16), 50).save(folder / f"p{number}.png")
    return [a_question(f"{number:02d}", f"p{number}", picture=picture(folder, f"p{number}")) for number in range(count)]


@pytest.mark.parametrize(
    ("asked", "absent", "says"),
    [
        (8, 1, "1 of 8 pictures is missing from {} (p0.png): give the folder or zip that holds it with --images"),
        (8, 2, "2 of 8 pictures are missing from {} (p0.png, p1.png): give the folder or zip that holds them "),
        (1, 1, "1 of 1 picture is missing from {} (p0.png): give the folder or zip that holds it with --images"),
        (7, 7, "7 of 7 pictures are missing from {} (p0.png, p1.png, p2.png, p3.png, p4.png and 2 more): give "),
    ],
)
def test_one_picture_is_missing_and_two_are(tmp_path: Path, asked: int, absent: int, says: str) -> None:
    pictured = drawn(tmp_path, asked)
    for number in range(absent):
        (tmp_path / f"p{number}.png").unlink()
    assert (missing_pictures(pictured) or "").startswith(says.format(tmp_path))
    assert take_stock(pictured).is_bare == (asked == absent)
    assert not take_stock([]).is_bare


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"no picture",
        lambda whole: b"",
        lambda whole: whole[:-40],
        lambda whole: whole[:8] + b"\0\0\0\x01" + whole[12:],
        lambda whole: whole[:30] + b"\xff\xff\xff\xff\xd1\xd2\xd2\xd2" + whole[38:],
    ],
    ids=["text", "empty", "cut", "short header", "broken chunk"],
)
def test_a_damaged_picture_is_called_damaged_by_name(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    pictured = drawn(tmp_path, 3)
    whole = (tmp_path / "p1.png").read_bytes()
    (tmp_path / "p1.png").write_bytes(damage(whole))
    (tmp_path / "p2.png").unlink()
    missing, damaged = take_stock(pictured, decode=True).sentences
    assert missing.startswith("1 of 3 pictures is missing ")
    assert "p1" not in missing
    assert damaged == f"1 of 3 pictures is damaged in {tmp_path} (p1.png): fetch it again"
    assert take_stock(pictured).sentences == (missing,)
    (tmp_path / "p0.png").unlink()
    assert take_stock(pictured, decode=True).is_bare


def test_what_is_no_zip_or_no_picture_is_said_when_it_is_needed(tmp_path: Path) -> None:
    folder = written(tmp_path, [as_row(a_question())])
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    from_broken = questions("QueryAttr", gqa=folder, images=tmp_path / "broken.zip")
    assert "broken.zip, which is no zip archive" in (missing_pictures(from_broken) or "")
    with pytest.raises(PictureMissing, match=r"not a zip"):
        _ = from_broken[0].image
    (tmp_path / "a.jpg").write_text("no picture")
    (unseen,) = questions("QueryAttr", gqa=folder, images=tmp_path)
    assert missing_pictures([unseen]) is None
    with pytest.raises(PictureMissing, match=r"a\.jpg of question 07"):
        _ = unseen.image


# Malformed input: fatal for a file, counted for one question.


def release(folder: Path, entries: Json | str, graphs: Json | str) -> Path:
    for name, content in ((gqa.QUESTION_FILES[0], entries), (gqa.SCENE_GRAPHS, graphs)):
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


GOOD = entry_of("QueryAttr", "left", ("select", "cat (11)"), ("query", "hposition"))
GRAPHS = {"1": graph_of(CAT, DOG)}


def test_one_bad_question_of_a_release_is_left_out_and_counted(tmp_path: Path) -> None:
    choice = ("select", "cat (11)"), ("choose color", "red|blue")
    entries = {
        "good": GOOD,
        "no graph": GOOD | {"imageId": "2"},
        "broken graph": GOOD | {"imageId": "3"},
        "no text": GOOD | {"question": " "},
        "number": GOOD | {"imageId": 1},
        "no program": GOOD | {"semantic": None},
        "odd program": GOOD | {"semantic": ["select"]},
        "no object": GOOD | {"semantic": [{"operation": "select", "argument": "scene"}]},
        "unknown object": GOOD | {"semantic": [{"operation": "select", "argument": "bat (99)"}]},
        "one object": entry_of("CompareAttr", "color", ("select", "cat (11)"), ("common", "")),
        "other choice": entry_of("ChooseAttr", "green", *choice),
        "choice": entry_of("ChooseAttr", "blue", *choice),
        "no entry": 7,
        "other task": GOOD | {"types": {"structural": "verify", "semantic": "rel", "detailed": "verifyRel"}},
    }
    folder = release(tmp_path, entries, GRAPHS | {"3": {"width": "wide"}})
    loaded = load("QueryAttr", folder)
    assert [question.id for question in loaded.questions] == ["good", "unknown object"]
    assert loaded.questions[1].objects == (Object("bat", None),)
    assert list(loaded.unboxed.values()) == [("unknown object",)]
    assert list(loaded.dropped.values()) == [
        ("no graph", "broken graph"),
        ("no text", "number"),
        ("no program", "odd program"),
        ("no object",),
    ]
    chosen = load("ChooseAttr", folder)
    assert [(q.id, q.true_option, q.false_option) for q in chosen.questions] == [("choice", "blue", "red")]
    assert list(chosen.dropped.values()) == [("other choice",)]
    with pytest.raises(QuestionsUnavailable, match=r"no question of CompareAttr .*1 x .*too few objects"):
        load("CompareAttr", folder)
    with pytest.raises(QuestionsUnavailable, match=r"no question of ChooseRel .*none of its types"):
        load("ChooseRel", folder)


HALF = "\ud800"


@pytest.mark.parametrize(
    ("task", "changes", "program"),
    [
        ("QueryAttr", {"question": f"Is it {HALF}?"}, ()),
        ("QueryAttr", {"question": "Is it \udc00\ud800?"}, ()),
        ("QueryAttr", {"answer": HALF}, ()),
        ("ChooseAttr", {}, (("select", "cat (11)"), ("choose color", f"red{HALF}|blue"))),
        ("QueryAttr", {}, (("select", f"c{HALF}t (11)"), ("query", "hposition"))),
    ],
)
def test_half_a_surrogate_pair_costs_the_question_and_is_counted(
    tmp_path: Path, task: str, changes: Json, program: tuple[tuple[str, str], ...]
) -> None:
    good = (
        entry_of(task, "blue", ("select", "cat (11)"), ("choose color", "red|blue")) if task == "ChooseAttr" else GOOD
    )
    whole = good | {"question": "Is it \U0001f408?"}
    bad = (entry_of(task, "blue", *program) if program else good) | changes
    loaded = load(task, release(tmp_path, {"good": good, "whole": whole, "bad": bad, f"id{HALF}": good}, GRAPHS))
    assert [question.id for question in loaded.questions] == ["good", "whole"]
    assert loaded.dropped == {NO_UNICODE: ("bad", f"id{HALF}")}
    for question in loaded.questions:
        question.text.encode()


def test_a_release_falls_back_on_all_questions(tmp_path: Path) -> None:
    release(tmp_path, {"1": GOOD}, GRAPHS)
    (tmp_path / gqa.QUESTION_FILES[0]).rename(tmp_path / gqa.QUESTION_FILES[1])
    assert [question.id for question in load("QueryAttr", tmp_path).questions] == ["1"]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    release(tmp_path, {"1": GOOD}, GRAPHS)
    assert len(load("QueryAttr", tmp_path).questions) == 1
    release(tmp_path, {"1": GOOD, "2": GOOD}, GRAPHS)
    assert len(load("QueryAttr", tmp_path).questions) == 2


TWICE = '{"07": 1, "07": 2}'


@pytest.mark.parametrize(
    ("entries", "graphs", "sentence"),
    [
        (TWICE, GRAPHS, r"val_balanced_questions\.json holds 07 twice"),
        ({"1": GOOD}, TWICE, r"val_sceneGraphs\.json holds 07 twice"),
        ("[1]", GRAPHS, r"val_balanced_questions\.json is no JSON object .*line 1"),
        ({"1": GOOD}, '{"1": {', r"val_sceneGraphs\.json is no JSON object"),
        ('{"1": ' + "[" * 10**5, GRAPHS, "is no JSON object"),
        ("", GRAPHS, "is no JSON object"),
    ],
)
def test_a_broken_release_is_one_sentence(tmp_path: Path, entries: Any, graphs: Any, sentence: str) -> None:
    folder = release(tmp_path, entries, graphs)
    with pytest.raises(QuestionsUnavailable, match=sentence):
        load("QueryAttr", folder)


def test_files_missing_or_in_another_encoding(tmp_path: Path) -> None:
    release(tmp_path, {"1": GOOD}, GRAPHS)
    (tmp_path / gqa.SCENE_GRAPHS).unlink()
    with pytest.raises(QuestionsUnavailable, match=r"needs val_sceneGraphs\.json beside it"):
        load("QueryAttr", tmp_path)
    (tmp_path / gqa.SCENE_GRAPHS).write_bytes('{"é": 1}'.encode("latin-1"))
    with pytest.raises(QuestionsUnavailable, match=r"is not UTF-8 \(line 1, byte 0xe9\)"):
        load("QueryAttr", tmp_path)


def test_one_bad_row_is_left_out_and_counted(tmp_path: Path) -> None:
    def row(identifier: str, **changes: str) -> dict[str, str]:
        return as_row(a_question(identifier)) | {name.replace("_of_", " "): value for name, value in changes.items()}

    rows = [
        row("01"),
        row("02", image_w="wide"),
        row("03", image_h="0"),
        row("04", image_w="9" * 5000),
        row("05", central_object_of_x="-"),
        row("06") | {"central object x": "-"},
        row("07") | {"central object w": "nan"},
        row("08", type_detailed="twoCommon"),
        row("09", question=" "),
        row("10") | {"central object x": "70"},
    ]
    text = as_csv([{name: one[name] for name in rows[0]} for one in rows])
    folder = written(tmp_path, "\ufeff" + text + "11,short\n\n")
    loaded = load("QueryAttr", folder)
    assert [question.id for question in loaded.questions] == ["01", "05", "10"]
    assert loaded.unboxed == {OUTSIDE: ("10",)}
    lines = text.count("\n") + 1
    assert list(loaded.dropped.values()) == [
        ("02", "03", "04"),
        ("06", "07"),
        ("08",),
        ("09",),
        (f"line {lines}",),
    ]


def test_a_choice_without_its_answer_is_left_out(tmp_path: Path) -> None:
    good = a_question("01", task="ChooseAttr", true_option="left", false_option="right")
    rows = [as_row(good), as_row(good) | {"question_id": "02", "true option": "right"}]
    loaded = load("ChooseAttr", written(tmp_path, rows, "ChooseAttr"))
    assert loaded.questions == (good,)
    assert list(loaded.dropped.values()) == [("02",)]


def broken_files() -> Iterator[tuple[str, bytes, str]]:
    row = as_row(a_question())
    whole = as_csv([row])
    yield "id twice", as_csv([row, row]).encode(), "holds 07 twice"
    without = {name: value for name, value in row.items() if name not in {"img_id", "central object h"}}
    yield "columns", as_csv([without]).encode(), "lacks the columns 'img_id', 'central object h'"
    yield (
        "column",
        as_csv([{k: v for k, v in row.items() if k != "answer"}]).encode(),
        "lacks the column 'answer'",
    )
    yield "encoding", whole.replace("cat", "chât").encode("latin-1"), "not UTF-8 .line 2, byte 0xe2"
    yield "quote", (whole + '08,"never closed\n').encode(), "no CSV file from line"
    yield "empty", b"", "is empty"


@pytest.mark.parametrize(
    ("content", "sentence"), [case[1:] for case in broken_files()], ids=[case[0] for case in broken_files()]
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / authors.FILES["QueryAttr"]).write_bytes(content)
    with pytest.raises(QuestionsUnavailable, match=sentence):
        load("QueryAttr", tmp_path)


def test_a_folder_without_questions_is_told_what_was_looked_for(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(QuestionsUnavailable, match=r"looked for val_balanced_questions\.json .*QueryAttr\.csv"):
            questions("QueryAttr", gqa=folder)
    written(tmp_path, [as_row(a_question())])
    with pytest.raises(QuestionsUnavailable, match=r"lacks .*ChooseRel\.csv: add it, or leave ChooseRel out"):
        questions("ChooseRel", gqa=tmp_path)


def test_a_source_is_checked_as_far_as_a_moment_tells(tmp_path: Path) -> None:
    check(TASKS)
    written(tmp_path, [as_row(a_question())])
    with pytest.raises(PicturesUnavailable, match=r"holds no pictures, neither images/ nor images\.zip"):
        check(["QueryAttr"], tmp_path)
    check(["QueryAttr"], tmp_path, images=tmp_path)
    with pytest.raises(QuestionsUnavailable, match=r"lacks .*ChooseAttr\.csv, .*ChooseRel\.csv: add them, or leave"):
        check(["ChooseAttr", "QueryAttr", "ChooseRel"], tmp_path, images=tmp_path)


def test_an_unknown_task_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'Nonsense'.*ChooseAttr, ChooseCat"):
        questions("Nonsense")


def test_the_bundled_world_lies_beside_the_code() -> None:
    assert (WORLD / gqa.QUESTION_FILES[0]).is_file()
