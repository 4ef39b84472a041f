"""A name leads to one model or to one sentence, weights come from safetensors alone, torch comes last."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from logging import INFO
from pathlib import Path
from typing import Any

import pytest

from fixtures.models import load, wrap
from fixtures.models.errors import ModelUnavailable
from fixtures.models.families import adapter_named, registry
from fixtures.models.miniature import WEIGHTS as MINIATURE
from fixtures.models.registry import known, resolve
from suite.calibration import tiny_llava

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    tiny_llava.model().save_pretrained(folder)
    tiny_llava.processor().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refusal(name: str | Path, **asked: Any) -> str:
    """The sentence with which *name* is refused while options are parsed, or else when it is loaded."""
    with pytest.raises(ModelUnavailable) as refused:
        load(str(name), **asked)
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


# What is refused before torch


def test_an_unknown_name_lists_the_known_ones() -> None:
    sentence = refusal("llava-1.5-70b")
    assert sentence.startswith("llava-1.5-70b is no model: known are ")
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
    fetched: list[list[str]] = []

    def download(location: str, revision: str | None, allow_patterns: list[str]) -> str:
        fetched.append(allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    resolve("some/model").check()
    assert fetched == [["config.json", "processor_config.json", "preprocessor_config.json"]]
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
    monkeypatch.setattr("fixtures.models.families.find_spec", lambda package: None)
    assert "does not load without torchvision: pip install torchvision" in refusal(folder)
    monkeypatch.setattr("fixtures.models.families.find_spec", lambda package: "found")
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
    unregistered = resolve("llava-hf/llava-1.5-7b-hf")
    assert (unregistered.prompt, unregistered.on_hub) == ("chat", True)


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
    pinned = {name: entry["revision"] for name, entry in registry()["models"].items() if "revision" in entry}
    assert {"llava-1.5-7b", "llava-1.5-13b", "llava-v1.6-vicuna-7b", "llama3-llava-next-8b"} <= set(pinned)
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in pinned.values())
    assert len(set(pinned.values())) == len(pinned)
    assert all("hub" in registry()["models"][name] for name in pinned)
    assert all(resolve(name).revision == revision for name, revision in pinned.items())


def test_every_family_has_its_adapter() -> None:
    from fixtures.models.base import Subject

    assert set(registry()["needs"]) <= set(registry()["families"])
    for line in registry()["families"].values():
        assert issubclass(adapter_named(line), Subject)


# The hub


def test_a_hub_model_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truly asked of the hub's own client, offline and with an empty cache."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    sentence = refusal("nobody/nothing", revision="abc")
    assert "cannot be fetched from the hub as nobody/nothing at revision abc" in sentence
    assert "llava-hf/llava-1.5-7b-hf" in refusal("llava-1.5-7b")


def test_a_hub_model_is_fetched_once_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked: list[tuple[str, str | None, list[str]]] = []

    def download(location: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((location, revision, allow_patterns))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    source = resolve("some/model", revision="main", prompt="paper")
    assert asked == []
    assert source.fingerprint() == resolve(str(folder)).fingerprint()
    location, revision, patterns = asked[-1]
    assert (location, revision) == ("some/model", "main")
    assert "*.safetensors" in patterns
    assert not [pattern for pattern in patterns if pattern.endswith((".bin", ".pt", ".pth", ".pkl", ".py", "*"))]
    assert source.load("cpu").prompt_style == "paper"
    resolve("some/model", trust_remote_code=True).fingerprint()
    assert "*.py" in asked[-1][2]


# Fingerprints


def test_a_fingerprint_is_of_names_and_bytes(folder: Path, tmp_path: Path) -> None:
    first = resolve(str(folder)).fingerprint()
    assert len(first) == 64
    (folder / "README.md").write_text("no part of the model", encoding="utf-8")
    (folder / "notes.py").write_text("no part of the model either", encoding="utf-8")
    moved = Path(shutil.move(folder, tmp_path / "elsewhere"))
    assert resolve(str(moved)).fingerprint() == first
    seen = {first}
    for name in ("model.safetensors", "config.json", "tokenizer.json", "processor_config.json"):
        path = moved / name
        whole = path.read_bytes()
        path.write_bytes(whole + b" ")
        seen.add(resolve(str(moved)).fingerprint())
        path.write_bytes(whole)
    (moved / "tokenizer.json").rename(moved / "vocab.json")
    seen.add(resolve(str(moved)).fingerprint())
    assert len(seen) == 6


def test_a_model_in_memory_is_fingerprinted_by_its_parameters() -> None:
    import torch

    def fingerprint(model: Any, processor: Any = None) -> str:
        return wrap(model, processor or tiny_llava.processor()).fingerprint

    first = fingerprint(tiny_llava.model())
    assert fingerprint(tiny_llava.model()) == first
    changed = tiny_llava.model()
    with torch.no_grad():
        changed.lm_head.weight[0, 0] += 1e-6
    assert fingerprint(changed) != first
    assert fingerprint(tiny_llava.model().to(torch.bfloat16)) != first
    assert fingerprint(tiny_llava.model(), tiny_llava.processor(template="<image>{{ messages }}")) != first


# Loading


def test_loading(folder: Path) -> None:
    import torch

    asked = load(str(folder), device="cpu")
    assert asked.dtype == torch.float32
    assert asked.device == torch.device("cpu")
    assert not asked.model.training
    assert not any(parameter.requires_grad for parameter in asked.model.parameters())
    assert asked.fingerprint == resolve(str(folder)).fingerprint()
    assert (asked.name, asked.prompt_style, asked.layers) == (str(folder), "chat", 3)
    for name, tensor in tiny_llava.model().state_dict().items():
        torch.testing.assert_close(asked.model.state_dict()[name], tensor, rtol=0, atol=0)
    assert load(str(folder), "cpu", "float64", prompt="paper").dtype == torch.float64


def test_loading_is_silent_and_leaves_transformers_as_it_was(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    logging.enable_progress_bar()
    logging.set_verbosity(INFO)
    try:
        capfd.readouterr()
        load(str(folder), "cpu")
        assert capfd.readouterr() == ("", "")
        assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == (True, INFO)
        (folder / "tokenizer.json").unlink()
        refusal(folder)
        assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == (True, INFO)
        logging.disable_progress_bar()
        refusal(folder)
        assert not logging.is_progress_bar_enabled()
    finally:
        logging.enable_progress_bar()
        logging.set_verbosity_warning()


def test_unknown_devices_and_dtypes(folder: Path) -> None:
    import torch

    assert "no dtype 'int8': choose one of auto, float32" in refusal(folder, dtype="int8")
    assert "no device 'gpu'" in refusal(folder, device="gpu")
    assert "no device" in refusal(folder, device=f"cuda:{torch.cuda.device_count()}")


def test_weights_that_are_broken(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be loaded (" in refusal(folder)


def test_weights_that_lack_parameters(folder: Path) -> None:
    """Transformers would draw them at random, with a warning."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if name.endswith("q_proj.weight") and "language_model" in name)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "lack 1 of its parameters" in refusal(folder)


