"""Finds the prose of the repository, in Markdown and in Python, and splits it into sentences."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

ABBREVIATIONS = r"(?<!\be\.g)(?<!\bi\.e)(?<!\bfigs)(?<!\bfig)(?<!\bcf)(?<!\bvs)(?<!\bal)(?<!\bapprox)"
"""A full stop after one of these ends no sentence."""

SENTENCE_END = re.compile(ABBREVIATIONS + r"[.!?][\"')\]*_]*\s+(?=[\"'(\[*_]*\w)", flags=re.IGNORECASE)
LOWER_START = re.compile(r"[\"'(\[]?[a-z]")
FIELD = re.compile(r"\w+(?:, \w+)*: ")
"""How a docstring starts to describe a field or parameter: a sentence, though in lower case."""

FENCED = re.compile(r"^ *```.*?^ *```$", flags=re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+).*?\1", flags=re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
LIST_ITEM = re.compile(r"(?:[-*]|\d+\.)\s+")
NO_PROSE = ("|", "#", "<!--", ">>>", "...")
"""The starts of lines that are not prose: a table, a heading, a comment or an interpreter's prompt."""

Kind = Literal["module", "definition", "attribute", "help", "comment"]


@dataclass(frozen=True)
class Text:
    """A piece of prose in a Python file: what it is, the line where it starts, and its words."""

    kind: Kind
    line: int
    words: str


def blocks(text: str) -> Iterator[str]:
    """The paragraphs and list items of Markdown, without code, tables, headings and the targets of links."""
    block: list[str] = []
    for line in [*FENCED.sub("\n", text).splitlines(), ""]:
        content = line.strip().removeprefix("> ")
        is_blank = not content or content.startswith(NO_PROSE)
        item = LIST_ITEM.match(content)
        if (is_blank or item) and block:
            yield plain(" ".join(block))
            block = []
        if not is_blank:
            block.append(content[item.end() :] if item else content)


def plain(text: str) -> str:
    """*text* with each piece of inline code as the one word `Code`, and with links as their words."""
    return LINK.sub(r"\1", CODE.sub("Code", text))


def sentences(text: str) -> list[str]:
    """The sentences of *text*, block by block; a list item or a paragraph without a full stop is one too."""
    return [sentence for block in blocks(text) for sentence in _split(block)]


def words(sentence: str) -> int:
    """The number of words in *sentence*; a dash or another sign between spaces is not a word."""
    return sum(any(character.isalnum() for character in word) for word in sentence.split())


@cache
def python_texts(source: str) -> tuple[Text, ...]:
    """The docstrings, attribute docstrings, help texts and comments of the Python file *source*."""
    tree = ast.parse(source)
    texts = [text for node in ast.walk(tree) for text in (*_docstrings(node), *_help(node))]
    return (*texts, *_comments(source))


def _split(block: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for match in SENTENCE_END.finditer(block):
        if LOWER_START.match(block, match.end()) and not FIELD.match(block, match.end()):
            continue
        pieces.append(block[start : match.end()].strip())
        start = match.end()
    return [piece for piece in (*pieces, block[start:].strip()) if words(piece)]


def _docstrings(node: ast.AST) -> Iterator[Text]:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    if docstring := ast.get_docstring(node):
        kind = "module" if isinstance(node, ast.Module) else "definition"
        yield Text(kind, node.body[0].lineno, docstring)
    if isinstance(node, ast.Module | ast.ClassDef):
        for before, statement in zip(node.body, node.body[1:], strict=False):
            match before, statement:
                case (ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(docstring)))):
                    yield Text("attribute", statement.lineno, docstring)
                case _:
                    pass


def _help(node: ast.AST) -> Iterator[Text]:
    if isinstance(node, ast.keyword) and node.arg in ("help", "description", "epilog"):
        parts = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        if text := " ".join(part.strip() for part in parts if isinstance(part, str)):
            yield Text("help", node.value.lineno, text)


def _comments(source: str) -> Iterator[Text]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text("comment", token.start[0], token.string.lstrip("# "))


def documents(root: Path) -> list[Path]:
    """Every README of the repository at *root*, the guide for contributors and the changelog."""
    readmes = [path for path in root.rglob("README.md") if not is_hidden(path.relative_to(root))]
    return [*sorted(readmes), root / "CONTRIBUTING.md", root / "CHANGELOG.md"]


def is_hidden(path: Path) -> bool:
    """Whether the file *path*, from the root on, lies in a folder of a tool: an environment, a cache or a build."""
    return any(part.startswith(".") or part in ("build", "dist") for part in path.parent.parts)
