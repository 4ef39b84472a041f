"""The fake hub of the tests: tables in the published schemas, written as Parquet and read back."""

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
"""The columns of lmms-lab/GQA, the same for the balanced questions and for all."""

IMAGES = datasets.Features({"id": TEXT, "image": datasets.Image()})

POPE = datasets.Features({
    "id": TEXT, "question_id": TEXT, "question": TEXT, "answer": TEXT, "image_source": TEXT,
    "image": datasets.Image(), "category": TEXT,
})  # fmt: skip
"""The columns of lmms-lab/POPE, from its card."""

AOKVQA = datasets.Features({
    "image": datasets.Image(), "question_id": TEXT, "question": TEXT, "choices": datasets.List(TEXT),
    "correct_choice_idx": datasets.Value("int8"), "direct_answers": TEXT,
    "difficult_direct_answer": datasets.Value("bool"), "rationales": datasets.List(TEXT),
})  # fmt: skip
"""The columns of HuggingFaceM4/A-OKVQA, from the script that made it. The pictures have no path."""

VQA = datasets.Features({
    "question_type": TEXT, "multiple_choice_answer": TEXT,
    "answers": datasets.List({"answer": TEXT, "answer_confidence": TEXT, "answer_id": NUMBER}),
    "image_id": NUMBER, "answer_type": TEXT, "question_id": NUMBER, "question": TEXT, "image": datasets.Image(),
})  # fmt: skip
"""The columns of lmms-lab/VQAv2, from its card."""

Tables = dict[HubTable, datasets.Dataset]


def question_rows(**changes: Any) -> list[dict[str, Any]]:
    """The bundled world's questions as rows, with *changes* in each."""
    rows: list[dict[str, Any]] = []
    for identifier, entry in json.loads((WORLD / "val_balanced_questions.json").read_bytes()).items():
        row = dict.fromkeys(INSTRUCTIONS, None)
        row |= {name: entry[name] for name in ("imageId", "question", "answer", "types", "semantic")}
        rows.append(row | {"id": identifier, "isBalanced": True, "annotations": []} | changes)
    return rows


def picture_rows() -> list[dict[str, Any]]:
    """The bundled world's pictures as rows."""
    with zipfile.ZipFile(WORLD / "images.zip") as archive:
        return [
            {"id": Path(name).stem, "image": {"bytes": archive.read(name), "path": None}} for name in archive.namelist()
        ]


def parquet_table(folder: Path, name: str, rows: list[dict[str, Any]], features: datasets.Features) -> datasets.Dataset:
    """A table of these rows in the form that the hub's client gives: from Parquet, in its own file in a cache."""
    path = folder / f"{name}.parquet"
    datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    return datasets.Dataset.from_parquet(str(path), cache_dir=str(folder / f"cache-{name}"))


def gqa_tables(folder: Path) -> Tables:
    """GQA's tables on the hub. "all" holds one question and one picture more than "balanced"."""
    questions, pictures = question_rows(), picture_rows()
    more = next(row for row in questions if row["types"]["detailed"] == "positionQuery")
    return {
        gqa_hub.question_table(HUB): parquet_table(folder, "balanced", questions, INSTRUCTIONS),
        gqa_hub.picture_table(HUB): parquet_table(folder, "balanced-images", pictures, IMAGES),
        gqa_hub.question_table(HUB_ALL): parquet_table(
            folder, "all", [*questions, more | {"id": "more", "imageId": "9"}], INSTRUCTIONS
        ),
        gqa_hub.picture_table(HUB_ALL): parquet_table(
            folder, "all-images", [*pictures, pictures[0] | {"id": "9"}], IMAGES
        ),
    }


@contextmanager
def hub_with(tables: Tables) -> Iterator[Tables]:
    """Make *tables* the only tables on the hub; a test may add to them."""

    def load_dataset(repository: str, config: str | None, *, split: str, **part: Any) -> datasets.Dataset:
        for table, rows in tables.items():
            files = {"data_files": {table.split: table.files}, "verification_mode": "no_checks"} if table.files else {}
            if (table.repository, table.config, table.split, files) == (repository, config, split, part):
                return rows
        raise FileNotFoundError(f"{repository} {config} {split} {part} is not on the hub")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load_dataset", load_dataset)
        clear_caches()
        try:
            yield tables
        finally:
            clear_caches()


def clear_caches() -> None:
    """Clear all caches of tables and questions, so that they are read again."""
    for function in (
        hub_table._dataset,
        gqa_hub._picture_rows,
        sources._rows,
        source_files.read_in_memory,
        index._read,
    ):
        function.cache_clear()
