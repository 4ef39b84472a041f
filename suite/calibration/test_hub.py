"""The hub's tables give the release's questions, without boxes; what cannot be had is one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from fixtures.question import Object, PictureMissing
from fixtures.tasks import (
    HUB,
    TASKS,
    WORLD,
    PicturesUnavailable,
    QuestionsUnavailable,
    check,
    hub,
    is_curated,
    load,
    missing_pictures,
    prepare,
    questions,
)

TEXT = datasets.Value("string")
NOTES = datasets.List({"objectId": TEXT, "value": TEXT})
FEATURES = {
    hub.QUESTIONS: datasets.Features({
        "id": TEXT, "imageId": TEXT, "question": TEXT, "answer": TEXT, "fullAnswer": TEXT,
        "isBalanced": datasets.Value("bool"), "groups": {"global": TEXT, "local": TEXT}, "entailed": TEXT,
        "equivalent": TEXT, "types": {"structural": TEXT, "semantic": TEXT, "detailed": TEXT},
        "annotations": datasets.List({"question": NOTES, "answer": NOTES, "fullAnswer": NOTES}),
        "semantic": datasets.List({
            "operation": TEXT, "argument": TEXT, "dependencies": datasets.List(datasets.Value("int32")),
        }),
        "semanticStr": TEXT,
    }),
    hub.PICTURES: datasets.Features({"id": TEXT, "image": datasets.Image()}),
}  # fmt: skip
"""The published columns; the pictures' bytes lie in the table."""


def instructions() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for identifier, entry in json.loads((WORLD / "val_balanced_questions.json").read_bytes()).items():
        row = dict.fromkeys(FEATURES[hub.QUESTIONS], None)
        row |= {name: entry[name] for name in ("imageId", "question", "answer", "types", "semantic")}
        rows.append(row | {"id": identifier, "isBalanced": True, "annotations": []})
    return rows


def pictures() -> list[dict[str, Any]]:
    with zipfile.ZipFile(WORLD / "images.zip") as archive:
        return [
            {"id": Path(name).stem, "image": {"bytes": archive.read(name), "path": None}} for name in archive.namelist()
        ]


Tables = dict[str, datasets.Dataset]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Written as Parquet and read back, as the hub's client does it."""
    folder = tmp_path_factory.mktemp("hub")
    tables: Tables = {}
    for config, rows in ((hub.QUESTIONS, instructions()), (hub.PICTURES, pictures())):
        path = folder / f"{config}.parquet"
        datasets.Dataset.from_list(rows, features=FEATURES[config]).to_parquet(path)
        tables[config] = datasets.Dataset.from_parquet(str(path), cache_dir=str(folder / "cache"))
    return tables


@pytest.fixture
def tables(published: Tables, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    """What stands in for the hub; a test may put other tables there."""
    held = dict(published)

    def load_dataset(repository: str, config: str, *, split: str) -> datasets.Dataset:
        assert (repository, split) == ("lmms-lab/GQA", "val")
        return held[config]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    forget()
    yield held
    forget()


def forget() -> None:
    for cached in (hub._read, hub._pictures, hub._rows_of_pictures):
        cached.cache_clear()


@pytest.mark.parametrize("task", TASKS)
def test_the_hubs_questions_are_the_releases_without_boxes(tables: Tables, task: str) -> None:
    expected = [
        replace(one, objects=tuple(Object(thing.name, None) for thing in one.objects)) for one in questions(task, 20, 3)
    ]
    found = questions(task, 20, 3, HUB)
    assert found == expected
    bundled = questions(task, 20, 3)
    for here, there in zip(found, bundled, strict=True):
        assert here.picture
        assert there.picture
        assert here.picture.read() == there.picture.read()
    assert load(task, HUB).unboxed.keys() == {hub.NO_BOXES}
    assert missing_pictures(found) is None
    assert not is_curated(HUB)


def test_a_source_that_is_there_passes_and_a_folder_of_the_name_is_a_folder(tables: Tables, tmp_path: Path) -> None:
    check(TASKS, HUB)
    with pytest.raises(QuestionsUnavailable, match="has no questions: looked for"):
        check(TASKS, tmp_path / "hub")


def test_pictures_may_lie_elsewhere_and_tell_their_size(tables: Tables, tmp_path: Path) -> None:
    (one,) = questions("QueryAttr", 1, 0, HUB)
    Image.new("RGB", (31, 17)).save(tmp_path / f"{one.image_id}.png")
    (other,) = questions("QueryAttr", 1, 0, HUB, tmp_path)
    assert other.image_size == other.image.size == (31, 17)
    with pytest.raises(PicturesUnavailable, match=r"1 of 2 pictures is missing from .*; only the pictures tell"):
        questions("QueryAttr", 2, 0, HUB, tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_picture_without_a_size_is_named(tables: Tables, content: bytes | None) -> None:
    (one,) = questions("QueryAttr", 1, 0, HUB)
    rows = [
        row | {"image": {"bytes": content, "path": "x.jpg"}} if row["id"] == one.image_id else row for row in pictures()
    ]
    tables[hub.PICTURES] = datasets.Dataset.from_list(rows, features=FEATURES[hub.PICTURES])
    forget()
    with pytest.raises(PicturesUnavailable, match=rf"1 of 2 pictures is missing .*{one.image_id}"):
        questions("QueryAttr", 2, 0, HUB)
    with pytest.raises(PictureMissing):
        _ = replace(one, picture=hub.HubPicture(one.image_id)).image


def test_what_is_wrong_with_a_row_leaves_it_out(tables: Tables) -> None:
    rows = [row for row in instructions() if row["types"]["detailed"] == "positionQuery"]
    rows[0]["imageId"], rows[1]["question"], rows[2]["semantic"] = "../x", None, []
    rows.append(rows[3] | {"id": "untyped", "types": None})
    tables[hub.QUESTIONS] = datasets.Dataset.from_list(rows, features=FEATURES[hub.QUESTIONS])
    loaded = load("QueryAttr", HUB)
    assert sorted(loaded.dropped.values()) == sorted([(row["id"],) for row in rows[:3]])
    assert len(loaded.questions) == len(rows) - 4
    with pytest.raises(QuestionsUnavailable, match="the hub holds no question of ChooseRel"):
        load("ChooseRel", HUB)


def test_other_columns_are_told(tables: Tables) -> None:
    tables[hub.QUESTIONS] = tables[hub.QUESTIONS].remove_columns(["semantic", "types"])
    with pytest.raises(QuestionsUnavailable, match=r"lacks types, semantic: it was published anew"):
        check(["QueryAttr"], HUB)


def test_offline_and_never_fetched_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truly asked of `datasets`, offline and with an empty cache."""
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    forget()
    with pytest.raises(QuestionsUnavailable, match=r"lmms-lab/GQA .* cannot be had from the hub \(.*\): go ") as told:
        check(["QueryAttr"], HUB)
    assert "\n" not in str(told.value)


def test_prepared_it_is_carried_field_for_field(tables: Tables, tmp_path: Path) -> None:
    prepare.prepare(HUB, None, tmp_path / "out", tasks=TASKS, number=5, seed=0)
    for task in TASKS:
        assert questions(task, 5, 0, tmp_path / "out") == questions(task, 5, 0, HUB)
        first = questions(task, 1, 0, tmp_path / "out")[0]
        assert first.image_size == Image.open(io.BytesIO(first.picture.read() if first.picture else b"")).size
