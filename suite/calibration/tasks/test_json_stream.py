"""JSON is read member by member and element by element, wherever its text is cut; errors name line and character."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.tasks import QuestionsUnavailable
from fixtures.tasks.reading import json_stream as stream
from fixtures.tasks.reading.files import FileVersion
from suite.support.data.questions import Json, few_examples

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def cut(text: str, sizes: list[int]) -> Iterator[str]:
    at = 0
    for size in sizes:
        yield text[at : at + size]
        at += size
    yield text[at:]


@settings(max_examples=150, deadline=None)
@given(
    value=st.dictionaries(st.text(max_size=6), json_values, max_size=5),
    is_ascii=st.booleans(),
    indent=st.sampled_from([None, 1]),
    sizes=st.lists(st.integers(0, 9), max_size=60),
)
def test_wherever_the_text_is_cut_the_members_are_the_same(
    value: dict[str, Any], is_ascii: bool, indent: int | None, sizes: list[int]
) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    assert list(stream.members(cut(text, sizes))) == list(value.items())


@pytest.mark.parametrize("number", ["10.0", "1e5", "-1.25E-7", "0", "12"])
def test_a_number_may_be_cut_anywhere(number: str) -> None:
    text = f'{{"a": {number}}}'
    for size in range(len(text)):
        assert list(stream.members(cut(text, [size]))) == [("a", float(number))]


@settings(max_examples=60, deadline=None)
@given(
    elements=st.lists(json_values, max_size=6),
    member=st.sampled_from([None, "a"]),
    others=st.dictionaries(st.sampled_from(["b", "c"]), json_values),
    sizes=st.lists(st.integers(0, 9), max_size=60),
)
def test_the_elements_of_an_array_come_one_by_one(
    elements: list[Any], member: str | None, others: dict[str, Any], sizes: list[int]
) -> None:
    text = json.dumps(elements if member is None else {"b": 0, member: elements, **others})
    assert list(stream.elements(cut(text, sizes), member)) == elements


@pytest.mark.parametrize(
    ("text", "member", "sentence"),
    [
        ("{}", None, "Expecting '\\['"),
        ("[1, 2", None, "Expecting ',' or ']'"),
        ("[1, ]", None, "Expecting value"),
        ("[1] 2", None, "Expecting the end"),
        ('{"a": [1]', "a", "Expecting ',' or '}'"),
        ('{"a": 1}', "a", "Expecting '\\['"),
        ('{"b": [1]}', "a", "it has no member 'a'"),
    ],
)
def test_what_is_no_such_array_is_refused(text: str, member: str | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        list(stream.elements([text], member))


@few_examples
@given(st.dictionaries(st.text(max_size=4), json_values, max_size=5), st.sampled_from([None, 2, "\t"]))
def test_members_are_those_of_the_json_text(value: Json, indent: int | str | None) -> None:
    assert list(stream.members([json.dumps(value, indent=indent)])) == list(value.items())


@few_examples
@given(st.dictionaries(st.text(max_size=4), json_values, min_size=1, max_size=3), st.data())
def test_a_cut_json_text_is_no_json(value: Json, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        list(stream.members([text[:cut]]))


@pytest.mark.parametrize("text", ['{"a": 1} x', '{"a": 1,}', '{"a" 1}', "[1]", "{1: 2}", '{"a": 1 "b": 2}', ""])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        list(stream.members([text]))


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda text: text.replace("\r", " ")),
    st.integers(1, 7),
    st.booleans(),
)
def test_a_files_text_is_the_same_in_pieces_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, text: str, size: int, has_mark: bool
) -> None:
    text = text.removeprefix("\ufeff")
    path = tmp_path_factory.mktemp("text") / "file"
    path.write_bytes((b"\xef\xbb\xbf" if has_mark else b"") + text.encode())
    assert "".join(FileVersion.of(path).pieces(size)) == text


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(("content", "line"), [(b"a\nb\n\xff", 3), (b"\xc3", 1), ("é\n".encode() + b"\xe2\x82x", 2)])
def test_bytes_that_are_no_text_are_found_on_their_line(tmp_path: Path, size: int, content: bytes, line: int) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(QuestionsUnavailable, match=rf"is not UTF-8 \(line {line}, byte 0x"):
        list(FileVersion.of(tmp_path / "file").pieces(size))


def test_an_error_is_placed_by_line_and_character_from_the_start() -> None:
    text = '{"a": 1,\n"b": 2,\n"c" 3}'
    for size in range(1, len(text)):
        with pytest.raises(ValueError, match=r"^Expecting ':': line 3 \(char 21\)$"):
            list(stream.members(cut(text, [size] * len(text))))


def test_what_is_broken_early_is_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_MEMBER", 100)
    read: list[int] = []

    def pieces() -> Iterator[str]:
        yield '{"a": "never closed '
        for number in range(1000):
            read.append(number)
            yield "x" * 10

    with pytest.raises(ValueError, match="Unterminated string"):
        list(stream.members(pieces()))
    assert len(read) < 50


def test_a_long_member_is_not_parsed_at_every_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    class Decoder(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            tries.append(idx)
            return super().raw_decode(s, idx)

    monkeypatch.setattr(stream, "_DECODER", Decoder())
    text = json.dumps({"a": "x" * 10**5})
    assert len(list(stream.members(cut(text, [10] * 10**4)))) == 1
    assert len(tries) < 25
