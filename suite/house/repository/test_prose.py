"""What people read here is short and plain: sentences of at most 35 words, on average 20, in today's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.support.prose import FENCED, LINK, documents, is_hidden, plain, python_texts, sentences, words
from suite.support.repository import ROOT

LONGEST_SENTENCE = 35
AVERAGE_SENTENCE = 20
DOCUMENTS = documents(ROOT)
SOURCES = sorted(path for folder in ("fixtures", "reports") for path in (ROOT / folder).rglob("*.py"))

RETIRED = re.compile(r"\b(whence|oftener|beside|behind)\b", flags=re.IGNORECASE)
"""Words to replace: from which, more often, next to or with, after."""

UNFINISHED = ("Of ", "That of ", "Those ")
"""How a docstring starts that goes on from the name above it. It must read on its own in a tooltip."""

PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.(?:py|toml)")
MADE_BY_READERS = {
    "fixtures/models/vipllava.py",
    "fixtures/models/families/vipllava.py",
    "reports/out",
    "reports/out/ledger.json",
}
"""Paths that a document names because its reader, or a run, creates them."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- documents


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_no_sentence_of_a_document_is_long(path: Path) -> None:
    assert not [one for one in sentences(path.read_text(encoding="utf-8")) if words(one) > LONGEST_SENTENCE]


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_sentences_of_a_document_are_short_on_average(path: Path) -> None:
    counts = [words(sentence) for sentence in sentences(path.read_text(encoding="utf-8"))]
    assert sum(counts) / len(counts) <= AVERAGE_SENTENCE


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_a_document_uses_no_retired_word(path: Path) -> None:
    assert not [one for one in sentences(path.read_text(encoding="utf-8")) if RETIRED.search(one)]


def paths_in(document: Path) -> Iterator[str]:
    """Every path that *document* names in backticks outside links, as it is written there."""
    text = LINK.sub("", FENCED.sub("", document.read_text(encoding="utf-8")))
    for code in re.findall(r"`([^`\n]+)`", text):
        path = code.partition("::")[0]
        if PATH.fullmatch(path) and path.rstrip("/") not in MADE_BY_READERS:
            yield path


def exists(path: str, document: Path) -> bool:
    """Whether *path* is there, from the root or from the document's folder; a bare name may lie deeper.

    A name whose first folder is not ours, such as `images/` of a data set or `owner/name` of the hub, is no path here.
    """
    bases = (ROOT, document.parent)
    if "/" not in path.rstrip("/"):
        matches = [file for file in document.parent.rglob(path) if not is_hidden(file.relative_to(ROOT))]
        return bool(matches) or any((base / path).exists() for base in bases)
    ours = [base for base in bases if (base / path.partition("/")[0]).is_dir()]
    return not ours or any((base / path).exists() for base in ours)


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    assert not [path for path in paths_in(document) if not exists(path, document)]


def anchors(document: Path) -> set[str]:
    """The anchors of the headings of *document*, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_glossary_has_one_line_for_each_word_in_order() -> None:
    text = (ROOT / "suite" / "README.md").read_text(encoding="utf-8")
    table = text.split("\n## Glossary\n", 1)[1].split("\n## ", 1)[0]
    entries = re.findall(r"^\| ([a-z][^|]*?) \|", table, flags=re.MULTILINE)
    entries.remove("word")
    assert len(entries) >= 25
    assert entries == sorted(set(entries))


# ---- Python


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_sentence_of_a_module_is_long(path: Path) -> None:
    texts = [text for text in python_texts(path.read_text(encoding="utf-8")) if text.kind != "comment"]
    long = [(text.line, one) for text in texts for one in sentences(text.words) if words(one) > LONGEST_SENTENCE]
    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_uses_no_retired_word(path: Path) -> None:
    texts = python_texts(path.read_text(encoding="utf-8"))
    assert not [(text.line, text.words) for text in texts if RETIRED.search(plain(text.words))]


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_docstring_of_an_attribute_reads_on_its_own(path: Path) -> None:
    texts = [text for text in python_texts(path.read_text(encoding="utf-8")) if text.kind == "attribute"]
    assert not [(text.line, text.words) for text in texts if text.words.startswith(UNFINISHED)]


def booleans(tree: ast.AST) -> set[str]:
    """The names that *tree* annotates as `bool`: parameters, fields and functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=ast.Name(id="bool")):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="bool")):
                names.add(name)
            case ast.FunctionDef(name=name, returns=ast.Name(id="bool")):
                names.add(name)
            case _:
                pass
    return names


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def is_boolean(node: ast.expr, names: set[str]) -> bool:
    match node:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Call(func=ast.Name(id="bool" | "isinstance" | "any" | "all")):
            return True
        case ast.Call(func=function):
            return is_boolean(function, names)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in names or name.startswith(("is_", "has_"))
        case _:
            return False


