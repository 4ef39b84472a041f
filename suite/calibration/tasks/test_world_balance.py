"""Neither the shares of the answers, nor words alone, nor pictures alone give an answer away."""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from fixtures.tasks.renderer.scenes import (
    CATEGORIES,
    COLORS,
    MATERIALS,
    SIZES,
    TASKS,
    JsonObject,
    Scene,
    Split,
    ask,
    scene,
)

VALUES = {"color": COLORS, "material": MATERIALS, "size": SIZES}
LEARNED, JUDGED = 5000, 2400  # numbers of scenes that a guesser learns from and is judged on


a_scene_of = cache(scene)
"""The scenes are drawn once for all six tasks."""


@cache
def questions_about(split: Split, task: str, count: int) -> tuple[tuple[Scene, JsonObject], ...]:
    """One question about each of the first *count* scenes that allows one."""
    rng = random.Random(f"{split}/{task}")
    scenes = (a_scene_of(split, index) for index in range(count))
    return tuple((a_scene, question) for a_scene in scenes if (question := ask(a_scene, task, rng)) is not None)


def options(question: JsonObject) -> tuple[str, str]:
    """The two possible answers, in the order of the question's words where it offers them."""
    operation, argument = question["semantic"][-1]["operation"], question["semantic"][-1]["argument"]
    if not operation.startswith("choose"):
        return {"common": ("color", "material"), "or": ("yes", "no"), "query": ("left", "right")}[operation]
    one, other = ("left", "right") if operation == "choose rel" else argument.split("|")
    words = re.findall(r"\w+", question["question"])
    return (one, other) if words.index(one) < words.index(other) else (other, one)


def is_first(question: JsonObject) -> bool:
    return question["answer"] == options(question)[0]


def evenly(counts: Mapping[Any, int], expected: Iterable[Any], about: str) -> None:
    """Every expected value comes up within five standard errors of its equal share."""
    values, total = list(expected), sum(counts.values())
    share = 1 / len(values)
    margin = 5 * math.sqrt(share * (1 - share) / total)
    for value in values:
        actual = counts[value] / total
        assert abs(actual - share) < margin, f"{about}: {value} is {actual:.1%} of {total}, not {share:.1%}"


def circumstances(question: JsonObject) -> list[str]:
    """The facts in a question on which its answer must not depend."""
    words = re.findall(r"\w+", question["question"])
    names = sorted(name for name in CATEGORIES if {name, f"{name}s"} & set(words))
    facts = ["anything", " or ".join(sorted(options(question)))]
    if question["types"]["structural"] == "choose" and question["types"]["semantic"] != "rel":
        return facts
    facts += [*names, " and ".join(names)]
    if question["types"]["structural"] == "logical":
        wanted = question["semantic"][1]["argument"]
        form = f"{'not' if 'not' in words else 'so'}, {'are' if 'are' in words else 'is'}"
        facts += [wanted, form, f"{form}, {words[0]} {words[1]}"]
    return facts


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_balanced_given_what_the_question_says(task: str) -> None:
    first: dict[str, Counter[bool]] = defaultdict(Counter)
    alphabetically: dict[str, Counter[bool]] = defaultdict(Counter)
    for _, question in questions_about("train", task, LEARNED):
        for fact in circumstances(question):
            first[fact][is_first(question)] += 1
            alphabetically[fact][question["answer"] == min(options(question))] += 1
    for fact, counts in first.items():
        evenly(counts, (True, False), f"{task}, {fact}: the first option is true")
    for fact, counts in alphabetically.items():
        evenly(counts, (True, False), f"{task}, {fact}: the answer comes first in the alphabet")


def test_names_and_attributes_are_balanced_as_answers() -> None:
    attributes: dict[str, Counter[str]] = defaultdict(Counter)
    for _, question in questions_about("train", "ChooseAttr", LEARNED):
        attributes[question["semantic"][1]["operation"]][question["answer"]] += 1
    for attribute, values in VALUES.items():
        evenly(attributes[f"choose {attribute}"], values, attribute)
    names = Counter(question["answer"] for _, question in questions_about("train", "ChooseCat", LEARNED))
    evenly(names, CATEGORIES, "name")


# --- guessers: naive Bayes over sparse features, blind to the words or to the picture


class NaiveBayes:
    """Two classes, features present or not; log odds with add-one smoothing."""

    def __init__(self, examples: Iterable[tuple[Iterable[str], bool]]) -> None:
        counts: dict[str, list[int]] = defaultdict(lambda: [1, 1])
        totals = [2, 2]
        for features, truth in examples:
            totals[truth] += 1
            for feature in set(features):
                counts[feature][truth] += 1
        self.prior = math.log(totals[1] / totals[0])
        self.weights = {feature: math.log(yes / no) - self.prior for feature, (no, yes) in counts.items()}

    def log_odds(self, features: Iterable[str]) -> float:
        return self.prior + sum(self.weights.get(feature, 0.0) for feature in set(features))


def wording(question: JsonObject) -> list[str]:
    """The words, their places, and every ordered pair of words, which includes the options and their order."""
    words = re.findall(r"\w+", question["question"].lower())
    pairs = [f"{one}..{other}" for one, other in combinations(words, 2)]
    return words + [f"{word}@{place}" for place, word in enumerate(words)] + pairs


