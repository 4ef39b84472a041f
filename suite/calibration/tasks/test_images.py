"""Pictures are found in folders and zips by safe names; missing and damaged ones are named and counted."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from PIL import Image

from fixtures.question import FilePicture, PictureMissing, Question, ZipPicture
from fixtures.tasks import load, missing_pictures, questions, take_stock
from fixtures.tasks.images import find_picture
from fixtures.tasks.reading.parsing import UNSAFE_ID, is_file_name
from suite.support.data.questions import as_row, few_examples, identifiers, make_question, write_authors_file

HOSTILE = [
    "../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\0b",
    "",
    ".",
    "..",
    ".hidden",
    "C:x",
    "a" * 129,
    "ä",
    "a\n",
    "-r",
]


@pytest.mark.parametrize("image_id", HOSTILE)
def test_a_hostile_image_id_never_becomes_a_path(image_id: str, tmp_path: Path) -> None:
    assert not is_file_name(image_id)
    with pytest.raises(ValueError, match="not a plain file name"):
        find_picture(tmp_path, image_id)
    rows = [as_row(make_question("01")), as_row(make_question("02"))]
    rows[1]["img_id"] = image_id or "/"
    stock = load("QueryAttr", write_authors_file(tmp_path, rows))
    assert [question.id for question in stock.questions] == ["01"]
    assert stock.dropped == {UNSAFE_ID: ("02",)}


@few_examples
@given(identifiers)
def test_a_plain_image_id_stays_in_its_folder(image_id: str) -> None:
    picture = find_picture(Path("/pictures"), image_id)
    assert isinstance(picture, FilePicture)
    assert picture.path.resolve().parent == Path("/pictures")


@pytest.mark.parametrize("name", ["7.jpg", "7.png", "images/7.jpg", "images/7.png"])
def test_pictures_are_found_in_folders_and_zips(name: str, tmp_path: Path) -> None:
    there = tmp_path / "folder" / name
    there.parent.mkdir(parents=True)
    Image.new("RGB", (3, 2)).save(there)
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(there, name)
    assert find_picture(tmp_path / "folder", "7") == FilePicture(there)
    assert find_picture(archive, "7") == ZipPicture(archive, name)
    for own_picture in (find_picture(tmp_path / "folder", "7"), find_picture(archive, "7")):
        assert make_question(picture=own_picture).image.size == (3, 2)
        assert missing_pictures([make_question(picture=own_picture)]) is None


def test_missing_pictures_are_named_and_counted(tmp_path: Path) -> None:
    rows = [as_row(make_question(f"{i:02d}", f"p{i}")) for i in range(8)]
    folder = write_authors_file(tmp_path, rows)
    without = questions("QueryAttr", gqa=folder)
    assert {question.picture for question in without} == {None}
    sentence = missing_pictures(without)
    assert sentence
    assert sentence.startswith("8 of 8 pictures are missing (")
    assert sentence.count("p") >= 5
    assert " and 3 more)" in sentence
    assert "--images" in sentence

    nowhere = questions("QueryAttr", gqa=folder, images=tmp_path / "nowhere")
    assert f"from {tmp_path / 'nowhere'}" in (missing_pictures(nowhere) or "")
    with pytest.raises(PictureMissing, match=r"nowhere.p\d\.jpg"):
        _ = nowhere[0].image

    (tmp_path / "images").mkdir()
    for i in range(7):
        Image.new("RGB", (2, 2)).save(tmp_path / "images" / f"p{i}.png")
    sentence = missing_pictures(questions("QueryAttr", gqa=folder))
    assert sentence
    assert sentence.startswith(f"1 of 8 pictures is missing from {tmp_path / 'images'} (p7.jpg): give ")


def questions_with_pictures(folder: Path, count: int) -> list[Question]:
    """Questions about *count* pictures in a folder, all of which are there."""
    for number in range(count):
        Image.effect_noise((16, 16), 50).save(folder / f"p{number}.png")
    return [
        make_question(f"{number:02d}", f"p{number}", picture=find_picture(folder, f"p{number}"))
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "absent", "sentence"),
    [
        (8, 1, "1 of 8 pictures is missing from {} (p0.png): give the folder or zip that holds it with --images"),
        (8, 2, "2 of 8 pictures are missing from {} (p0.png, p1.png): give the folder or zip that holds them "),
        (1, 1, "1 of 1 picture is missing from {} (p0.png): give the folder or zip that holds it with --images"),
        (7, 7, "7 of 7 pictures are missing from {} (p0.png, p1.png, p2.png, p3.png, p4.png and 2 more): give "),
    ],
)
def test_one_picture_is_missing_and_two_are(tmp_path: Path, count: int, absent: int, sentence: str) -> None:
    cases = questions_with_pictures(tmp_path, count)
    for number in range(absent):
        (tmp_path / f"p{number}.png").unlink()
    assert (missing_pictures(cases) or "").startswith(sentence.format(tmp_path))
    assert take_stock(cases).is_bare == (count == absent)
    assert not take_stock([]).is_bare


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"no picture",
        lambda whole: b"",
        lambda whole: whole[:-40],
        lambda whole: whole[:8] + b"\0\0\0\x01" + whole[12:],
        lambda whole: whole[:30] + b"\xff\xff\xff\xff\xd1\xd2\xd2\xd2" + whole[38:],
    ],
    ids=["text", "empty", "cut", "short header", "broken chunk"],
)
def test_a_damaged_picture_is_called_damaged_by_name(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    cases = questions_with_pictures(tmp_path, 3)
    whole = (tmp_path / "p1.png").read_bytes()
    (tmp_path / "p1.png").write_bytes(damage(whole))
    (tmp_path / "p2.png").unlink()
    missing, damaged = take_stock(cases, decode=True).sentences
    assert missing.startswith("1 of 3 pictures is missing ")
    assert "p1" not in missing
    assert damaged == f"1 of 3 pictures is damaged in {tmp_path} (p1.png): fetch it again"
    assert take_stock(cases).sentences == (missing,)
    (tmp_path / "p0.png").unlink()
    assert take_stock(cases, decode=True).is_bare


def test_what_is_no_zip_or_no_picture_is_said_when_it_is_needed(tmp_path: Path) -> None:
    folder = write_authors_file(tmp_path, [as_row(make_question())])
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    from_broken = questions("QueryAttr", gqa=folder, images=tmp_path / "broken.zip")
    assert "broken.zip, which is not a zip archive" in (missing_pictures(from_broken) or "")
    with pytest.raises(PictureMissing, match=r"not a zip"):
        _ = from_broken[0].image
    (tmp_path / "a.jpg").write_text("no picture")
    (unseen,) = questions("QueryAttr", gqa=folder, images=tmp_path)
    assert missing_pictures([unseen]) is None
    with pytest.raises(PictureMissing, match=r"a\.jpg of question 07"):
        _ = unseen.image
