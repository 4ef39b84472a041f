"""A name leads to one model, in a folder or on the hub, and a fingerprint covers the bytes of its files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.models import wrap
from fixtures.models.adapter_lookup import load_adapter, registry
from fixtures.models.miniature import WEIGHTS as MINIATURE
from fixtures.models.registry import known, resolve
from suite.support.models import tiny_llava
from suite.support.models.refusals import refusal
from suite.support.models.saved_llava import saved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "model")


# The registry


def test_registered_models(monkeypatch: pytest.MonkeyPatch) -> None:
    assert known()[:4] == ("miniature", "planted", "llava-1.5-7b", "llava-1.5-13b")
    assert all(resolve(name).on_hub for name in known()[2:])
    for size in ("7b", "13b"):
        source = resolve(f"llava-1.5-{size}")
        assert (source.location, source.prompt, source.on_hub) == (
            f"llava-hf/llava-1.5-{size}-hf",
            "paper",
            True,
        )
    assert resolve("llava-1.5-7b", prompt="chat", revision="abc").revision == "abc"
    assert resolve("llava-1.5-7b", prompt="chat").prompt == "chat"
    other_model = resolve("llava-hf/llava-1.5-7b-hf")
    assert (other_model.prompt, other_model.on_hub) == ("chat", True)


@pytest.mark.skipif(not (MINIATURE / "config.json").is_file(), reason="the miniature is not trained yet")
def test_the_miniature_is_bundled() -> None:
    source = resolve("miniature")
    assert (Path(source.location), source.prompt, source.on_hub) == (MINIATURE, "chat", False)
    assert source.family == "llava"


def test_a_relative_folder_is_relative_to_where_the_command_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    source = resolve("model")
    monkeypatch.undo()
    assert (source.folder(), source.revision, source.prompt) == (folder, None, "chat")


@pytest.mark.parametrize("name", ["miniature", "folder"])
def test_what_lies_in_a_folder_has_no_revision(folder: Path, name: str) -> None:
    sentence = refusal(folder if name == "folder" else name, revision="main")
    assert "lies in a folder here, which has no revision main: leave the revision out" in sentence


def test_a_revision_that_the_registry_pins_is_taken_unless_another_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = {"pinned": {"hub": "owner/pinned", "revision": "0123abc"}, "free": {"hub": "owner/free"}}
    monkeypatch.setattr("fixtures.models.registry.registry", lambda: {"models": models})
    assert resolve("pinned").revision == "0123abc"
    assert resolve("pinned", revision="main").revision == "main"
    assert resolve("free").revision is None


def test_pinned_revisions_are_whole_commits_of_hub_models() -> None:
    revisions = {name: entry["revision"] for name, entry in registry()["models"].items() if "revision" in entry}
    assert {"llava-1.5-7b", "llava-1.5-13b", "llava-v1.6-vicuna-7b", "llama3-llava-next-8b"} <= set(revisions)
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in revisions.values())
    assert len(set(revisions.values())) == len(revisions)
    assert all("hub" in registry()["models"][name] for name in revisions)
    assert all(resolve(name).revision == revision for name, revision in revisions.items())


def test_every_family_has_its_adapter() -> None:
    from fixtures.models.base import Subject

    assert set(registry()["needs"]) <= set(registry()["families"])
    for line in registry()["families"].values():
        assert issubclass(load_adapter(line), Subject)


# The hub


def test_a_hub_model_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own client is called, offline and with an empty cache."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    sentence = refusal("nobody/nothing", revision="abc")
    assert "cannot be fetched from the hub as nobody/nothing at revision abc" in sentence
    assert "llava-hf/llava-1.5-7b-hf" in refusal("llava-1.5-7b")


def test_a_hub_model_is_fetched_once_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    requests: list[tuple[str, str | None, list[str]]] = []

    def download(location: str, revision: str | None, allow_patterns: list[str]) -> str:
        requests.append((location, revision, allow_patterns))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    source = resolve("some/model", revision="main", prompt="paper")
    assert requests == []
    assert source.fingerprint() == resolve(str(folder)).fingerprint()
    location, revision, patterns = requests[-1]
    assert (location, revision) == ("some/model", "main")
    assert "*.safetensors" in patterns
    assert not [pattern for pattern in patterns if pattern.endswith((".bin", ".pt", ".pth", ".pkl", ".py", "*"))]
    assert source.load("cpu").prompt_style == "paper"
    resolve("some/model", trust_remote_code=True).fingerprint()
    assert "*.py" in requests[-1][2]


# Fingerprints


def test_a_fingerprint_is_of_names_and_bytes(folder: Path, tmp_path: Path) -> None:
    first = resolve(str(folder)).fingerprint()
    assert len(first) == 64
    (folder / "README.md").write_text("no part of the model", encoding="utf-8")
    (folder / "notes.py").write_text("no part of the model either", encoding="utf-8")
    other_folder = Path(shutil.move(folder, tmp_path / "elsewhere"))
    assert resolve(str(other_folder)).fingerprint() == first
    fingerprints = {first}
    for name in ("model.safetensors", "config.json", "tokenizer.json", "processor_config.json"):
        path = other_folder / name
        whole = path.read_bytes()
        path.write_bytes(whole + b" ")
        fingerprints.add(resolve(str(other_folder)).fingerprint())
        path.write_bytes(whole)
    (other_folder / "tokenizer.json").rename(other_folder / "vocab.json")
    fingerprints.add(resolve(str(other_folder)).fingerprint())
    assert len(fingerprints) == 6


def test_a_model_in_memory_is_fingerprinted_by_its_parameters() -> None:
    import torch

    def fingerprint(model: Any, processor: Any = None) -> str:
        return wrap(model, processor or tiny_llava.processor()).fingerprint

    first = fingerprint(tiny_llava.model())
    assert fingerprint(tiny_llava.model()) == first
    other_model = tiny_llava.model()
    with torch.no_grad():
        other_model.lm_head.weight[0, 0] += 1e-6
    assert fingerprint(other_model) != first
    assert fingerprint(tiny_llava.model().to(torch.bfloat16)) != first
    assert fingerprint(tiny_llava.model(), tiny_llava.processor(template="<image>{{ messages }}")) != first