def contents(a_scene: Scene) -> list[str]:
    """The contents of the picture: each object's looks and side, alone and in pairs, the number of objects, and how
    many pairs share exactly which attributes."""
    alike = Counter(
        " and ".join(kind for kind in VALUES if getattr(one, kind) == getattr(other, kind)) or "nothing"
        for one, other in combinations(a_scene.things, 2)
    )
    features = [
        f"count {len(a_scene.things)}",
        *alike,
        *(f"{pairs} share {kind}" for kind, pairs in alike.items()),
    ]
    features += [f"none shares {kind}" for kind in VALUES if not alike[kind]]
    for thing in a_scene.things:
        facts = [
            thing.name,
            CATEGORIES[thing.name],
            thing.color,
            thing.material,
            thing.size,
            "left" if thing.center_x < a_scene.width / 2 else "right",
            "top" if thing.box[1] + thing.box[3] / 2 < a_scene.height / 2 else "bottom",
        ]
        features += facts + [f"{one} {other}" for one, other in combinations(facts, 2)]
    return features


def accuracy(
    task: str, features: Callable[[Scene, JsonObject], Iterable[str]], truth: Callable[[JsonObject], bool]
) -> tuple[float, int]:
    guesser = NaiveBayes((features(*pair), truth(pair[1])) for pair in questions_about("train", task, LEARNED))
    pairs = questions_about("test", task, JUDGED)
    right = [(guesser.log_odds(features(*pair)) > 0) == truth(pair[1]) for pair in pairs]
    return float(np.mean(right)), len(pairs)


def near(chance: float, actual: float, n: int) -> bool:
    """Not better than chance by more than four standard errors."""
    return actual < chance + 4 * math.sqrt(chance * (1 - chance) / n)


@pytest.mark.parametrize("task", TASKS)
def test_the_words_alone_do_not_tell_the_answer(task: str) -> None:
    right, n = accuracy(task, lambda _, question: wording(question), is_first)
    sentence = f"{task}: from the words alone {right:.1%} of {n} questions are guessed, chance is 50.0%"
    print(sentence)
    assert near(0.5, right, n), sentence


@pytest.mark.parametrize("task", ["ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr"])
def test_the_picture_alone_does_not_tell_a_two_way_answer(task: str) -> None:
    truth = {"ChooseRel": "left", "CompareAttr": "color", "LogicalObj": "yes", "QueryAttr": "left"}[task]
    right, n = accuracy(task, lambda a_scene, _: contents(a_scene), lambda question: question["answer"] == truth)
    sentence = f"{task}: from the picture alone {right:.1%} of {n} questions are guessed, chance is 50.0%"
    print(sentence)
    assert near(0.5, right, n), sentence


@pytest.mark.parametrize("task", ["ChooseAttr", "ChooseCat"])
def test_the_picture_alone_does_not_tell_which_object_is_asked_about(task: str) -> None:
    """A guesser that weighs the objects by their looks, and even knows which attribute is asked for, does no better
    than one that picks an object blindly and names the value that most of them have."""

    def attribute(question: JsonObject) -> str:
        return question["semantic"][-1]["operation"].split()[1]

    def value(thing: Any, wanted: str) -> str:
        return getattr(thing, wanted)

    def candidates(a_scene: Scene) -> Iterable[tuple[Any, list[str]]]:
        kinds = Counter(CATEGORIES[thing.name] for thing in a_scene.things)
        colors = Counter(thing.color for thing in a_scene.things)
        for thing in a_scene.things:
            alone = Scene(a_scene.id, a_scene.width, a_scene.height, a_scene.background, (thing,))
            alike = [f"kin {kinds[CATEGORIES[thing.name]]}", f"same color {colors[thing.color]}"]
            yield thing, contents(alone) + alike

    examples: list[tuple[list[str], bool]] = []
    for a_scene, question in questions_about("train", task, LEARNED):
        if attribute(question) != "size":
            (oid,) = set(question["annotations"]["question"].values())
            examples += [(features, thing.id == oid) for thing, features in candidates(a_scene)]
    guesser = NaiveBayes(examples)
    right, chances = [], []
    for a_scene, question in questions_about("test", task, JUDGED):
        wanted = attribute(question)
        votes: dict[str, float] = defaultdict(float)
        for thing, features in candidates(a_scene):
            votes[value(thing, wanted)] += 1 / (1 + math.exp(-guesser.log_odds(features)))
        right.append(max(votes, key=lambda name: votes[name]) == question["answer"])
        values = Counter(value(thing, wanted) for thing in a_scene.things)
        # Small and large are drawn equally often, however many objects are small.
        chances.append(0.5 if wanted == "size" else max(values.values()) / len(a_scene.things))
    actual, chance = float(np.mean(right)), float(np.mean(chances))
    sentence = f"{task}: from the picture alone {actual:.1%} of {len(right)} are guessed, blindly {chance:.1%}"
    print(sentence)
    assert near(chance, actual, len(right)), sentence


def test_the_guessers_notice_a_leak() -> None:
    """The same guesser, given a word that betrays one answer in five, breaks the limit it is held to."""

    def leaking(a_scene: Scene, question: JsonObject) -> list[str]:
        is_leak = int(a_scene.id[-3:]) % 5 == 0
        return wording(question) + ([f"psst {question['answer']}"] if is_leak else [])

    right, n = accuracy("QueryAttr", leaking, is_first)
    assert not near(0.5, right, n)
    assert right > 0.55
