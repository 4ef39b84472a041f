"""Weights go where they fit, and a model's own code runs only with the flag; every refusal is one sentence."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from fixtures.flow import IMAGE, QUESTION
from fixtures.instruments.contract import check
from fixtures.instruments.engines import fast
from fixtures.models import load, wrap
from fixtures.models.decoder import decoder_of
from fixtures.models.errors import ModelUnavailable
from fixtures.models.files import loading
from fixtures.models.files.loading import device_map
from fixtures.models.files.weights import parameters
from fixtures.models.registry import resolve
from suite.support.models import tiny_llava
from suite.support.models.families import families
from suite.support.models.pixel_oracle import question
from suite.support.models.refusals import refusal

FAMILIES = families()


@pytest.fixture(scope="module")
def whole() -> Any:
    return tiny_llava.model(layers=24)


@pytest.fixture(scope="module")
def model_folder(whole: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    whole.save_pretrained(folder, max_shard_size="20KB")
    tiny_llava.processor().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


# What the weights take


def test_parameters_are_counted_by_the_headers(whole: Any, model_folder: Path, tmp_path: Path) -> None:
    assert len(list(model_folder.glob("*.safetensors"))) > 1
    count = sum(tensor.numel() for tensor in whole.state_dict().values())
    assert parameters(model_folder) == count
    assert (
        resolve(str(model_folder)).bytes("auto", "cpu")
        == resolve(str(model_folder)).bytes("float32", "cuda")
        == 4 * count
    )
    assert resolve(str(model_folder)).bytes("auto", "cuda") == 2 * count
    (model_folder / "consolidated.safetensors").write_bytes(next(model_folder.glob("*.safetensors")).read_bytes())
    try:
        assert parameters(model_folder) == count, "a file that the index does not name counts for nothing"
    finally:
        (model_folder / "consolidated.safetensors").unlink()
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    assert parameters(tmp_path) == 0


def test_who_waits_for_weights_hears_how_many_are_there(model_folder: Path) -> None:
    """The count is transformers' own, and its progress bar is left as it was."""
    from transformers.utils import logging

    steps: list[tuple[int, int]] = []
    resolve(str(model_folder)).load("cpu", "float32", lambda done, of: steps.append((done, of)))
    of = steps[0][1]
    assert of > 24
    assert steps == [(done, of) for done in range(1, of + 1)]
    assert logging.set_tqdm_hook(None) is None


# Several devices


@cache
def tiny_model(family: str) -> Any:
    return FAMILIES[family].build()[0]


def sizes(model: Any) -> dict[str, int]:
    return {name: tensor.numel() * tensor.element_size() for name, tensor in model.named_parameters()}


def device_of(parameter: str, devices: dict[str, str]) -> str:
    parts = parameter.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(devices[prefix] for prefix in prefixes if prefix in devices)


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_go_to_devices_in_turn_and_all_else_to_the_first(family: str) -> None:
    model = tiny_model(family)
    layers = {id(layer): index for index, layer in enumerate(decoder_of(model, family).layers)}
    names = {index: name for name, module in model.named_modules() if (index := layers.get(id(module))) is not None}
    of_layers = sum(size for name, size in sizes(model).items() if name.startswith(tuple(names.values())))
    rest = sum(sizes(model).values()) - of_layers
    room = {"a": rest + 0.3 * of_layers, "b": 0.5 * of_layers, "c": 0.5 * of_layers}
    devices = device_map(model, room, family)
    assert all(device_of(name, devices) for name in sizes(model))
    devices_in_turn = [devices[names[index]] for index in range(len(names))]
    assert devices_in_turn == sorted(devices_in_turn)
    assert set(devices_in_turn) >= {"b", "c"}
    elsewhere = [name for name in sizes(model) if not name.startswith(tuple(names.values()))]
    assert {device_of(name, devices) for name in elsewhere} == {"a"}


@pytest.mark.parametrize("shares", [(1, 1), (1, 3), (2, 1, 1)])
def test_devices_are_filled_to_the_same_share(shares: tuple[int, ...]) -> None:
    model = tiny_llava.model(layers=40)
    whole = sum(sizes(model).values())
    room = {f"cuda:{index}": 1.2 * whole * share / sum(shares) for index, share in enumerate(shares)}
    sizes_on: dict[str, int] = defaultdict(int)
    devices = device_map(model, room, "it")
    for name, size in sizes(model).items():
        sizes_on[device_of(name, devices)] += size
    layer = sum(size for name, size in sizes(model).items() if ".layers.0." in name and "language" in name)
    for device, there in room.items():
        assert abs(sizes_on[device] - there / 1.2) <= layer


def test_a_first_device_without_room_for_all_but_the_layers_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match=r"all of it but its decoder's layers takes .*, and cuda:0 can hold"):
        device_map(tiny_llava.model(), {"cuda:0": 10, "cuda:1": 1e9}, "it")


@pytest.fixture
def two_small_devices(monkeypatch: pytest.MonkeyPatch, model_folder: Path) -> None:
    """Two CUDA devices, each with the bytes of a little more than half of the model in float32."""
    there = int(resolve(str(model_folder)).bytes("float32", "cuda") * 0.5 / loading.SHARE_FOR_WEIGHTS * 1.2)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (there, there))


