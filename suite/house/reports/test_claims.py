"""A claim enters the register once, with a sentence, and can be read of a file that is not imported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reports.claim
from reports.claim import ClaimError, claim, written
from reports.ledger.record import (
    Claim,
)


@pytest.fixture
def empty_register(monkeypatch: pytest.MonkeyPatch) -> dict[str, Claim]:
    entries: dict[str, Claim] = {}
    monkeypatch.setattr(reports.claim, "REGISTER", entries)
    monkeypatch.setattr(reports.claim, "_places", {})
    return entries


def sentence() -> Callable[[], None]:
    def test() -> None:
        """The image speaks
        to the question.

        Not of this.
        """

    return test


def test_a_claim_enters_the_register_and_marks_its_test(empty_register: dict[str, Claim]) -> None:
    decorate = claim("a.b", section="5", figure="3", bound_from="ours", tasks=("all",), statistic="drop", bound="> 0")
    test = decorate(sentence())
    expected = Claim("a.b", "5", "3", "The image speaks to the question.", "ours", ("all",), None, (), "drop", "> 0")
    assert empty_register == {"a.b": expected}
    (mark,) = test.pytestmark  # pyright: ignore[reportFunctionMemberAccess] - pytest's own
    assert (mark.name, Claim(**mark.kwargs)) == ("claim", expected)


def test_a_claim_imported_twice_stays_one(empty_register: dict[str, Claim]) -> None:
    for _ in range(2):
        claim("a.b", section="5")(sentence())
    assert list(empty_register) == ["a.b"]


def test_an_id_is_given_once(empty_register: dict[str, Claim]) -> None:
    def other() -> None:
        """Another sentence."""

    claim("a.b", section="5")(sentence())
    with pytest.raises(ClaimError, match=r"a\.b is registered already .*test_claims\.py"):
        claim("a.b", section="5")(other)
    assert empty_register["a.b"].sentence == "The image speaks to the question."


def test_a_claim_without_a_sentence_is_refused(empty_register: dict[str, Claim]) -> None:
    def silent() -> None: ...

    with pytest.raises(ClaimError, match="no docstring"):
        claim("a.b", section="5")(silent)
    assert not empty_register


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("", {}, "malformed"),
        ("A b", {}, "malformed"),
        ("a.b", {"bound_from": "me"}, "paper, card, ours"),
        ("a.b", {"tasks": "all"}, "tasks of the claim a.b is 'all'"),
        ("a.b", {"tasks": ("",)}, "write a tuple of names"),
        ("a.b", {"models": ["x"]}, "models"),
        ("a.b", {"recorded": (1,)}, "recorded"),
        ("a.b", {"recorded": None}, "recorded"),
    ],
)
def test_a_malformed_claim_is_refused(
    empty_register: dict[str, Claim], name: str, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ClaimError) as error:
        claim(name, section="5", **arguments)(sentence())
    assert complaint in str(error.value)
    assert not empty_register


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("@claim('a.b', section='5')\ndef test_it(): pass", {"a.b"}),
        ("@reports.claim.claim(section='5', id='a.b')\nasync def test_it(): pass", {"a.b"}),
        ("class Test:\n @skip\n @claim('a.b')\n def test(_): pass\n@claim('c.d')\ndef test(): pass", {"a.b", "c.d"}),
        ("@parametrize('a.b')\n@fixture\ndef test_it(): pass\nclaim('c.d', section='5')(test_it)", set()),
        ("import nothing_of_this_name\n@claim('a.b', **more)\ndef test_it(): pass", {"a.b"}),
        ("@claim(name, section='5')\ndef test_it(): pass", None),
        ("@claim(**everything)\ndef test_it(): pass", None),
        ("@claim('a.b'\ndef test_it(): pass", None),
        ("\0", None),
    ],
)  # fmt: skip
def test_claims_can_be_read_of_files_that_are_not_imported(tmp_path: Path, text: str, ids: set[str] | None) -> None:
    (tmp_path / "test_it.py").write_text(text)
    (tmp_path / "test_more.py").write_text("@claim('e.f')\ndef test_it(): pass")
    assert written([tmp_path / "test_it.py", tmp_path / "test_more.py"]) == (None if ids is None else {*ids, "e.f"})
    assert written([tmp_path / "absent.py"]) is None
    assert written([]) == set()
