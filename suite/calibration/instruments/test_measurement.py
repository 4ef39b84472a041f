"""What comes back from disk is a measurement or is refused: no NaN, no wrong shape becomes a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.bench import measurement_file
from fixtures.bench.store import Entry, Store
from fixtures.flow import IMAGE, LAST, QUESTION, RELATED
from fixtures.measurement import Measurement
from fixtures.plugin.properties import measurement_properties
from fixtures.question import Question
from suite.support.runs import stand_in_model as stand_in

ASKED, KEPT = 6, 4
EDGES = (IMAGE >> QUESTION, QUESTION >> LAST)
NONE = RELATED >> QUESTION
KNOCKED = f"knocked/{IMAGE >> QUESTION}"
LENS = "lens/lowercase"

Arrays = dict[str, NDArray[Any]]
Damage = Callable[[Arrays], Arrays]


def question(number: int) -> Question:
    return Question(f"q{number}", f"i{number}", "ChooseAttr", "Is it red?", "red", None, None, (), (32, 32))


@pytest.fixture
def result() -> Measurement:
    """Six questions, two of them set aside; one of those kept lacks an edge and a lens form."""
    cases = tuple(question(number) for number in range(ASKED))
    whole = stand_in.measure(SimpleNamespace(name="model"), cases[:KEPT], EDGES, lens=True)
    gap = np.array([False, True, False, False])[:, None]
    return replace(
        whole,
        asked=cases,
        answers=(*["red"] * KEPT, "blue", None),
        correct=np.arange(ASKED) < KEPT,
        set_aside={"answered otherwise": 1, "picture missing": 1},
        edge_left_out={IMAGE >> QUESTION: {"a box lands on no patch": 1}},
        edges=(*EDGES, NONE),
        unsupported={NONE: "no object of it is in the picture"},
        knocked={edge: np.where(gap, np.nan, values) for edge, values in whole.knocked.items()},
        lenses={form: np.where(gap, np.nan, values) for form, values in whole.lenses.items()},
        ranks={form: np.where(gap, np.nan, 1000.0 * values) for form, values in whole.lenses.items()},
        scores={name: np.where(gap, np.nan, -1000.0 * values) for name, values in whole.scores.items()},
        rivals=("red", "blue"),
    )


def at(name: str, place: Any, value: float) -> Damage:
    """Damage to one array at one place."""

    def damage(arrays: Arrays) -> Arrays:
        values = arrays[name].copy()
        values[place] = value
        return {**arrays, name: values}

    return damage


def reshape(name: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Damage:
    return lambda arrays: {**arrays, name: change(arrays[name])}


def without(name: str) -> Damage:
    return lambda arrays: {other: values for other, values in arrays.items() if other != name}


def change_content(**changes: Any) -> Damage:
    """Damage to what stands next to the arrays."""

    def damage(arrays: Arrays) -> Arrays:
        rest = {**json.loads(arrays["json"].tobytes()), **changes}
        return {**arrays, "json": np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8)}

    return damage


def lengthen(arrays: Arrays) -> Arrays:
    return {**arrays, f"knocked/{NONE}": arrays[KNOCKED]}


def test_gaps_and_rounding_are_no_damage(result: Measurement) -> None:
    arrays = at(LENS, (0, 0), 1 + 1e-7)(measurement_file.to_arrays(result))
    again = measurement_file.from_arrays(arrays)
    assert np.isnan(again.knocked[IMAGE >> QUESTION]).all(axis=1).tolist() == [False, True, False, False]
    assert again.curve(IMAGE >> QUESTION).n == KEPT - 1
    assert again.set_aside == result.set_aside
    assert again.edge_left_out == result.edge_left_out
    assert again.rivals == ("red", "blue")
    assert np.array_equal(again.scores["answer"], result.scores["answer"], equal_nan=True), "a logit may be negative"


def test_a_measurement_without_a_question_left_is_one(result: Measurement) -> None:
    none = replace(
        result, correct=np.zeros(ASKED, np.bool_), answers=("blue",) * ASKED, questions=(),
        baseline=result.baseline[:0],
        knocked={edge: values[:0] for edge, values in result.knocked.items()},
        lenses={form: values[:0] for form, values in result.lenses.items()}, ranks={}, scores={},
        set_aside={"answered otherwise": ASKED},
    )  # fmt: skip
    assert measurement_file.from_arrays(measurement_file.to_arrays(none)).questions == ()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (at("baseline", 0, np.nan), "baseline holds NaN or infinity"),
        (at("baseline", 0, 1.01), "baseline holds numbers beyond 0 to 1"),
        (at("baseline", 0, 0.0), "impossible"),
        (reshape("baseline", lambda values: values[1:]), r"baseline holds float64 \[3, 1\] in place of float64 \[4,"),
        (reshape("baseline", lambda values: values.astype(np.float16)), "baseline holds float16"),
        (reshape("baseline", lambda values: values[0]), "IndexError"),
        (at(KNOCKED, (0, 3), np.nan), "image->question holds NaN or infinity"),
        (at(KNOCKED, (0, 3), np.inf), "image->question holds NaN or infinity"),
        (at(KNOCKED, (0, 3), -0.1), "image->question holds numbers beyond 0 to 1"),
        (at(KNOCKED, ..., np.nan), "image->question has no question"),
        (reshape(KNOCKED, lambda values: values[:, 1:]), r"float64 \[4, 7\] in place of float64 \[4, 8\]"),
        (reshape(KNOCKED, lambda values: values[1:]), r"float64 \[3, 8\] in place of float64 \[4, 8\]"),
        (reshape(KNOCKED, lambda values: values[0]), r"float64 \[8\] in place"),
        (without(KNOCKED), "its edges are not those"),
        (lengthen, "its edges are not those"),
        (change_content(edges=[]), "its edges are not those"),
        (change_content(edges=["image->nowhere"]), "no edge"),
        (at(LENS, (0, 0), np.nan), "lens/lowercase holds NaN or infinity"),
        (at(LENS, (0, 0), 50.0), "lens/lowercase holds numbers beyond 0 to 1"),
        (reshape(LENS, lambda values: values[:, :-1]), r"float64 \[4, 8\] in place of float64 \[4, 9\]"),
        (at("rank/lowercase", (0, 0), -1.0), "rank/lowercase holds numbers beyond"),
        (at("score/answer", (0, 0), np.nan), "score/answer holds NaN or infinity"),
        (reshape("score/rival", lambda values: values[1:]), r"score/rival holds float64 \[3, 9\] in place of"),
        (change_content(rivals=["red", 2]), r"its rivals are \['red', 2\]"),
        (at("kept", 0, False), r"baseline holds float64 \[4, 1\] in place of float64 \[3, 1\]"),
        (at("correct", 0, False), "kept that was answered wrong"),
        (reshape("correct", lambda values: values.astype(np.int8)), "correct"),
        (change_content(answers=["red"]), r"1 answers of 6 questions"),
        (change_content(answers=[None, "red", "red", "red", "blue", None]), "never answered"),
        (change_content(layers=0), "0 layers"),
        (change_content(layers=8.0), "8.0 layers"),
        (change_content(width=None), "windows of None"),
        (change_content(set_aside={"answered otherwise": "1"}), "set aside are"),
        (change_content(set_aside=[]), "AttributeError"),
        (change_content(unsupported=[]), "AttributeError"),
        (change_content(provenance={"python": "3"}), "provenance lacks numpy, torch, transformers, fingerprint"),
    ],
)  # fmt: skip
def test_damage_is_refused_in_one_sentence(result: Measurement, damage: Damage, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        measurement_file.from_arrays(damage(measurement_file.to_arrays(result)))
    assert len(str(error.value).splitlines()) == 1


def test_what_the_ledger_reads_of_a_measurement_is_what_is_checked(result: Measurement) -> None:
    properties = measurement_properties(measurement_file.from_arrays(measurement_file.to_arrays(result)))
    assert (properties["asked"], properties["kept"], sum(properties["set_aside"].values())) == (
        ASKED,
        KEPT,
        ASKED - KEPT,
    )
    assert properties["rivals"] == ["red", "blue"]


def test_a_damaged_file_of_the_store_is_measured_anew_and_said_once(result: Measurement, tmp_path: Path) -> None:
    def to_arrays(measurement: Measurement, damage: Damage) -> Mapping[str, NDArray[Any]]:
        return damage(measurement_file.to_arrays(measurement))

    sentences: list[str] = []
    store = Store(tmp_path, say=sentences.append)
    sound = Entry("key", "model ChooseAttr", measurement_file.to_arrays, measurement_file.from_arrays)
    broken = replace(sound, to_arrays=partial(to_arrays, damage=at(KNOCKED, (0, 3), np.nan)))
    store.make(broken, lambda: result)
    assert store.read(sound) is None
    assert not sentences
    assert store.make(sound, lambda: result) is result
    assert len(sentences) == 1
    assert "image->question holds NaN" in sentences[0]
    assert store.read(sound) is not None
    assert len(sentences) == 1