@pytest.mark.usefixtures("two_small_devices")
def test_a_model_too_large_for_all_of_them_is_refused(model_folder: Path) -> None:
    assert "2 devices can hold 0.0 GiB of weights: choose a dtype of fewer" in refusal(model_folder, dtype="float64")


@pytest.mark.usefixtures("two_small_devices")
@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_a_model_too_large_for_the_one_that_is_named_is_refused(model_folder: Path, device: str) -> None:
    assert f"and {device} has 0.0 GiB free: choose another device" in refusal(
        model_folder, device=device, dtype="float32"
    )


@pytest.mark.usefixtures("two_small_devices")
def test_what_spreading_takes_is_named(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda package: None)
    sentence = refusal(model_folder, device="cuda", dtype="float32")
    assert "more than cuda:0 has free, and to spread it over 2 devices takes accelerate: pip install" in sentence


@pytest.mark.usefixtures("two_small_devices")
def test_a_model_is_spread_and_answers_as_in_one_piece(
    whole: Any, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through accelerate, with the CPU in the place of either device."""
    pytest.importorskip("accelerate")
    spread: dict[str, str] = {}

    def on_the_cpu(*arguments: Any) -> dict[str, str]:
        spread.update(device_map(*arguments))
        return dict.fromkeys(spread, "cpu")

    monkeypatch.setattr(loading, "device_map", on_the_cpu)
    adapter = load(str(model_folder), device="cuda", dtype="float32")
    assert set(spread.values()) == {"cuda:0", "cuda:1"}
    ids = torch.tensor([[4, 5, 6, 7]])
    with torch.no_grad():
        torch.testing.assert_close(adapter.model(input_ids=ids).logits, whole(input_ids=ids).logits)
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(adapter.model.state_dict()[name], tensor, rtol=0, atol=0)
    contract = check(adapter, [question((112, 56), seed) for seed in range(2)])
    assert contract.failed in ((), ("liveness",)), contract.checks  # fresh weights hardly attend


@pytest.mark.parametrize("family", ["llava", "llava_next", "qwen3_vl", "gemma3", "mllama", "idefics", "blip_2"])
def test_accelerates_hooks_around_the_layers_change_nothing(family: str) -> None:
    """As they stand in a model that is spread over devices; every layer's runs in each forward and in each replay."""
    accelerate = pytest.importorskip("accelerate")
    hooks = pytest.importorskip("accelerate.hooks")
    moves: dict[int, int] = defaultdict(int)

    class Counted(hooks.AlignDevicesHook):
        def pre_forward(self, module: Any, *arguments: Any, **options: Any) -> Any:
            moves[id(module)] += 1
            return super().pre_forward(module, *arguments, **options)

    model, processor = FAMILIES[family].build()
    accelerate.dispatch_model(model.double(), {"": "cpu"}, main_device="cpu", force_hooks=True)
    layers = list(decoder_of(model, family).layers)
    for layer in layers:
        hooks.remove_hook_from_module(layer)
        hooks.add_hook_to_module(layer, Counted("cpu", io_same_device=True))
    subject = wrap(model, processor)
    cases = [question(size, seed) for seed, size in enumerate(FAMILIES[family].sizes[:2])]
    contract = check(subject, cases)
    assert contract.passed, contract.checks
    assert "'fast' differs from the reference by" in contract.checks["engine"]
    before = dict(moves)
    prompts = [subject.encode(cases[0])]
    fast.sweep(subject, prompts, [IMAGE >> QUESTION], 1)
    assert all(moves[id(layer)] > before[id(layer)] for layer in layers)


def test_weights_that_accelerate_offloads_are_refused() -> None:
    accelerate = pytest.importorskip("accelerate")
    model, processor = FAMILIES["llava"].build()
    accelerate.cpu_offload(model, execution_device=torch.device("cpu"))
    with pytest.raises(ModelUnavailable, match=r"weights of .* first\) lie on no device, as accelerate offloads them"):
        wrap(model, processor)


# Code of its own

CODE = """
from pathlib import Path
from transformers import LlavaConfig
Path(__file__).with_name("ran").touch()
class OwnConfig(LlavaConfig):
    model_type = "of_its_own"
"""


@pytest.fixture
def brings_code(folder: Path) -> Path:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "of_its_own", "auto_map": {"AutoConfig": "own.OwnConfig"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "own.py").write_text(CODE.replace('Path(__file__).with_name("ran")', f"Path({str(folder / 'ran')!r})"))
    return folder


def test_code_of_its_own_is_not_run_unasked(brings_code: Path) -> None:
    sentence = refusal(brings_code)
    assert "brings code of its own, which does not run by default: read it, and pass --trust-remote-code" in sentence
    assert not (brings_code / "ran").exists()


def test_code_of_its_own_is_run_where_it_is_asked_for(
    brings_code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    refusal(brings_code, trust_remote_code=True)  # it brings a configuration and no model
    assert (brings_code / "ran").exists()


def test_a_package_that_is_missing_is_not_the_files_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    def takes(*_: Any, **__: Any) -> None:
        raise ImportError("\nIt requires the Torchvision library.\nInstall it.")

    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", takes)
    assert "needs a package that is not installed here (It requires the Torchvision library.): install it" in refusal(
        folder
    )
