"""The guide to adding a model is followed to the letter, and its adapter passes the tests of all adapters."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from fixtures.flow import RELATED
from fixtures.models import adapter_lookup as families
from fixtures.models import wrap
from fixtures.models.base import Subject
from fixtures.models.families.generic import Generic
from suite.calibration import test_adapters
from suite.support.models.families import vipllava
from suite.support.repository import ROOT

DOCUMENT = (ROOT / "fixtures" / "models" / "README.md").read_text(encoding="utf-8")
NAME = "documented"


def block(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    return code


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Subject]:
    """The document's adapter, in its place in the registry, and its family among those that are tried."""
    (line,) = tomllib.loads(block("toml"))["families"].values()
    module, _, attribute = line.partition(":")
    assert f"`{module.replace('.', '/')}.py`" in DOCUMENT
    (tmp_path / "adapter.py").write_text(block("python"), encoding="utf-8")
    spec = spec_from_file_location(module, tmp_path / "adapter.py")
    assert spec is not None
    assert spec.loader is not None
    own = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module, own)
    spec.loader.exec_module(own)
    registry = families.registry()
    more = {**registry, "families": {**registry["families"], "vipllava": line}}
    monkeypatch.setattr(families, "registry", lambda: more)
    monkeypatch.setitem(test_adapters.FAMILIES, NAME, replace(vipllava.FAMILY, regions=True))  # pyright: ignore[reportArgumentType]
    return getattr(own, attribute)


def test_the_family_is_measured_before_it_has_an_adapter() -> None:
    assert type(wrap(*vipllava.build())) is Generic


@pytest.mark.usefixtures("adapter")
def test_its_models_have_short_names_that_lead_to_the_hub() -> None:
    (model,) = tomllib.loads(block("toml"))["models"].values()
    assert re.fullmatch(r"[\w-]+/[\w.-]+", model["hub"])


def test_the_documents_adapter_passes_the_contract_of_all(adapter: type[Subject]) -> None:
    test_adapters.subject.cache_clear()
    subject = test_adapters.subject(NAME)
    assert type(subject) is adapter
    assert RELATED in subject.encode(test_adapters.question((112, 56))).spans
    test_adapters.test_the_contract(NAME, "chat")
    test_adapters.test_spans_read_as_what_they_name(NAME, "chat")
    test_adapters.test_a_prompt_without_its_picture_has_the_same_ids_and_spans(NAME, "chat")
    test_adapters.test_a_question_alone_and_in_a_batch(NAME)


@pytest.mark.usefixtures("adapter")
def test_its_patches_are_where_they_are_seen() -> None:
    test_adapters.test_patches_are_where_they_are_seen(NAME)
    test_adapters.test_padding_and_separators_show_nothing(NAME)


def test_every_name_that_the_document_gives_is_there() -> None:
    import fixtures.models.geometry
    import fixtures.models.layout

    table = DOCUMENT[DOCUMENT.index("| what else") :]
    names = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))
    homes = (Subject, fixtures.models.layout, fixtures.models.geometry, fixtures.models.layout.Tile)
    fields = {*fixtures.models.layout.Tile.__annotations__, *fixtures.models.layout.Layout.__annotations__}
    assert len(names) > 8
    assert not [name for name in names if name not in fields and not any(hasattr(home, name) for home in homes)]
