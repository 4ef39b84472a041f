"""Weights load whole and from safetensors alone, and wrapping leaves a model as it is."""

from __future__ import annotations

import json
from logging import INFO
from pathlib import Path
from typing import Any

import pytest

from fixtures.models import load, wrap
from fixtures.models.errors import ModelUnavailable
from fixtures.models.registry import resolve
from suite.support.models import tiny_llava
from suite.support.models.refusals import refusal
from suite.support.models.saved_llava import saved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "model")


# Loading


def test_loading(folder: Path) -> None:
    import torch

    adapter = load(str(folder), device="cpu")
    assert adapter.dtype == torch.float32
    assert adapter.device == torch.device("cpu")
    assert not adapter.model.training
    assert not any(parameter.requires_grad for parameter in adapter.model.parameters())
    assert adapter.fingerprint == resolve(str(folder)).fingerprint()
    assert (adapter.name, adapter.prompt_style, adapter.layers) == (str(folder), "chat", 3)
    for name, tensor in tiny_llava.model().state_dict().items():
        torch.testing.assert_close(adapter.model.state_dict()[name], tensor, rtol=0, atol=0)
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
    missing = next(name for name in tensors if name.endswith("q_proj.weight") and "language_model" in name)
    del tensors[missing]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "lack 1 of its parameters" in refusal(folder)


def edit(folder: Path, part: str, **settings: Any) -> None:
    """Change *settings* in a *part* of the folder's configuration."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config[part] |= settings
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize("part", ["text_config", "vision_config"])
def test_a_configuration_that_is_cut_to_fewer_layers(folder: Path, part: str) -> None:
    """Transformers would leave the other layers' weights aside, with a warning."""
    edit(folder, part, num_hidden_layers=1)
    sentence = refusal(folder)
    assert " parameters that its configuration has no place for (" in sentence
    assert ".layers.1." in sentence
    assert sentence.count(".layers.") == 3, "a few are named"


def test_a_configuration_of_another_width(folder: Path) -> None:
    edit(folder, "text_config", intermediate_size=8)
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
    """Nothing is loaded to find this out."""
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
    """A pickle that would load stays shut next to a safetensors file that is of no use."""
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
