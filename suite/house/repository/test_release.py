"""A release says one version everywhere, can be cited, and is checked by the same tools before a commit as in CI."""

import re
import tomllib
from datetime import date
from typing import Any

import yaml

from suite.support.repository import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})$", flags=re.MULTILINE)
"""A heading of the changelog: the version and the day of its release."""

REQUIRED = {"cff-version", "message", "title", "authors"}
"""Fields that the schema of CFF 1.2.0 requires of a citation file."""

REQUIRED_OF_A_REFERENCE = {"authors", "title", "type"}
"""Fields that the same schema requires of each reference."""


def hooks() -> list[dict[str, Any]]:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [hook for repository in configuration["repos"] for hook in repository["hooks"]]


def checks_of_ci() -> list[str]:
    """The commands at the end of `.ci/run`, without the paths of its environment."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = [line for line in script.splitlines() if re.match(r"\.venv/bin/(ruff|pyright)\b", line)]
    return [line.removeprefix(".venv/bin/").partition(" --pythonpath")[0] for line in lines]


def test_the_changelog_opens_with_the_packages_version() -> None:
    releases = RELEASE.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert releases[0] == (PROJECT["version"], CITATION["date-released"])
    assert date.fromisoformat(CITATION["date-released"])


def test_the_citation_has_the_fields_that_its_format_requires() -> None:
    assert CITATION.keys() >= REQUIRED
    assert CITATION["cff-version"] == "1.2.0"
    assert all("name" in author or "family-names" in author for author in CITATION["authors"])
    assert all(reference.keys() >= REQUIRED_OF_A_REFERENCE for reference in CITATION["references"])


def test_the_citation_says_what_the_package_says() -> None:
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["abstract"].rstrip(".") == PROJECT["description"]


def test_the_citation_names_the_paper_and_its_authors() -> None:
    (paper,) = CITATION["references"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert paper["title"] in readme
    assert paper["url"] in readme
    assert [author["family-names"] for author in paper["authors"]] == ["Zhang", "Yadav", "Han", "Shutova"]


def test_the_hooks_are_the_checks_of_ci() -> None:
    assert [hook["entry"] for hook in hooks()] == checks_of_ci() != []


def test_the_hooks_use_the_tools_that_are_installed() -> None:
    assert {hook["language"] for hook in hooks()} == {"system"}
