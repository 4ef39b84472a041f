"""A device has as many places as weights and memory leave it, and each is taken by one worker at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.bench import devices
from fixtures.bench.devices import Slot, occupy, slots


@pytest.fixture
def two_accelerators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_devices", lambda: 2)
    monkeypatch.setattr(devices, "cores", lambda: 8)


SMALL, LARGE = devices.SMALL_WEIGHTS - 1, devices.SMALL_WEIGHTS


@pytest.mark.usefixtures("two_accelerators")
@pytest.mark.parametrize(
    ("device", "weights", "workers", "places"),
    [
        ("cpu", SMALL, 4, [("cpu", 1, False)] * 4),
        ("cpu", SMALL, 1, [("cpu", 1, False)]),
        ("cpu", SMALL, 20, [("cpu", 1, False)] * 8),
        ("cpu", LARGE, 4, [("cpu", 8, True)]),
        ("cpu", None, 4, [("cpu", 8, True)]),
        ("auto", SMALL, 4, [("cuda:0", 8, True), ("cuda:1", 8, True)]),
        ("cuda", LARGE, 4, [("cuda:0", 8, True), ("cuda:1", 8, True)]),
        ("cuda:1", LARGE, 4, [("cuda:1", 8, True)]),
    ],
)
def test_a_device_has_as_many_places_as_it_can_bear(
    device: str, weights: int | None, workers: int, places: list[tuple[str, int, bool]]
) -> None:
    result = slots(device, weights, workers)
    assert [(slot.device, slot.threads, slot.exclusive) for slot in result] == places
    assert len({slot.name for slot in result}) == len(result)


GIB = 1 << 30


@pytest.mark.usefixtures("two_accelerators")
@pytest.mark.parametrize(
    ("device", "need", "places"),
    [
        ("auto", 20 * GIB, ["cuda:0", "cuda:1"]),
        ("auto", 30 * GIB, ["cuda"]),
        ("cuda", 60 * GIB, ["cuda"]),
        ("cuda:1", 60 * GIB, ["cuda:1"]),
        ("cpu", 60 * GIB, ["cpu"]),
    ],
)
def test_a_model_too_large_for_one_accelerator_has_all_for_a_place(
    device: str, need: int, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "cuda_memory", lambda: (24 * GIB, 80 * GIB))
    result = slots(device, LARGE, 4, need)
    assert [slot.device for slot in result] == places
    assert {slot.kind for slot in result} == {device.partition(":")[0] if device != "auto" else "cuda"}


def test_a_place_of_many_parts_waits_for_each_and_keeps_all(tmp_path: Path) -> None:
    one = Slot("cuda-1", "cuda:1", 1, exclusive=True)
    whole = Slot("cuda", "cuda", 1, exclusive=True, parts=("cuda-0", "cuda-1"))
    with occupy([one], tmp_path, first=0), occupy([whole], tmp_path, first=0) as slot:
        assert slot is None
    with occupy([whole], tmp_path, first=0) as slot:
        assert slot == whole
        with occupy([one], tmp_path, first=0) as other:
            assert other is None
    with occupy([one], tmp_path, first=0) as slot:
        assert slot == one


def driver(sizes: Sequence[int | None], answer: int = 0) -> SimpleNamespace:
    """CUDA's driver with devices of so many bytes, None for one that does not tell."""

    def fill(value: int | None, place: Any) -> int:
        place._obj.value = value or 0
        return int(value is None)

    return SimpleNamespace(
        cuInit=lambda _flags: answer,
        cuDeviceGetCount=lambda count: fill(len(sizes), count),
        cuDeviceGet=lambda device, index: fill(index, device),
        cuDeviceTotalMem_v2=lambda size, device: fill(sizes[device.value], size),
    )


def test_the_driver_tells_how_many_and_how_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.metadata, "version", lambda _: "2.13.0+cu130")
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: driver([24 * GIB, None, 80 * GIB]))
    assert (devices.cuda_devices(), devices.cuda_memory()) == (3, (24 * GIB, 80 * GIB))
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: driver([24 * GIB], answer=999))
    assert (devices.cuda_devices(), devices.cuda_memory()) == (0, ())


def test_the_driver_tells_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [b"NVIDIA H200", b"", b"NVIDIA A100-SXM4-40GB"]

    def name(text: Any, length: int, device: Any) -> int:
        text.value = names[device.value][: length - 1]
        return int(not names[device.value])

    library = driver([GIB, GIB, GIB])
    library.cuDeviceGetName = name
    monkeypatch.setattr(devices.metadata, "version", lambda _: "2.13.0+cu130")
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: library)
    assert devices.cuda_names() == ("NVIDIA H200", "", "NVIDIA A100-SXM4-40GB")
    assert devices.names_of(slots("cuda:2", LARGE, 1)) == ("NVIDIA A100-SXM4-40GB",)
    assert devices.names_of(slots("auto", LARGE, 1)) == ("", "NVIDIA A100-SXM4-40GB", "NVIDIA H200")
    assert devices.names_of(slots("auto", LARGE, 1, need=2 * GIB)) == ("", "NVIDIA A100-SXM4-40GB", "NVIDIA H200")
    assert devices.names_of(slots("cpu", SMALL, 3)) == ()


def test_without_an_accelerator_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_devices", lambda: 0)
    assert slots("auto", SMALL, 1)[0].kind == "cpu"
    assert slots("cuda", SMALL, 1)[0].device == "cuda:0"


def test_a_build_of_torch_without_accelerators_is_not_asked_for_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.metadata, "version", lambda _: "2.13.0+cpu")
    assert devices.cuda_devices() == 0


def test_every_worker_finds_a_place_of_its_own_until_none_is_left(tmp_path: Path) -> None:
    choice = tuple(Slot(f"cuda-{index}", f"cuda:{index}", 1, exclusive=True) for index in range(2))
    with ExitStack() as stack:
        assert stack.enter_context(occupy(choice, tmp_path, first=3)) == choice[1]
        assert stack.enter_context(occupy(choice, tmp_path, first=3)) == choice[0]
        assert stack.enter_context(occupy(choice, tmp_path, first=0)) is None
    with occupy(choice, tmp_path, first=0) as slot:
        assert slot == choice[0]
