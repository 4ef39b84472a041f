"""Small data sets in the published formats of POPE, A-OKVQA and VQA v2, as files and as tables on the hub."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

from PIL import Image

from fixtures.tasks.data_sets.definitions import DATA_SETS
from suite.support.data.fake_hub import AOKVQA, POPE, VQA, Tables, parquet_table

Json = dict[str, Any]

NUMBERS: Final = (310196, 42, 461751, 7)
"""The images' numbers in COCO."""

SIZES: Final = {310196: (64, 48), 42: (48, 64), 461751: (50, 50), 7: (33, 20)}


def jpeg(number: int) -> bytes:
    """The encoded picture of an image, different from all others."""
    content = io.BytesIO()
    Image.new("RGB", SIZES[number], (number % 251, number % 83, 9)).save(content, "JPEG")
    return content.getvalue()


def pope_entries(kind: str) -> list[Json]:
    """Two questions about each image, as the lines of `coco_pope_<kind>.json` hold them."""
    objects = (("a snowboard", "yes"), ("an apple", "no"))
    return [
        {
            "question_id": 2 * place + turn + 1,
            "image": f"COCO_val2014_{number:012d}.jpg",
            "text": f"Is there {thing} in the image?",
            "label": label,
        }
        for place, number in enumerate(NUMBERS)
        for turn, (thing, label) in enumerate(objects)
    ]


KINDS: Final = ("random", "popular", "adversarial")

AOKVQA_ROWS: Final[list[Json]] = [
    {
        "split": "val", "image_id": 461751, "question_id": "22jbM6gDxdaMaunuzgrsBB",
        "question": "What is in the motorcyclist's mouth?",
        "choices": ["toothpick", "food", "popsicle stick", "cigarette"], "correct_choice_idx": 3,
        "direct_answers": ["cigarette"] * 10, "difficult_direct_answer": False, "rationales": ["He's smoking."],
    },
    {
        "split": "val", "image_id": 42, "question_id": "2Aq5RiEn7eyfWjEbpuYy81",
        "question": "Which number birthday is probably being celebrated",
        "choices": ["thirty", "ten", "one", "fourteen"], "correct_choice_idx": 0,
        "direct_answers": ["30"] * 10, "difficult_direct_answer": True, "rationales": ["A cake."],
    },
    {
        "split": "val", "image_id": 42, "question_id": "2BhYHZ9eGmG8cEsT4hgTBc",
        "question": "What is the stick called?",
        "choices": ["toothpick", "food", "popsicle stick", "cigarette"], "correct_choice_idx": 2,
        "direct_answers": ["popsicle stick"] * 10, "difficult_direct_answer": False, "rationales": ["Ice."],
    },
]  # fmt: skip

VQA_QUESTIONS: Final[list[Json]] = [
    {"image_id": 42, "question": "Where is he looking?", "question_id": 42000},
    {"image_id": 42, "question": "Is he on a board?", "question_id": 42001},
    {"image_id": 7, "question": "What does he hold?", "question_id": 7000},
    {"image_id": 310196, "question": "How many are there?", "question_id": 310196000},
]
VQA_ANSWERS: Final = {42000: ("down", "other"), 42001: ("yes", "yes/no"), 7000: ("surf board", "other"),
                       310196000: ("2", "number")}  # fmt: skip


def vqa_annotations() -> list[Json]:
    return [
        {
            "question_type": "none of the above", "multiple_choice_answer": VQA_ANSWERS[one["question_id"]][0],
            "answers": [
                {"answer": VQA_ANSWERS[one["question_id"]][0], "answer_confidence": "yes", "answer_id": n + 1}
                for n in range(10)
            ],
            "image_id": one["image_id"], "answer_type": VQA_ANSWERS[one["question_id"]][1],
            "question_id": one["question_id"],
        }
        for one in VQA_QUESTIONS
    ]  # fmt: skip


VQA_HEADER: Final = {
    "info": {"description": "VQA dataset.", "version": "2.0"}, "data_type": "mscoco", "data_subtype": "val2014",
    "license": {"url": "http://creativecommons.org/licenses/by/4.0/", "name": "CC BY 4.0"},
}  # fmt: skip


def write_files(folder: Path) -> Path:
    """Write all three data sets to one folder, with COCO's pictures of 2014 in their own folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        lines = "".join(f"{json.dumps(entry)}\n" for entry in pope_entries(kind))
        (folder / f"coco_pope_{kind}.json").write_text(lines, encoding="utf-8")
    vqa_questions = {**VQA_HEADER, "task_type": "Open-Ended", "questions": VQA_QUESTIONS}
    for name, content in {
        "aokvqa_v1p0_val.json": AOKVQA_ROWS,
        "v2_OpenEnded_mscoco_val2014_questions.json": vqa_questions,
        "v2_mscoco_val2014_annotations.json": {**VQA_HEADER, "annotations": vqa_annotations()},
    }.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "val2014").mkdir(exist_ok=True)
    for number in NUMBERS:
        (folder / "val2014" / f"COCO_val2014_{number:012d}.jpg").write_bytes(jpeg(number))
    return folder


def write_archive(path: Path) -> Path:
    """Write COCO's zip of 2017, with the number alone as the name, in a folder named after the split."""
    with zipfile.ZipFile(path, "w") as file:
        for number in NUMBERS:
            file.writestr(f"val2017/{number:012d}.jpg", jpeg(number))
    return path


def tables(folder: Path) -> Tables:
    """All three data sets as tables on the hub."""

    def image(number: int) -> Json:
        return {"bytes": jpeg(number), "path": None}

    pope = [
        {
            "id": str(place), "question_id": str(one["question_id"]), "question": one["text"], "answer": one["label"],
            "image_source": one["image"].removesuffix(".jpg"), "image": image(int(one["image"][13:-4])),
            "category": kind,
        }
        for kind in KINDS
        for place, one in enumerate(pope_entries(kind))
    ]  # fmt: skip
    choices = [
        {name: value for name, value in one.items() if name not in {"split", "image_id"}}
        | {"image": image(one["image_id"]), "direct_answers": str(one["direct_answers"])}
        for one in AOKVQA_ROWS
    ]
    open_ended = [
        {**one, "question": question["question"], "image": image(one["image_id"])}
        for one, question in zip(vqa_annotations(), VQA_QUESTIONS, strict=True)
    ]
    return {
        DATA_SETS["POPE"].table: parquet_table(folder, "pope", pope, POPE),
        DATA_SETS["A-OKVQA"].table: parquet_table(folder, "aokvqa", choices, AOKVQA),
        DATA_SETS["VQAv2"].table: parquet_table(folder, "vqa", open_ended, VQA),
    }
