"""What is measured is measured once, by one process, whatever others do and whatever became of its file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fixtures import devices
from fixtures.devices import Slot, occupy, slots
from fixtures.store import Entry, Store, hold, packed, unpacked, why_unwritable
from fixtures.tasks import TASKS
from suite.house import stand_in

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds after which another process that never comes is a failure."""

KEY = "0123456789abcdef" * 4


def entry(key: str = KEY) -> Entry[Any]:
    return Entry(key, "miniature ChooseAttr", packed, unpacked)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, said: list[str]) -> Store:
    return Store(tmp_path, say=said.append)


def never() -> Any:
    raise AssertionError("it is stored")


# ---- one process


def test_what_was_made_is_read_and_not_made_again(store: Store) -> None:
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: {"p": 0.1}) == {"p": 0.1}
    assert store.read(entry()) == {"p": 0.1}
    assert store.make(entry(), never) is None


def test_arrays_come_back_bit_by_bit(tmp_path: Path) -> None:
    arrays = {
        "knocked/image->question": np.random.default_rng(0).normal(size=(5, 12)),
        "correct": np.ones(3, bool),
    }
    arrays["knocked/image->question"][0] = np.nan
    kept = Entry[dict[str, Any]](KEY, "curves", dict, dict)
    Store(tmp_path).make(kept, lambda: arrays)
    read = Store(tmp_path).read(kept)
    assert read is not None
    assert read.keys() == arrays.keys()
    assert all(read[name].tobytes() == arrays[name].tobytes() for name in arrays)


def test_another_key_is_another_entry(store: Store) -> None:
    store.make(entry(), lambda: 1)
    assert store.read(entry(KEY[::-1])) is None


def test_objects_are_neither_written_nor_read(store: Store, tmp_path: Path, said: list[str]) -> None:
    pickled = Entry[Any](KEY, "miniature ChooseAttr", lambda value: {"thing": np.array([value], dtype=object)}, dict)
    with pytest.raises(ValueError, match="allow_pickle"):
        store.make(pickled, object)
    assert store.read(pickled) is None
    np.savez(tmp_path / entry().file, store=np.array([object()], dtype=object))
    assert store.make(entry(), lambda: 1) == 1
    assert len(said) == 1


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_made_anew_and_said_once(
    store: Store, tmp_path: Path, said: list[str], part: float
) -> None:
    store.make(entry(), lambda: list(range(1000)))
    path = tmp_path / entry().file
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: "anew") == "anew"
    assert store.read(entry()) == "anew"
    (sentence,) = said
    assert sentence.startswith("the stored miniature ChooseAttr is unusable (")
    assert sentence.endswith("): made anew")


def test_no_flipped_bit_changes_a_value(store: Store, tmp_path: Path) -> None:
    value = list(range(200))
    store.make(entry(), lambda: value)
    path = tmp_path / entry().file
    good = path.read_bytes()
    read: list[Any] = []
    for place in range(0, len(good), 11):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        read.append(store.read(entry()))
    # What does not go unread is a byte that changes nothing, such as a zip's dates.
    assert read.count(None) > len(read) / 2
    assert read.count(None) + read.count(value) == len(read)


def header(**fields: Any) -> Any:
    return packed({"layout": 1, "key": KEY, "written": 0, **fields})["json"]


FOREIGN: dict[str, bytes | dict[str, Any]] = {
    "text": b"something else",
    "empty zip": b"PK\x05\x06" + bytes(18),
    "no header": {"values": np.zeros(3)},
    "numbers for a header": {"store": np.zeros(3)},
    "half a header": {"store": packed({"layout": 1})["json"]},
    "a list for a header": {"store": packed([1])["json"]},
    "another layout": {"store": header(layout=0)},
    "another key": {"store": header(key="other")},
    "no date": {"store": header(written="now")},
    "no value": {"store": header()},
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_replaced(store: Store, tmp_path: Path, said: list[str], content: Any) -> None:
    path = tmp_path / entry().file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) == 1
    assert len(said) == 1


