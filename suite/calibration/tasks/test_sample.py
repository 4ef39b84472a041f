"""Which questions are drawn is a function of their ids and a seed, by image first."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.question import Question
from fixtures.tasks import questions
from fixtures.tasks.sample import sample
from suite.support.data.questions import few_examples, make_question

pools = st.lists(st.integers(0, 6), min_size=1, max_size=30).map(
    lambda images: [make_question(f"{number:03d}", str(image)) for number, image in enumerate(images)]
)


@few_examples
@given(pools, st.integers(0, 5), st.integers(1, 30), st.integers(0, 10))
def test_more_questions_only_add_to_fewer(pool: list[Question], seed: int, n: int, more: int) -> None:
    everything = sample(pool, None, seed)
    assert sorted(everything, key=lambda q: q.id) == sorted(pool, key=lambda q: q.id)
    assert sample(pool, n, seed) == sample(pool, n + more, seed)[:n] == everything[:n]


@few_examples
@given(pools, st.integers(0, 5))
def test_no_image_serves_twice_before_each_has_served(pool: list[Question], seed: int) -> None:
    order = sample(pool, None, seed)
    left = Counter(question.image_id for question in pool)
    while order:
        turn, order = order[: len(left)], order[len(left) :]
        assert {question.image_id for question in turn} == set(left)
        left -= Counter(left.keys())


@few_examples
@given(pools, st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_order_of_the_file_makes_no_difference(pool: list[Question], seed: int, rng: random.Random) -> None:
    other_order = rng.sample(pool, len(pool))
    assert sample(other_order, None, seed) == sample(pool, None, seed)


def test_seeds_draw_different_and_evenly() -> None:
    pool = [make_question(str(i), str(i)) for i in range(100)]
    counts = Counter(question.id for seed in range(200) for question in sample(pool, 10, seed))
    assert len(counts) == 100
    assert max(counts.values()) < 45  # 20 expected: over five standard deviations


def test_one_seed_draws_the_same_on_every_machine() -> None:
    pool = [make_question(f"{i:02d}", str(i // 2)) for i in range(12)]
    assert [question.id for question in sample(pool, 4, 0)] == ["09", "05", "07", "10"]


@pytest.mark.parametrize("n", [0, -1])
def test_none_to_draw_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        questions("ChooseAttr", n=n)
