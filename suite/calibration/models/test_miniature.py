"""The miniature is a true LLaVA: its files load, its answers are right, its training repeats."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fixtures.models.miniature import WEIGHTS
from fixtures.tasks.renderer.scenes import TASKS, draw, scene

SAMPLE = 48  # questions a task
LEAST_RIGHT = 44  # a model that is right 99 % of the time falls below once in ten thousand samples


@cache
def bundled() -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(WEIGHTS, dtype=torch.float32, local_files_only=True)
    return model.eval(), AutoProcessor.from_pretrained(WEIGHTS, local_files_only=True)


@cache
def untrained() -> tuple[Any, Any]:
    from fixtures.models.miniature.build import build_model, build_processor, train_tokenizer
    from fixtures.models.miniature.curriculum import tokenizer_texts

    tokenizer = train_tokenizer(tokenizer_texts())
    return build_model(tokenizer, seed=0, hidden=32, layers=2, vision_layers=1), build_processor(tokenizer)


def test_weights_are_safetensors_and_small() -> None:
    sizes = {path.name: path.stat().st_size for path in WEIGHTS.iterdir()}
    assert "model.safetensors" in sizes
    assert not [name for name in sizes if Path(name).suffix not in {".safetensors", ".json", ".jinja"}]
    assert sum(sizes.values()) <= 12 * 2**20


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_right_through_the_public_path(task: str) -> None:
    from fixtures.models.miniature.score import answers, held_out

    model, processor = bundled()
    cases = held_out(task, SAMPLE, "test")
    model_answers = answers(model, processor, cases)
    wrong = [
        (one.question, one.answer, answer)
        for one, answer in zip(cases, model_answers, strict=True)
        if answer != one.answer
    ]
    assert SAMPLE - len(wrong) >= LEAST_RIGHT, wrong


def test_chat_template_yields_the_prompt() -> None:
    _, processor = bundled()
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Is the cat red or blue?"}]}]
    prompt = "USER: <image>\nIs the cat red or blue?\nAnswer the question using a single word or phrase. ASSISTANT:"
    assert processor.apply_chat_template(messages, add_generation_prompt=True) == prompt


def test_processor_keeps_the_pixels_that_training_saw() -> None:
    import torch

    from fixtures.models.miniature.vision import to_pixels

    a_scene = scene("test", 0)
    inputs = bundled()[1](images=draw(a_scene), text="<image>", return_tensors="pt")
    assert inputs["pixel_values"].shape == (1, 3, 64, 64)
    torch.testing.assert_close(inputs["pixel_values"], to_pixels([a_scene]), rtol=0, atol=1e-6)


def test_bundled_tokenizer_is_the_one_that_training_makes() -> None:
    def rules(processor: Any) -> Any:
        return json.loads(processor.tokenizer.backend_tokenizer.to_str())["model"]

    assert rules(bundled()[1]) == rules(untrained()[1])


def test_answers_differ_by_case_at_their_first_sub_word() -> None:
    from fixtures.models.miniature.curriculum import ANSWERS
    from fixtures.tasks.renderer.scenes import CATEGORIES

    tokenizer = bundled()[1].tokenizer

    def split(word: str) -> list[int]:
        return tokenizer.encode(f" {word}", add_special_tokens=False)

    lower = {answer: split(answer) for answer in ANSWERS}
    capitalized = {answer: split(answer.capitalize()) for answer in ANSWERS}
    assert all(len(tokens) == 1 for tokens in lower.values())
    assert not {tokens[0] for tokens in lower.values()} & {tokens[0] for tokens in capitalized.values()}
    assert len({tokens[0] for tokens in capitalized.values()}) == len(ANSWERS), "two answers begin alike"
    for answer in ("left", "right", "yes", "no", "color", "material"):
        assert len(capitalized[answer]) == 1
    assert sum(len(tokens) >= 2 for tokens in capitalized.values()) >= 6
    for name in CATEGORIES:
        assert split(f"{name}s") == [*lower[name], *tokenizer.encode("s", add_special_tokens=False)]


def test_packed_questions_have_the_logits_of_the_public_forward() -> None:
    import random

    import torch

    from fixtures.models.miniature.build import BEFORE_QUESTION, IMAGE, PATCHES
    from fixtures.models.miniature.curriculum import captions, chat, plain
    from fixtures.models.miniature.packing import Batch, hidden_states, pad, tokenize
    from fixtures.models.miniature.vision import to_pixels

    model, processor = untrained()
    model = model.double().eval()
    scenes = [scene("train", index) for index in range(2)]
    turns = chat("Is the cat red or blue?", "blue"), plain("Is there a bed?", "no")
    rows = [[*turns, captions(one, random.Random(0), 2)] for one in scenes]
    tokenizer = processor.tokenizer
    tokens = [[tokenize(branch, tokenizer) for branch in row] for row in rows]
    ids, learn = pad([each for row in tokens for each in row], 40, tokenizer.pad_token_id)
    prefix = torch.tensor(tokenizer.encode(BEFORE_QUESTION.replace(IMAGE, IMAGE * PATCHES)))
    batch = Batch(to_pixels(scenes), prefix, ids.view(2, 3, 40), learn.view(2, 3, 40))
    with torch.no_grad():
        packed_logits = model.lm_head(hidden_states(model, batch))
        for number, (one, row) in enumerate(zip(scenes, rows, strict=True)):
            for place, branch in enumerate(row):
                text = BEFORE_QUESTION + "".join(piece.text for piece in branch)
                inputs = processor(images=draw(one), text=text, return_tensors="pt")
                own = tokens[number][place][0]
                assert inputs["input_ids"][0].tolist() == [*prefix.tolist(), *own]
                inputs["pixel_values"] = inputs["pixel_values"].double()
                alone = model(**inputs).logits[0, len(prefix) :]
                torch.testing.assert_close(packed_logits[number, place, : len(own)], alone, rtol=0, atol=1e-5)


def test_training_is_repeatable(tmp_path: Path) -> None:
    from dataclasses import replace

    import torch

    from fixtures.models.miniature.build import build_model, build_processor
    from fixtures.models.miniature.train import ALIGN, ANSWER, SEE, Trainer, every_part

    def train(folder: Path) -> dict[str, Any]:
        tokenizer = untrained()[1].tokenizer
        model = build_model(tokenizer, seed=3, hidden=32, layers=2, vision_layers=1).bfloat16()
        trainer = Trainer(model, build_processor(tokenizer), 3, folder, torch.device("cpu"))
        trainer.see(replace(SEE, steps=3))
        trainer.align(replace(ALIGN, steps=3))
        trainer.learn(replace(ANSWER, steps=3), every_part(model), first=0, every=100)
        return model.state_dict()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one, other = train(tmp_path / "one"), train(tmp_path / "other")
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_card_tells_the_accuracies() -> None:
    card = json.loads((WEIGHTS / "card.json").read_text(encoding="utf-8"))
    for split in ("validation", "bundled"):
        assert set(card["accuracy"][split]) == set(TASKS)
        assert min(card["accuracy"][split].values()) >= 0.95
    assert card["accuracy"]["questions_per_task"] >= 500
