"""Who may import whom: the wings stay apart, and what is heavy or pytest's own is imported where it is needed."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from suite.support.repository import HEAVY, ROOT

MODULES = sorted(path.relative_to(ROOT) for part in ("fixtures", "reports") for path in (ROOT / part).rglob("*.py"))
SUITE_MODULES = sorted(
    path.relative_to(ROOT)
    for part in ("house", "calibration", "support")
    for path in (ROOT / "suite" / part).rglob("*.py")
)
PYTEST_MAY_STAND_IN = {Path("reports/plugin.py"), Path("reports/claim.py")}
"""Next to the folder `fixtures/plugin`."""

TORCH_FOLDERS = ("fixtures/instruments/", "fixtures/models/families/", "fixtures/models/miniature/")
TORCH_MODULES = {
    "fixtures/benchmark.py",
    "fixtures/measure.py",
    "fixtures/models/base.py",
    "fixtures/models/cross_attention.py",
    "fixtures/models/decoder.py",
    "fixtures/models/encoding.py",
    "fixtures/models/prompt.py",
    "fixtures/models/planted/build.py",
    "fixtures/models/planted/subject.py",
}
"""Instruments and adapters: they may import torch at their top, and nobody imports them at theirs but each other."""

TORCH_FREE = {
    "fixtures/instruments/__init__.py",
    "fixtures/instruments/answer_rules.py",
    "fixtures/instruments/engines/__init__.py",
    "fixtures/models/families/__init__.py",
    "fixtures/models/miniature/__init__.py",
}
"""In those folders, and importing nothing heavy."""

GROUND = {"flow", "question", "refusal"}
WINGS = (
    {"plugin"},
    {"bench"},
    {"measure", "model_flow"},
    {"instruments", "measurement"},
    {"models", "statistics"},
    {"tasks"},
    GROUND,
)
"""The bench from top to bottom: a module imports from its own wing and from those further down."""


def name(module: Path) -> str:
    return ".".join(module.with_suffix("").parts).removesuffix(".__init__")


def imported(statement: ast.stmt, module: Path) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        package = name(module).split(".") if module.name == "__init__.py" else name(module).split(".")[:-1]
        base = ".".join(package[: len(package) - statement.level + 1]) + "." if statement.level else ""
        source = (base + (statement.module or "")).rstrip(".")
        yield source
        yield from (f"{source}.{alias.name}" for alias in statement.names)


@cache
def parsed(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text())


@cache
def all_imports(module: Path) -> set[str]:
    tree = parsed(module)
    return {found for node in ast.walk(tree) if isinstance(node, ast.stmt) for found in imported(node, module)}


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


@cache
def imports_when_imported(module: Path) -> set[str]:
    tree = parsed(module)
    statements = [node for node in tree.body if not is_type_checking(node)]
    return {found for node in statements for found in imported(node, module)}


def packages_of(names: set[str]) -> set[str]:
    return {found.split(".")[0] for found in names}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_the_bench_and_the_ledger_never_import_each_other_nor_the_suite(module: Path) -> None:
    strangers = {"fixtures", "reports", "suite"} - {module.parts[0]}
    assert not packages_of(all_imports(module)) & strangers


@pytest.mark.parametrize("module", SUITE_MODULES, ids=str)
def test_house_and_calibration_share_support_alone_which_imports_neither(module: Path) -> None:
    strangers = {"suite.house", "suite.calibration"} - {f"suite.{module.parts[1]}"}
    assert not {".".join(found.split(".")[:2]) for found in all_imports(module)} & strangers


def needs_torch(module: Path) -> bool:
    path = str(module)
    return path not in TORCH_FREE and (path.startswith(TORCH_FOLDERS) or path in TORCH_MODULES)


TORCH = {name(module) for module in MODULES if needs_torch(module)}
LIGHT = [module for module in MODULES if not needs_torch(module)]


def level(part: str) -> int:
    return next(height for height, wings in enumerate(WINGS) if part in wings)


def parts_of_the_bench(module: Path) -> set[str]:
    """What *module* imports of the bench, by the first name below `fixtures`."""
    return {found.split(".")[1] for found in all_imports(module) if found.startswith("fixtures.")}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_pytest_stands_in_the_plugins_and_the_claim_decorator_alone(module: Path) -> None:
    is_plugin = module.is_relative_to("fixtures/plugin") or module in PYTEST_MAY_STAND_IN
    assert is_plugin or not packages_of(all_imports(module)) & {"pytest", "_pytest", "xdist"}


@pytest.mark.parametrize("module", LIGHT, ids=str)
def test_heavy_libraries_are_imported_lazily(module: Path) -> None:
    assert not packages_of(imports_when_imported(module)) & HEAVY


@pytest.mark.parametrize("module", LIGHT, ids=str)
def test_what_needs_torch_is_imported_lazily(module: Path) -> None:
    assert not imports_when_imported(module) & TORCH


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] == "fixtures"], ids=str)
def test_no_wing_imports_a_higher_one(module: Path) -> None:
    own = module.with_suffix("").parts[1]
    if own in {"__init__", "benchmark"}:
        pytest.skip("the package itself, or a program that stands on top of all")
    assert not {part for part in parts_of_the_bench(module) if level(part) < level(own)}


@pytest.mark.parametrize("module", [module for module in MODULES if module.is_relative_to("fixtures/models")], ids=str)
def test_of_models_those_that_know_the_bundled_world_alone_know_tasks(module: Path) -> None:
    knows_the_world = {"miniature", "planted"} & {*module.parts}
    assert knows_the_world or "tasks" not in parts_of_the_bench(module)


def test_no_cycles() -> None:
    modules = {name(path): path for path in MODULES}
    packages = {name(path) for path in MODULES if path.name == "__init__.py"}
    known = {
        module: {found for found in all_imports(path) if found in modules} - packages - {module}
        for module, path in modules.items()
    }

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        for below in sorted(known[module]):
            walk(below, (*above, module))

    for module in sorted(modules):
        walk(module, ())
