"""What stands in for the hub in tests: tables in the published schemas, written as Parquet and read back."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import pytest

from fixtures.tasks import HUB, HUB_ALL, WORLD
from fixtures.tasks.data_sets import sources
from fixtures.tasks.gqa import hub as gqa_hub
from fixtures.tasks.reading import hub_table, index, source_files
from fixtures.tasks.reading.hub_table import HubTable

TEXT, NUMBER = datasets.Value("string"), datasets.Value("int64")
NOTES = datasets.List({"objectId": TEXT, "value": TEXT})
STEP = {"operation": TEXT, "argument": TEXT, "dependencies": datasets.List(datasets.Value("int32"))}

INSTRUCTIONS = datasets.Features({
    "id": TEXT, "imageId": TEXT, "question": TEXT, "answer": TEXT, "fullAnswer": TEXT,
    "isBalanced": datasets.Value("bool"), "groups": {"global": TEXT, "local": TEXT}, "entailed": TEXT,
    "equivalent": TEXT, "types": {"structural": TEXT, "semantic": TEXT, "detailed": TEXT},
    "annotations": datasets.List({"question": NOTES, "answer": NOTES, "fullAnswer": NOTES}),
    "semantic": datasets.List(STEP), "semanticStr": TEXT,
})  # fmt: skip
"""Of lmms-lab/GQA, balanced and all alike."""

IMAGES = datasets.Features({"id": TEXT, "image": datasets.Image()})

POPE = datasets.Features({
    "id": TEXT, "question_id": TEXT, "question": TEXT, "answer": TEXT, "image_source": TEXT,
    "image": datasets.Image(), "category": TEXT,
})  # fmt: skip
"""Of lmms-lab/POPE (its card)."""

AOKVQA = datasets.Features({
    "image": datasets.Image(), "question_id": TEXT, "question": TEXT, "choices": datasets.List(TEXT),
    "correct_choice_idx": datasets.Value("int8"), "direct_answers": TEXT,
    "difficult_direct_answer": datasets.Value("bool"), "rationales": datasets.List(TEXT),
})  # fmt: skip
"""Of HuggingFaceM4/A-OKVQA (the script that made it); the pictures have no path."""

VQA = datasets.Features({
    "question_type": TEXT, "multiple_choice_answer": TEXT,
    "answers": datasets.List({"answer": TEXT, "answer_confidence": TEXT, "answer_id": NUMBER}),
    "image_id": NUMBER, "answer_type": TEXT, "question_id": NUMBER, "question": TEXT, "image": datasets.Image(),
})  # fmt: skip
"""Of lmms-lab/VQAv2 (its card)."""

Tables = dict[HubTable, datasets.Dataset]


def instructions(**changes: Any) -> list[dict[str, Any]]:
    """The bundled world's questions, as rows."""
    rows: list[dict[str, Any]] = []
    for identifier, entry in json.loads((WORLD / "val_balanced_questions.json").read_bytes()).items():
        row = dict.fromkeys(INSTRUCTIONS, None)
        row |= {name: entry[name] for name in ("imageId", "question", "answer", "types", "semantic")}
        rows.append(row | {"id": identifier, "isBalanced": True, "annotations": []} | changes)
    return rows


def pictures() -> list[dict[str, Any]]:
    """Its pictures, as rows."""
    with zipfile.ZipFile(WORLD / "images.zip") as archive:
        return [
            {"id": Path(name).stem, "image": {"bytes": archive.read(name), "path": None}} for name in archive.namelist()
        ]


def parquet(folder: Path, name: str, rows: list[dict[str, Any]], features: datasets.Features) -> datasets.Dataset:
    """The table of these rows, as the hub's client gives it: from Parquet, in a file of its own in a cache."""
    path = folder / f"{name}.parquet"
    datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    return datasets.Dataset.from_parquet(str(path), cache_dir=str(folder / f"cache-{name}"))


def gqa(folder: Path) -> Tables:
    """GQA on the hub: "all" holds a question and a picture more than "balanced"."""
    asked, shown = instructions(), pictures()
    more = next(row for row in asked if row["types"]["detailed"] == "positionQuery")
    return {
        gqa_hub.question_table(HUB): parquet(folder, "balanced", asked, INSTRUCTIONS),
        gqa_hub.picture_table(HUB): parquet(folder, "balanced-images", shown, IMAGES),
        gqa_hub.question_table(HUB_ALL): parquet(
            folder, "all", [*asked, more | {"id": "more", "imageId": "9"}], INSTRUCTIONS
        ),
        gqa_hub.picture_table(HUB_ALL): parquet(folder, "all-images", [*shown, shown[0] | {"id": "9"}], IMAGES),
    }


@contextmanager
def reached(tables: Tables) -> Iterator[Tables]:
    """The hub holds *tables*, to which a test may add, and nothing else."""

    def load_dataset(repository: str, config: str | None, *, split: str, **part: Any) -> datasets.Dataset:
        for table, rows in tables.items():
            files = {"data_files": {table.split: table.files}, "verification_mode": "no_checks"} if table.files else {}
            if (table.repository, table.config, table.split, files) == (repository, config, split, part):
                return rows
        raise FileNotFoundError(f"{repository} {config} {split} {part} is not on the hub")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(datasets, "load_dataset", load_dataset)
        forget()
        try:
            yield tables
        finally:
            forget()


def forget() -> None:
    """Open everything anew."""
    for cached in (hub_table._dataset, gqa_hub._picture_rows, sources._rows, source_files.read_in_memory, index._read):
        cached.cache_clear()
