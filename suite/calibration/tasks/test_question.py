"""A question's picture opens in RGB, or one sentence says why not, whatever its bytes are."""

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fixtures.question import FilePicture, PictureMissing, Question


def question_with(path: Path) -> Question:
    return Question("q", "i", "ChooseAttr", "Is it?", "yes", None, None, (), (8, 8), FilePicture(path))


def picture_bytes(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 10, 60)).save(file, kind)
    return file.getvalue()


def png_with_header(length: int) -> bytes:
    """A PNG whose header chunk has *length* bytes, and a right checksum: Pillow unpacks it without looking."""
    chunk = b"IHDR" + bytes(length)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", length) + chunk + struct.pack(">I", zlib.crc32(chunk))


def test_a_picture_opens_in_rgb(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture_bytes("PNG"))
    assert question_with(tmp_path / "a.png").image.getpixel((3, 3)) == (200, 10, 60)


def test_a_broken_header_is_a_missing_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_with_header(2))
    with pytest.raises(PictureMissing, match=r"a\.png of question q cannot be read"):
        _ = question_with(tmp_path / "a.png").image


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"]),
    place=st.integers(0, 200),
    noise=st.binary(min_size=1, max_size=12),
)
def test_no_bytes_raise_anything_else(tmp_path: Path, kind: str, place: int, noise: bytes) -> None:
    whole = picture_bytes(kind)
    place %= len(whole)
    (tmp_path / "b").write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    with suppress(PictureMissing):
        assert question_with(tmp_path / "b").image.mode == "RGB"
