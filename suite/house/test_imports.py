"""Who may import whom: the rooms stay apart, and what is heavy or pytest's own is imported where it is needed."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT) for room in ("fixtures", "reports") for path in (ROOT / room).rglob("*.py"))
PLUGINS = {Path("fixtures/plugin.py"), Path("fixtures/scheduling.py"), Path("reports/plugin.py")}
PYTEST_MAY_STAND_IN = {*PLUGINS, Path("reports/claim.py")}
HEAVY = {"torch", "transformers", "datasets", "scipy", "matplotlib", "pandas", "pyarrow"}
FAMILIES = tomllib.loads((ROOT / "fixtures/models/registry.toml").read_text(encoding="utf-8"))["families"]
ADAPTERS = {Path(*adapter.partition(":")[0].split(".")).with_suffix(".py") for adapter in FAMILIES.values()}
IMPORTED_LAZILY_WHOLE = ADAPTERS | {
    Path("fixtures/attention.py"),
    Path("fixtures/benchmark.py"),
    Path("fixtures/contract.py"),
    Path("fixtures/crossing.py"),
    Path("fixtures/forward.py"),
    Path("fixtures/precision.py"),
    Path("fixtures/generation.py"),
    Path("fixtures/knockout.py"),
    Path("fixtures/lens.py"),
    Path("fixtures/measure.py"),
    Path("fixtures/padding.py"),
    Path("fixtures/recording.py"),
    Path("fixtures/reference.py"),
    Path("fixtures/replay.py"),
    Path("fixtures/models/base.py"),
    Path("fixtures/models/cross_attention.py"),
    Path("fixtures/models/decoder.py"),
    Path("fixtures/models/encoding.py"),
    Path("fixtures/models/flamingo.py"),
    Path("fixtures/models/planted/build.py"),
    Path("fixtures/models/planted/subject.py"),
}
"""Instruments and adapters: they may import torch at their top, and nobody imports them at theirs but each other."""

LEAVES_OF_THE_BENCH = {"fixtures.flow", "fixtures.nearest", "fixtures.question"}


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


def all_imports(module: Path) -> set[str]:
    tree = ast.parse((ROOT / module).read_text())
    return {found for node in ast.walk(tree) if isinstance(node, ast.stmt) for found in imported(node, module)}


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_when_imported(module: Path) -> set[str]:
    tree = ast.parse((ROOT / module).read_text())
    statements = [node for node in tree.body if not is_type_checking(node)]
    return {found for node in statements for found in imported(node, module)}


def rooms(names: set[str]) -> set[str]:
    return {found.split(".")[0] for found in names}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_the_bench_and_the_ledger_never_import_each_other_nor_the_suite(module: Path) -> None:
    strangers = {"fixtures", "reports", "suite"} - {module.parts[0]}
    assert not rooms(all_imports(module)) & strangers


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_pytest_stands_in_the_plugins_and_the_claim_decorator_alone(module: Path) -> None:
    assert module in PYTEST_MAY_STAND_IN or not rooms(all_imports(module)) & {"pytest", "_pytest", "xdist"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_heavy_libraries_are_imported_lazily(module: Path) -> None:
    if module in IMPORTED_LAZILY_WHOLE or "miniature" in module.parts:
        pytest.skip("an instrument, an adapter or the training script: itself imported lazily")
    assert not rooms(imports_when_imported(module)) & HEAVY


@pytest.mark.parametrize("module", [module for module in MODULES if module not in IMPORTED_LAZILY_WHOLE], ids=str)
def test_instruments_are_imported_lazily_too(module: Path) -> None:
    if "miniature" in module.parts:
        pytest.skip("the miniature's own training script runs by itself")
    assert not imports_when_imported(module) & {name(path) for path in IMPORTED_LAZILY_WHOLE}


@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if module.parts[:2] in {("fixtures", "models"), ("fixtures", "tasks")}],
    ids=str,
)
def test_models_and_tasks_know_the_vocabulary_alone(module: Path) -> None:
    own = ".".join(module.parts[:2])
    bench = {found for found in all_imports(module) if found.startswith("fixtures.")}
    modules = {name(path) for path in MODULES}
    strangers = {found for found in bench & modules if not found.startswith(own)} - LEAVES_OF_THE_BENCH
    if {"miniature", "planted"} & {*module.parts}:  # they know the bundled world
        strangers = {found for found in strangers if not found.startswith("fixtures.tasks")}
    assert not strangers


def test_no_cycles() -> None:
    modules = {name(path): path for path in MODULES}
    packages = {"fixtures", "reports"}
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