def test_a_value_that_no_longer_decodes_is_made_anew(store: Store, said: list[str]) -> None:
    store.make(entry(), lambda: {"schema": 1})

    def refuse(arrays: Any) -> Any:
        raise ValueError(f"schema {unpacked(arrays)['schema']}, this version reads 2")

    newer = Entry(KEY, "miniature ChooseAttr", packed, refuse)
    assert store.read(newer) is None
    assert store.make(newer, lambda: {"schema": 2}) == {"schema": 2}
    assert "this version reads 2" in said[0]


def test_remeasuring_does_not_count_what_is_older_than_the_run(tmp_path: Path) -> None:
    Store(tmp_path).make(entry(), lambda: "old")
    store = Store(tmp_path, since=time.time())
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: "new") == "new"
    assert store.read(entry()) == "new"
    assert store.make(entry(), never) is None


def test_an_archive_is_read_and_never_written(tmp_path: Path) -> None:
    archive, folder = tmp_path / "archive", tmp_path / "spare"
    archive.mkdir()
    folder.mkdir()
    Store(archive).make(entry(), lambda: 1)
    before = sorted(archive.iterdir())
    store = Store(folder, archive)
    assert store.read(entry()) == 1
    assert store.make(entry(), never) is None
    assert store.make(entry(KEY[::-1]), lambda: 2) == 2
    assert sorted(archive.iterdir()) == before


def test_a_disk_that_is_full_costs_the_file_alone(
    store: Store, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) is None
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("*.npz"))
    assert "No space left on device" in said[0]


def test_a_folder_that_vanishes_under_the_run_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "gone")
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) == 1


