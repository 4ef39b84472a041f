"""What the paper says and no claim encodes is listed with its reason, and nothing is listed that a claim encodes."""

import tomllib
from importlib import import_module
from inspect import getsource

import pytest

from reports.claim import REGISTER
from suite.support.repository import SUITE

SENTENCES = tomllib.loads((SUITE / "unencoded.toml").read_text(encoding="utf-8"))["sentence"]
SECTIONS = {"abstract", "3", "4", "5", "6", "7", *"ABCDEFGHIJ"}


def claim_sentences() -> set[str]:
    for path in sorted(SUITE.glob("test_*.py")):
        import_module(f"suite.{path.stem}")
    return {entry.sentence for entry in REGISTER.values()}


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence["says"][:40])
def test_a_sentence_that_is_not_encoded_says_why(sentence: dict[str, str]) -> None:
    assert sentence.keys() == {"section", "says", "reason"}
    assert sentence["section"] in SECTIONS
    assert sentence["says"].endswith(".")
    assert sentence["reason"].endswith(".")
    assert sentence["says"] not in claim_sentences()


def test_no_sentence_is_listed_twice() -> None:
    says = [sentence["says"] for sentence in SENTENCES]
    assert len(set(says)) == len(says)


def test_reasons_name_claims_and_files_that_exist() -> None:
    claim_sentences()
    for sentence in SENTENCES:
        for word in (word.strip(",.;:") for word in sentence["reason"].split()):
            if word.startswith("suite/"):
                assert (SUITE.parent / word).exists(), word
            elif "." in word and "-" in word:
                assert word in REGISTER, word


@pytest.mark.parametrize("name", sorted(path.name for path in SUITE.glob("test_*.py")))
def test_every_finding_stands_in_the_table_of_the_suite(name: str) -> None:
    assert f"`{name}`" in (SUITE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("spans", "need"),
    [
        (("RELATED", "OTHER >>", "RANDOM"), "boxes"),
        (("TRUE_OPTION", "FALSE_OPTION", "UNOPTIONED", " OPTIONS", "FALSE_LOWER"), "options"),
        (("PooledFlow",), "several tasks"),
        (("flow.smaller",), "a smaller sibling"),
    ],
)
def test_a_claim_needs_what_its_test_reads(spans: tuple[str, ...], need: str) -> None:
    claim_sentences()
    for path in SUITE.glob("test_*.py"):
        for test in vars(import_module(f"suite.{path.stem}")).values():
            for mark in getattr(test, "pytestmark", ()):
                reads = any(span in getsource(test).split("def test_")[1] for span in spans)
                assert (need in mark.kwargs["needs"]) == reads, mark.kwargs["id"]
