"""The repository keeps its own rules: sizes, sentences, claims that read like claims."""

import ast
import subprocess
from pathlib import Path

import pytest

from suite.support.repository import ROOT

SOURCES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if not any(part.startswith((".", "build")) for part in path.relative_to(ROOT).parts)
)
LIBRARY = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"fixtures", "reports"}]
CLAIM_FILES = sorted((ROOT / "suite").glob("test_*.py"))
LONGEST_MODULE = 420
LONGEST_CLAIM = 10
HEAVIEST_REPOSITORY = 40 * 2**20


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


CLAIMS = [(path, function) for path in CLAIM_FILES for function in functions(path) if function.name.startswith("test_")]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_open_with_their_rule(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":")), "the rule is one sentence on the first line"


@pytest.mark.parametrize(("path", "claim"), CLAIMS, ids=[claim.name for _, claim in CLAIMS])
def test_a_claim_is_one_sentence_and_at_most_ten_lines_without_loops_or_branches(
    path: Path, claim: ast.FunctionDef
) -> None:
    body = claim.body[-1].end_lineno
    assert body is not None
    assert body - claim.lineno < LONGEST_CLAIM
    forbidden = (ast.For, ast.While, ast.If, ast.IfExp, ast.Try, ast.ListComp, ast.GeneratorExp, ast.Match)
    assert not [node for node in ast.walk(claim) if isinstance(node, forbidden)]
    assert sum(isinstance(node, ast.Assert) for node in ast.walk(claim)) == 1
    sentence = ast.get_docstring(claim)
    assert sentence
    assert len(sentence.split(". ")) == 1
    assert sentence.endswith(".")


@pytest.mark.parametrize(("path", "claim"), CLAIMS, ids=[claim.name for _, claim in CLAIMS])
def test_every_test_beside_the_rooms_is_a_claim(path: Path, claim: ast.FunctionDef) -> None:
    decorators = [ast.unparse(decorator.func) for decorator in claim.decorator_list if isinstance(decorator, ast.Call)]
    assert decorators == ["claim"]


def test_the_whole_repository_is_small() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert sum(file.stat().st_size for file in files if file.is_file()) < HEAVIEST_REPOSITORY