def test_a_folder_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert why_unwritable(tmp_path / "new" / "folder") is None
    assert why_unwritable(file) is not None
    assert why_unwritable(file / "below") is not None
    assert not list((tmp_path / "new" / "folder").iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_says_why(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    assert why_unwritable(tmp_path) == "Permission denied"


# ---- several processes

RACER = """
import sys, time
from pathlib import Path
from fixtures.store import Entry, Store, packed, unpacked
folder = Path(sys.argv[1])
entry = Entry("{key}", "miniature ChooseAttr", packed, unpacked)
store = Store(folder)
(folder / sys.argv[2]).touch()
while len(list(folder.glob("racer-*"))) < 2:
    time.sleep(0.01)
def work():
    with (folder / "made").open("a") as lines:
        lines.write(sys.argv[2] + "\\n")
    time.sleep(0.5)
    return "made once"
while (found := store.read(entry) or store.make(entry, work)) is None:
    time.sleep(0.02)
print(found)
"""

HOLDER = """
import sys, time
from pathlib import Path
from fixtures.store import Entry, Store, packed, unpacked
folder = Path(sys.argv[1])
def work():
    (folder / "holding").touch()
    time.sleep(60)
Store(folder).make(Entry("{key}", "miniature ChooseAttr", packed, unpacked), work)
"""


def start(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", code.replace("{key}", KEY), *map(str, arguments)]
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def until(path: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < ends, f"{path} does not come"
        time.sleep(0.02)


def test_two_processes_that_race_make_it_once(tmp_path: Path) -> None:
    racers = [start(RACER, tmp_path, f"racer-{number}") for number in range(2)]
    assert [racer.communicate(timeout=PATIENCE)[0] for racer in racers] == ["made once\n"] * 2
    assert len((tmp_path / "made").read_text().splitlines()) == 1


def test_a_process_that_is_killed_at_work_holds_up_nobody(tmp_path: Path, store: Store, said: list[str]) -> None:
    holder = start(HOLDER, tmp_path)
    try:
        until(tmp_path / "holding")
        assert store.make(entry(), never) is None
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate(timeout=PATIENCE)
    assert store.make(entry(), lambda: "by another") == "by another"
    assert store.read(entry()) == "by another"
    assert not said


def test_half_a_file_of_a_killed_process_is_in_nobodys_way(store: Store, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / f"{entry().file}.part").write_bytes(b"PK half")
    assert store.read(entry()) is None
    assert store.make(entry(), lambda: 1) == 1
    assert store.read(entry()) == 1
    assert not said
    assert not list(tmp_path.glob("*.part"))


# ---- devices


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
    found = slots(device, weights, workers)
    assert [(slot.device, slot.threads, slot.exclusive) for slot in found] == places
    assert len({slot.name for slot in found}) == len(found)


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
    found = slots(device, LARGE, 4, need)
    assert [slot.device for slot in found] == places
    assert {slot.kind for slot in found} == {device.partition(":")[0] if device != "auto" else "cuda"}


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


def driver(told: Sequence[int | None], answer: int = 0) -> SimpleNamespace:
    """CUDA's driver with devices of so many bytes, None for one that does not tell."""

    def fill(value: int | None, place: Any) -> int:
        place._obj.value = value or 0
        return int(value is None)

    return SimpleNamespace(
        cuInit=lambda _flags: answer,
        cuDeviceGetCount=lambda count: fill(len(told), count),
        cuDeviceGet=lambda device, index: fill(index, device),
        cuDeviceTotalMem_v2=lambda size, device: fill(told[device.value], size),
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

    told = driver([GIB, GIB, GIB])
    told.cuDeviceGetName = name
    monkeypatch.setattr(devices.metadata, "version", lambda _: "2.13.0+cu130")
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: told)
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
    with ExitStack() as held:
        assert held.enter_context(occupy(choice, tmp_path, first=3)) == choice[1]
        assert held.enter_context(occupy(choice, tmp_path, first=3)) == choice[0]
        assert held.enter_context(occupy(choice, tmp_path, first=0)) is None
    with occupy(choice, tmp_path, first=0) as slot:
        assert slot == choice[0]


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    def work_under_the_lock() -> None:
        with hold(tmp_path / "lock") as mine:
            assert mine
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work_under_the_lock()
    with hold(tmp_path / "lock") as mine:
        assert mine


# ---- workers of one run

CLAIMS = """
import sys
import pytest
from fixtures.flow import IMAGE, QUESTION

@pytest.mark.parametrize("number", range(3))
def test_claim(flow, number):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)
    assert not {"torch", "transformers", "datasets"} & sys.modules.keys()
"""

STAND_IN = "from suite.house.stand_in import install; install()"


Run = Callable[..., tuple[pytest.RunResult, Counter[str], int]]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs three claims a task on a stand-in; says what was measured, and by how many processes."""
    log = pytester.path / "log"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(stand_in.LOG, str(log))
    stand_in.folder(pytester.path / "model")
    pytester.makeconftest(STAND_IN)
    pytester.makepyfile(test_claims=CLAIMS)

    def run(*arguments: str) -> tuple[pytest.RunResult, Counter[str], int]:
        log.write_text("")
        command = (
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "fixtures.plugin",
            "--model",
            "model",
            "--questions",
            "24",
        )
        result = pytester.run(*command, *arguments)
        lines = [line.partition(" ") for line in log.read_text().splitlines()]
        return result, Counter(what for _, _, what in lines), len({process for process, _, _ in lines})

    return run


EVERYTHING_ONCE = Counter(f"model {what}" for what in ("contract", *TASKS))


def test_workers_share_the_measuring_and_a_later_run_measures_what_is_missing_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.setenv(stand_in.SECONDS, "0.5")
    result, measured, processes = run("-n", "2")
    result.assert_outcomes(passed=18)
    assert measured == EVERYTHING_ONCE
    assert processes == min(2, devices.cores())
    result.stderr.fnmatch_lines(["model ChooseAttr: measuring 24 questions", "model ChooseAttr: measured in *"])

    next((pytester.path / ".curves").glob("*QueryAttr*.npz")).write_bytes(b"damaged")
    result, measured, _ = run("-n", "2")
    result.assert_outcomes(passed=18)
    assert measured == {"model QueryAttr": 1}
    assert result.stderr.str().count("is unusable") == 1
    assert result.stderr.str().count(": measuring 24") == 1

    result, measured, _ = run("--remeasure", "--task", "ChooseCat")
    result.assert_outcomes(passed=3)
    assert measured == {"model contract": 1, "model ChooseCat": 1}


def test_a_store_that_cannot_be_written_is_replaced_by_one_that_all_workers_share(
    run: Run, pytester: pytest.Pytester
) -> None:
    (pytester.path / "file").touch()
    result, measured, _ = run("-n", "2", "--curves", "file")
    result.assert_outcomes(passed=18)
    assert measured == EVERYTHING_ONCE
    (said,) = [line for line in result.stderr.lines if "takes no measurements" in line]
    spare = Path(said.partition("kept in ")[2].removesuffix(" until the run ends"))
    assert not spare.exists()
