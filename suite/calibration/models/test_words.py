"""Words are found whole, at every place, in either number, and lead to exactly the tokens that hold them."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.models.prompt_texts import vicuna
from fixtures.models.words import occurrences, option_occurrences, positions, same_noun
from fixtures.tasks import TASKS, load
from suite.support.repository import AUTHORS, needs_authors_files

# A busy machine says nothing about the tests.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LLAMA = AUTHORS.parent / "tokenizers" / "llama2"

FIRST_SUBSTRINGS_ELSEWHERE = 26
"""Names of the authors' questions whose first substring is not where the word stands."""

NAMES = ["hat", "phone", "dog", "cat", "traffic light", "man", "leaf", "bus", "tie", "ear"]
STRANGERS = [
    "What",
    "that",
    "telephone",
    "necktie",
    "hot-dog",
    "doghouse",
    "human",
    "lights",
    "Is",
    "the",
    "bear",
]
FORMS = {"traffic light": "traffic lights", "man": "men", "leaf": "leaves", "bus": "buses"}


def written(text: str, name: str) -> list[str]:
    return [text[start:end] for start, end in occurrences(text, name)]


@pytest.mark.parametrize(
    ("text", "name", "starts"),
    [
        ("What color is the hat?", "hat", [18]),
        ("Is the telephone left of the phone?", "phone", [29]),
        ("What is in the telephone booth?", "phone", []),
        ("Is the necktie gray?", "tie", []),
        ("Is the t-shirt white?", "shirt", []),
        ("Is the T-shirt white?", "t-shirt", [7]),
        ("Is the dog near the other dog?", "dog", [7, 26]),
        ("Dog or cat?", "dog", [0]),
        ("What color is the dog's collar?", "dog", [18]),
        ("Is the bull's eye red?", "bull's eye", [7]),
        ("Do you see traffic lights?", "traffic light", [11]),
        ("Do you see traffic, light or cars?", "traffic light", []),
        ("Are there any dogs?", "dog", [14]),
        ("Is there a shelf?", "shelves", [11]),
        ("Are there glasses beside the glass?", "glass", [29]),
        ("Are there glasses beside the glass?", "glasses", [10]),
        ("Does the doe run?", "doe", [9]),
        ("Is it red?", "", []),
        ("Is it red?", "?", []),
    ],
)
def test_a_word_is_found_whole(text: str, name: str, starts: list[int]) -> None:
    assert [start for start, _ in occurrences(text, name)] == starts


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("dog", "dogs"),
        ("bus", "buses"),
        ("box", "boxes"),
        ("bench", "benches"),
        ("brush", "brushes"),
        ("potato", "potatoes"),
        ("photo", "photos"),
        ("lady", "ladies"),
        ("toy", "toys"),
        ("knife", "knives"),
        ("shelf", "shelves"),
        ("roof", "roofs"),
        ("man", "men"),
        ("policewoman", "policewomen"),
        ("person", "people"),
        ("child", "children"),
        ("foot", "feet"),
        ("tooth", "teeth"),
        ("goose", "geese"),
        ("mouse", "mice"),
    ],
)
def test_number(one: str, many: str) -> None:
    assert same_noun(one, many)
    assert same_noun(many, one)
    assert not same_noun(one, many + "s")
    assert not same_noun("a" + one, many)


@unhurried
@given(
    name=st.sampled_from(NAMES),
    plural=st.booleans(),
    words=st.lists(st.sampled_from([None, *STRANGERS]), max_size=12),
    separators=st.lists(st.sampled_from([" ", ", ", "? ", "  "]), min_size=12, max_size=12),
    upper=st.booleans(),
)
def test_every_place_of_a_word_and_no_other(
    name: str, plural: bool, words: list[str | None], separators: list[str], upper: bool
) -> None:
    """The text is assembled here, so the places are known without searching for them."""
    form = FORMS.get(name, name + "s") if plural else name
    text, places = "", []
    for word, separator in zip(words, separators, strict=False):
        if word is None:
            places.append((len(text), len(text) + len(form)))
        text += (form if word is None else word) + separator
    assert occurrences(text.upper() if upper else text, name) == places


@pytest.mark.parametrize(
    ("text", "option", "other", "starts"),
    [
        ("Is it light blue or blue?", "blue", "light blue", [20]),
        ("Is it light blue or blue?", "light blue", "blue", [6]),
        ("Is it to the left or to the right of the left chair?", "left", "right", [13, 41]),
        ("Is it red?", "blue", "red", []),
    ],
)
def test_an_option_is_not_found_inside_the_other(text: str, option: str, other: str, starts: list[int]) -> None:
    assert [start for start, _ in option_occurrences(text, option, other)] == starts