def edited(folder: Path, part: str, **settings: Any) -> None:
    """Change *settings* in a *part* of the folder's configuration."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config[part] |= settings
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize("part", ["text_config", "vision_config"])
def test_a_configuration_that_is_cut_to_fewer_layers(folder: Path, part: str) -> None:
    """Transformers would leave the other layers' weights aside, with a warning."""
    edited(folder, part, num_hidden_layers=1)
    said = refusal(folder)
    assert " parameters that its configuration has no place for (" in said
    assert ".layers.1." in said
    assert said.count(".layers.") == 3, "a few are named"


def test_a_configuration_of_another_width(folder: Path) -> None:
    edited(folder, "text_config", intermediate_size=8)
    assert "cannot be loaded (" in refusal(folder)


def test_weights_that_transformers_itself_passes_over(folder: Path) -> None:
    """What was saved as a parameter once is computed now; a checkpoint that still has it is whole."""
    import torch
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    inner = next(name for name in tensors if name.endswith("layers.0.self_attn.q_proj.weight") and "vision" not in name)
    vision = next(name for name in tensors if name.endswith("position_embedding.weight"))
    tensors[inner.replace("q_proj.weight", "rotary_emb.inv_freq")] = torch.ones(4)
    tensors[vision.replace("position_embedding.weight", "position_ids")] = torch.arange(17)[None]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert load(str(folder), "cpu").layers == 3
    tensors["a.stranger"] = torch.ones(4)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "has weights for a parameter that its configuration has no place for (a.stranger)" in refusal(folder)


def test_a_head_that_is_tied_is_saved_or_not(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    (embedding,) = (name for name in tensors if name.endswith("embed_tokens.weight"))
    (head,) = (name for name in tensors if name.endswith("lm_head.weight"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = True
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors[head] = tensors[embedding].clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert load(str(folder), "cpu").layers == 3
    del tensors[head]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert load(str(folder), "cpu").layers == 3


def test_a_configuration_that_makes_no_model(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["text_config"]["num_attention_heads"] = 3
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "cannot be loaded (" in refusal(folder)


def test_a_folder_without_a_tokenizer_or_a_processor(folder: Path) -> None:
    """Found out without loading anything."""
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ModelUnavailable, match=r"has no tokenizer \(tokenizer.json\), so no question can be put"):
        resolve(str(folder)).check()
    assert "has no tokenizer" in refusal(folder)
    for path in folder.glob("*processor_config.json"):
        path.unlink()
    with pytest.raises(ModelUnavailable, match=r"has no processor \(processor_config.json or preprocessor_config.json"):
        resolve(str(folder)).check()
    assert "so no picture can be shown to it: save the checkpoint's into its folder" in refusal(folder)


def test_pickled_weights_are_never_opened(folder: Path) -> None:
    """A pickle that would load stays shut beside a safetensors file that is of no use."""
    import torch

    torch.save(tiny_llava.model().state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    assert "cannot be loaded (" in refusal(folder)


# Wrapping


def test_wrapping_leaves_everything_as_found() -> None:
    import torch

    model, processor = tiny_llava.model(), tiny_llava.processor()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    config, images = model.config.to_dict(), processor.image_processor
    settings = dict(images.to_dict())
    wrap(model, processor, "paper")
    assert processor.image_processor is images
    assert images.to_dict() == settings
    assert model.config.to_dict() == config
    assert model.config._attn_implementation == "sdpa"
    assert all(parameter.requires_grad for parameter in model.parameters())
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_what_cannot_be_wrapped() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    with pytest.raises(ModelUnavailable, match=r"training mode.*eval\(\)"):
        wrap(tiny_llava.model().train(), tiny_llava.processor())
    with pytest.raises(ModelUnavailable, match="no prompt style 'poem'"):
        wrap(tiny_llava.model(), tiny_llava.processor(), "poem")  # pyright: ignore[reportArgumentType]
    blind = LlamaForCausalLM(
        LlamaConfig(vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)
    )
    with pytest.raises(ModelUnavailable, match="family 'llama' and reads text alone"):
        wrap(blind.eval(), tiny_llava.processor())