def multiplied_texts(source: str) -> list[int]:
    """The lines of *source* on which a text is multiplied by a boolean."""
    tree = ast.parse(source)
    names = booleans(tree)
    products = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)]
    pairs = [(node, ends) for node in products for ends in ((node.left, node.right), (node.right, node.left))]
    return [node.lineno for node, (text, factor) in pairs if is_text(text) and is_boolean(factor, names)]


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_text_is_multiplied_by_a_boolean(path: Path) -> None:
    assert not multiplied_texts(path.read_text(encoding="utf-8"))


# ---- the instruments of this file


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("One two. Three four five.", [2, 3]),
        ("See e.g. Figure 3, i.e. Table 1, and fig. 3 there. Then stop.", [11, 2]),
        ("It takes 2.5 s. 12 of them do!", [4, 4]),
        ("Says `a.b. C` once. `flow` is code.", [3, 3]),
        ("- one two\n- three. Four\n1. five", [2, 1, 1, 1]),
        ("# No heading\n\n| no | table |\n|---|---|\n\n```\nno code. At all.\n```\nBut this", [2]),
        ("A [link to it](https://a.b/C. D) and **bold. Then** on", [6, 2]),
        ("What is it? (This.) \"That.\" Yes", [3, 1, 1, 1]),
        ("One line\nthat wraps. version 3 starts no sentence", [9]),
        ("a dash - is no word", [5]),
        ("**In bold.** Then plain", [2, 2]),
        ("The first. *tasks* says which", [2, 3]),
        ("seed: how they are drawn.\nwhole, part: whether all. one: more", [5, 4, 2]),
    ],
)  # fmt: skip
def test_sentences_are_split_and_counted(text: str, counts: list[int]) -> None:
    assert [words(sentence) for sentence in sentences(text)] == counts


def test_prose_of_python_is_found() -> None:
    source = '''"""Module."""
A = 1  # a remark
"""Attribute."""

class B:
    """Class."""
    c: int
    """Field."""

    def d(self, parser):
        """Method."""
        """No docstring."""
        parser.add_argument("--e", help=f"first {self.c} last")
'''
    matches = {(text.kind, text.words) for text in python_texts(source)}
    assert matches == {
        ("module", "Module."), ("comment", "a remark"), ("attribute", "Attribute."), ("definition", "Class."),
        ("attribute", "Field."), ("definition", "Method."), ("help", "first last"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('"s" * (n > 1)', True),
        ('is_many * "s"', True),
        ('f"{n} more" * bool(n)', True),
        ('"s" * (not n)', True),
        ('def f(few: bool): return "s" * few', True),
        ('"-" * 20', False),
        ('"-" * n', False),
        ('2 * (n > 1)', False),
    ],
)  # fmt: skip
def test_texts_multiplied_by_booleans_are_found(line: str, is_found: bool) -> None:
    assert bool(multiplied_texts(line)) == is_found
