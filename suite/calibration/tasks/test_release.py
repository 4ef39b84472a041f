"""A release's question is made from its program and its scene graph; a broken one is an error, or is counted."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.question import Box, Object
from fixtures.tasks import TASKS, QuestionsUnavailable, load
from fixtures.tasks.gqa import release as gqa_release
from fixtures.tasks.gqa.groups import GROUPS
from fixtures.tasks.reading.parsing import NO_UNICODE, OUTSIDE, ParsedQuestion, clip
from fixtures.tasks.renderer import scenes
from suite.support.data.questions import CAT, DOG, GOOD, GRAPHS, Json, entry_of, graph_of, write_release


def parsed(entry: Json, graph: Json | None = None) -> ParsedQuestion:
    outline = gqa_release.outline(graph or graph_of(CAT, DOG))
    assert outline
    return gqa_release.parse("01", entry, {"1": outline})


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
    assert gqa_release.program_options(program, answer) == options


@pytest.mark.parametrize("operation", ["choose", "choose color", "choose name"])
def test_options_of_a_choice(operation: str) -> None:
    assert gqa_release.program_options([{"operation": operation, "argument": "empty|full "}], "full") == (
        "full",
        "empty",
    )


def test_no_choice_has_no_options() -> None:
    assert gqa_release.program_options([{"operation": "query", "argument": "hposition"}], "left") == (None, None)


def test_an_absent_object_has_no_box_and_is_no_fault() -> None:
    entry = entry_of("LogicalObj", "no", ("select", "cat (11)"), ("filter color", "not(red)"), ("select", "mud (-) "))
    question = parsed(entry)
    assert question.question.objects == (Object("cat", CAT[2]), Object("mud", None))
    assert question.unboxed == ()


def test_relations_groups_and_what_is_not_named() -> None:
    program = [
        {"operation": "select", "argument": "animal (11, 12)"},
        {"operation": "relate", "argument": "fire hydrant,to the left of,s (13)"},
        {"operation": "relate", "argument": "_,wearing,o (14)"},
        {"operation": "select", "argument": "scene"},
        {"operation": "filter color", "argument": "not(brown)"},
    ]
    assert gqa_release.named_objects(program) == (("animal", "11"), ("animal", "12"), ("fire hydrant", "13"))


@pytest.mark.parametrize(
    ("box", "part"),
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
def test_boxes_are_clipped_and_those_outside_are_counted(box: Box, part: Box | None) -> None:
    assert clip(box, (100, 80)) == part
    entry = entry_of("QueryAttr", "left", ("select", "cat (11)"), ("query", "hposition"))
    question = parsed(entry, graph_of(("11", "cat", box)))
    assert question.question.objects == (Object("cat", part),)
    assert question.unboxed == (() if part else (OUTSIDE,))
    assert question.clipped is (part not in (None, box))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999_999), st.sampled_from(TASKS), st.randoms(use_true_random=False))
def test_a_rendered_scene_comes_back_as_it_was_asked(index: int, task: str, rng: random.Random) -> None:
    a_scene = scenes.scene("validation", index)
    entry = scenes.ask(a_scene, task, rng)
    if entry is None:
        return
    outline = gqa_release.outline(scenes.scene_graph(a_scene))
    assert outline
    parsed_question = gqa_release.parse("007", json.loads(json.dumps(entry)), {a_scene.id: outline})
    assert parsed_question.unboxed == ()
    question = parsed_question.question
    assert (question.text, question.answer, question.task) == (entry["question"], entry["answer"], task)
    boxes = [thing.box for thing in a_scene.things]
    assert {thing.box_xywh for thing in question.objects} <= {*boxes, None}
    for thing in question.objects:
        names = [other.name for other in a_scene.things if other.box == thing.box_xywh]
        if thing.name in scenes.CATEGORIES:
            assert names == ([thing.name] if thing.box_xywh else [])
    if GROUPS[task].structural == "choose":
        assert question.true_option == question.answer
        assert question.false_option not in (None, question.answer)
        assert str(question.false_option) in question.text
    else:
        assert question.true_option is question.false_option is None


# What is broken.


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
    folder = write_release(tmp_path, entries, GRAPHS | {"3": {"width": "wide"}})
    stock = load("QueryAttr", folder)
    assert [question.id for question in stock.questions] == ["good", "unknown object"]
    assert stock.questions[1].objects == (Object("bat", None),)
    assert list(stock.unboxed.values()) == [("unknown object",)]
    assert list(stock.dropped.values()) == [
        ("no graph", "broken graph"),
        ("no text", "number"),
        ("no program", "odd program"),
        ("no object",),
    ]
    choices = load("ChooseAttr", folder)
    assert [(q.id, q.true_option, q.false_option) for q in choices.questions] == [("choice", "blue", "red")]
    assert list(choices.dropped.values()) == [("other choice",)]
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
    stock = load(task, write_release(tmp_path, {"good": good, "whole": whole, "bad": bad, f"id{HALF}": good}, GRAPHS))
    assert [question.id for question in stock.questions] == ["good", "whole"]
    assert stock.dropped == {NO_UNICODE: ("bad", f"id{HALF}")}
    for question in stock.questions:
        question.text.encode()


def test_a_release_falls_back_on_all_questions(tmp_path: Path) -> None:
    write_release(tmp_path, {"1": GOOD}, GRAPHS)
    (tmp_path / gqa_release.QUESTION_FILES[0]).rename(tmp_path / gqa_release.QUESTION_FILES[1])
    assert [question.id for question in load("QueryAttr", tmp_path).questions] == ["1"]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    write_release(tmp_path, {"1": GOOD}, GRAPHS)
    assert len(load("QueryAttr", tmp_path).questions) == 1
    write_release(tmp_path, {"1": GOOD, "2": GOOD}, GRAPHS)
    assert len(load("QueryAttr", tmp_path).questions) == 2


TWICE = '{"07": 1, "07": 2}'


@pytest.mark.parametrize(
    ("entries", "graphs", "sentence"),
    [
        (TWICE, GRAPHS, r"val_balanced_questions\.json holds 07 twice"),
        ({"1": GOOD}, TWICE, r"val_sceneGraphs\.json holds 07 twice"),
        ("[1]", GRAPHS, r"val_balanced_questions\.json is not a JSON object .*line 1"),
        ({"1": GOOD}, '{"1": {', r"val_sceneGraphs\.json is not a JSON object"),
        ('{"1": ' + "[" * 10**5, GRAPHS, "is not a JSON object"),
        ("", GRAPHS, "is not a JSON object"),
    ],
)
def test_a_broken_release_is_one_sentence(tmp_path: Path, entries: Any, graphs: Any, sentence: str) -> None:
    folder = write_release(tmp_path, entries, graphs)
    with pytest.raises(QuestionsUnavailable, match=sentence):
        load("QueryAttr", folder)


def test_files_missing_or_in_another_encoding(tmp_path: Path) -> None:
    write_release(tmp_path, {"1": GOOD}, GRAPHS)
    (tmp_path / gqa_release.SCENE_GRAPHS).unlink()
    with pytest.raises(QuestionsUnavailable, match=r"needs val_sceneGraphs\.json in the same folder"):
        load("QueryAttr", tmp_path)
    (tmp_path / gqa_release.SCENE_GRAPHS).write_bytes('{"é": 1}'.encode("latin-1"))
    with pytest.raises(QuestionsUnavailable, match=r"is not UTF-8 \(line 1, byte 0xe9\)"):
        load("QueryAttr", tmp_path)