@unhurried
@given(seed=st.integers(0, 2**32), length=st.integers(1, 40), count=st.integers(0, 4))
def test_positions_are_the_tokens_that_share_a_character(seed: int, length: int, count: int) -> None:
    rng = random.Random(seed)
    cuts = sorted({0, length, *(rng.randrange(length + 1) for _ in range(rng.randrange(10)))})
    tokens = [(0, 0), *pairwise(cuts), (length, length)]
    # Several tokens of one character (byte fallback) have one range.
    tokens = [token for token in tokens for _ in range(rng.choice([1, 1, 2]))]
    ends = (sorted(rng.sample(range(length + 1), 2)) for _ in range(count))
    ranges = [(start, end) for start, end in ends]
    characters = {character for start, end in ranges for character in range(start, end)}
    expected = [index for index, (start, end) in enumerate(tokens) if characters & set(range(start, end))]
    assert positions(np.array(tokens), ranges).tolist() == expected


@needs_authors_files
def test_the_authors_questions_write_what_they_name() -> None:
    """All but synonyms and pronouns are found, and nothing inside a word."""
    names, without_a_place, inflections, elsewhere = 0, Counter[str](), 0, 0
    for one in (one for task in TASKS for one in load(task, AUTHORS).questions):
        for name in (thing.name for thing in one.objects):
            names += 1
            places = occurrences(one.text, name)
            if not places:
                without_a_place[name] += 1
                continue
            words_there = {one.text[start:end].lower() for start, end in places}
            inflections += name.lower() not in words_there
            elsewhere += one.text.lower().find(name.lower()) not in {start for start, _ in places}
            assert all(not is_within_a_word(one.text, *place) for place in places)
            assert all(same_noun(word.split()[-1], name.lower().split()[-1]) for word in words_there)
    assert names == 8050
    assert without_a_place == {"he": 17, "phone": 13, "tie": 7, "cyclist": 1}  # him, telephone, necktie, bicyclist
    assert inflections == 1330, "lemmas of LogicalObj, and three more"
    assert elsewhere == FIRST_SUBSTRINGS_ELSEWHERE


@needs_authors_files
def test_the_authors_questions_write_their_options() -> None:
    cases = [one for task in TASKS for one in load(task, AUTHORS).questions if one.true_option and one.false_option]
    assert len(cases) == 2964
    without: list[str] = []
    for one in cases:
        pairs = ((one.true_option, one.false_option), (one.false_option, one.true_option))
        places_of_options = [option_occurrences(one.text, str(option), str(other)) for option, other in pairs]
        without += [one.text] * (not all(places_of_options))
        assert not any(is_within_a_word(one.text, *place) for places in places_of_options for place in places)
        assert not set(places_of_options[0]) & set(places_of_options[1])
    assert without == ["What type of device is orange, the telephone or the laptop?"]


@needs_authors_files
@pytest.mark.skipif(not LLAMA.is_dir(), reason="the tokenizer of Llama 2 is not here")
def test_every_word_of_the_authors_questions_is_followed_to_its_tokens() -> None:
    """In the paper's prompt, with Llama 2's tokenizer: what the tokens hold reads as the word, and no more."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(LLAMA)
    words = 0
    for one in (one for task in TASKS for one in load(task, AUTHORS).questions):
        question = one.text.strip()
        prompt = vicuna(question, "<image>").replace("<image>", "")
        encoding = tokenizer(prompt, return_offsets_mapping=True)
        ids, offsets = np.array(encoding["input_ids"]), np.array(encoding["offset_mapping"])
        start = prompt.index(question)
        names = [thing.name for thing in one.objects] + [word for word in (one.true_option, one.false_option) if word]
        places = [place for name in names for place in occurrences(question, name)]
        for first, last in [(0, len(question)), *places]:
            own = positions(offsets, [(start + first, start + last)])
            assert tokenizer.decode(ids[own]).strip() == question[first:last].strip()
        words += len(places)
    assert words > 13_000


def is_within_a_word(text: str, start: int, end: int) -> bool:
    """Whether a place begins or ends between letters: "hat" in "What"."""
    around = text[:start][-1:] + text[end:][:1]
    return any(character.isalnum() for character in around)
