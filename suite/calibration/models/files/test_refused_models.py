"""A model that cannot be loaded is refused in one sentence, before torch is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.models.errors import ModelUnavailable
from fixtures.models.registry import known, resolve
from suite.support.models.refusals import refusal
from suite.support.models.saved_llava import saved
from suite.support.repository import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "model")


def test_an_unknown_name_lists_the_known_ones() -> None:
    sentence = refusal("llava-1.5-70b")
    assert sentence.startswith("llava-1.5-70b is no model: the nearest are llava-1.5-7b, ")
    assert all(name in sentence for name in ("miniature", "llava-1.5-7b", "llava-1.5-13b"))


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "a/b/c", "../up", "", "owner/", "own er/name"])
def test_what_is_neither_folder_nor_hub_id(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="no model"):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a" * 5000, "cannot be looked for (File name too long)"),
        ("owner/" + "a" * 200, "is no model"),
        ("a\0b", "holds a character that cannot be printed"),
        ("a\nb", "holds a character that cannot be printed"),
        ("a\x7fb", "holds a character that cannot be printed"),
        ("a\ud800b", "holds a character that cannot be printed"),
    ],
    ids=["long", "long id", "NUL", "newline", "delete", "surrogate"],
)
def test_a_name_that_is_no_name(name: str, says: str) -> None:
    sentence = refusal(name)
    assert says in sentence
    assert sentence.isprintable()
    assert len(sentence) < 300 + len(", ".join(known()))


def test_a_folder_without_a_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"has no config\.json"):
        resolve(str(folder))


def test_a_folder_without_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="safetensors alone"):
        resolve(str(folder))


@pytest.mark.parametrize("breakage", ["config.json", "model.safetensors", "family", "weights"])
def test_a_folder_is_named_once(folder: Path, breakage: str) -> None:
    match breakage:
        case "family":
            (folder / "config.json").write_text("{}", encoding="utf-8")
        case "weights":
            (folder / "model.safetensors").write_bytes(b"damaged")
        case _:
            (folder / breakage).unlink()
    assert refusal(folder).count(str(folder)) == 1


def test_what_stands_in_the_way_is_found_without_loading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    resolve(str(folder)).check()
    fetches: list[list[str]] = []

    def download(location: str, revision: str | None, allow_patterns: list[str]) -> str:
        fetches.append(allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    resolve("some/model").check()
    assert fetches == [["config.json", "processor_config.json", "preprocessor_config.json"]]
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelUnavailable, match=r"model cannot be loaded: model\.safetensors is cut short"):
        resolve(str(folder)).check()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"some/model is of the family 'llama' and reads text alone"):
        resolve("some/model").check()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "llama", "vocab_size": 9}, "family 'llama' and reads text alone"),
        (
            {"model_type": "florence2", "is_encoder_decoder": True, "vision_config": {}, "image_token_id": 7},
            "language model of .*, florence2, is an encoder with a decoder",
        ),
        (
            {"model_type": "blip-2", "use_decoder_only_language_model": False, "text_config": {"model_type": "t5"}},
            "language model of .*, t5, is an encoder with a decoder",
        ),
        (
            {"model_type": "instructblip", "text_config": {"model_type": "t5"}},
            "language model of .*, t5, is an encoder",
        ),
        (
            {"model_type": "unheard-of", "image_token_index": 7, "text_config": {"cross_attention_layers": [3, 8]}},
            "family 'unheard-of', which reads the picture by cross attention",
        ),
    ],
)
def test_what_a_configuration_tells_is_refused_by_it_alone(folder: Path, config: dict[str, Any], says: str) -> None:
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=says):
        resolve(str(folder))


def test_packages_that_a_family_needs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2_vl"}), encoding="utf-8")
    monkeypatch.setattr("fixtures.models.adapter_lookup.find_spec", lambda package: None)
    assert "does not load without torchvision: pip install torchvision" in refusal(folder)
    monkeypatch.setattr("fixtures.models.adapter_lookup.find_spec", lambda package: "found")
    assert resolve(str(folder)).family == "qwen2_vl"


@pytest.mark.parametrize("content", ["", "{", "nonsense", "[" * 100_000])
def test_a_configuration_that_is_no_json(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"/model has a config\.json that is no JSON, it may be cut short: "):
        resolve(str(folder))


@pytest.mark.parametrize("name", ["processor_config.json", "tokenizer.json", "tokenizer_config.json"])
def test_settings_of_a_hub_model_that_are_no_json(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(folder))
    (folder / name).write_bytes((folder / name).read_bytes()[:100])
    assert refusal("some/model") == f"some/model has a {name} that is no JSON, it may be cut short: restore it"


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"model_type": 1}'])
def test_a_configuration_that_names_no_family(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"model_type|no adapter"):
        resolve(str(folder))


def test_an_unknown_prompt_style(folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no prompt style 'poem': choose one of paper, chat"):
        resolve(str(folder), prompt="poem")


def test_none_of_this_imports_torch(folder: Path) -> None:
    probe = f"""
import sys
from fixtures.models.registry import resolve
source = resolve({str(folder)!r})
print(source.family, source.fingerprint())
try:
    resolve("nobody")
except Exception as error:
    print(type(error).__name__)
print([name for name in ("torch", "transformers", "huggingface_hub") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        f"llava {resolve(str(folder)).fingerprint()}",
        "ModelUnavailable",
        "[]",
    ]
