"""The repository keeps its own rules: sizes, one name for one thing, claims that read like claims."""

import ast
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from suite.support.prose import is_hidden, sentences
from suite.support.repository import ROOT

SOURCES = sorted(path for path in ROOT.rglob("*.py") if not is_hidden(path.relative_to(ROOT)))
LIBRARY = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"fixtures", "reports"}]
CLAIM_FILES = sorted((ROOT / "suite").glob("test_*.py"))
LONGEST_MODULE = 420
LONGEST_CLAIM = 10
WIDEST_FOLDER = 18
MANY_SMALL_FILES = "families"
"""The name of folders that may be wider: one small file a model family."""

FOLDERS = sorted({path.parent for path in SOURCES})
PACKAGES = [path for path in LIBRARY if path.name == "__init__.py"]
HOLD_PROMISED_NAMES = {"fixtures/models", "fixtures/tasks"}
"""Packages from which users import: they pass on names of their modules."""

HOOKED_INTO_PYTEST = "fixtures/plugin"
"""A package that pytest loads: it names its plugins."""

HEAVIEST_REPOSITORY = 40 * 2**20


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


CLAIMS = [(path, function) for path in CLAIM_FILES for function in functions(path) if function.name.startswith("test_")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_open_with_their_rule(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":")), "the rule is one sentence on the first line"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_folders_are_narrow(folder: Path) -> None:
    modules = [path for path in SOURCES if path.parent == folder]
    assert folder.name == MANY_SMALL_FILES or len(modules) <= WIDEST_FOLDER


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_a_package_says_in_one_sentence_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    opening, _, _ = docstring.partition("\n\n")
    assert len(sentences(opening)) == 1


WINGS = [path for path in PACKAGES if len(path.relative_to(ROOT).parts) == 3]


@pytest.mark.parametrize("path", WINGS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_a_wing_holds_its_sentence_and_promised_names_alone(path: Path) -> None:
    _, *statements = ast.parse(path.read_text()).body
    wing = str(path.parent.relative_to(ROOT))
    if wing in HOLD_PROMISED_NAMES:
        statements = [node for node in statements if not isinstance(node, ast.ImportFrom)]
        allowed = ["__all__"]
    else:
        statements = [node for node in statements if not isinstance(node, ast.Expr)]
        allowed = ["pytest_plugins"] if wing == HOOKED_INTO_PYTEST else []
    assert [ast.unparse(node).partition(" =")[0] for node in statements] == allowed


def test_no_name_of_a_class_stands_for_two_things() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in LIBRARY:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not {name: lines for name, lines in places.items() if len(lines) > 1}


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
def test_every_test_next_to_the_folders_is_a_claim(path: Path, claim: ast.FunctionDef) -> None:
    decorators = [ast.unparse(decorator.func) for decorator in claim.decorator_list if isinstance(decorator, ast.Call)]
    assert decorators == ["claim"]


def test_the_whole_repository_is_small() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    assert sum(file.stat().st_size for file in files if file.is_file()) < HEAVIEST_REPOSITORY
