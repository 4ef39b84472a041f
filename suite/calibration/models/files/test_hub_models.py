"""A hub model is found in its client's cache, and one that cannot be fetched gets a sentence on what to do."""

from __future__ import annotations

import errno
import hashlib
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import errors

from fixtures.models import load
from fixtures.models.errors import ModelUnavailable
from fixtures.models.files.fingerprints import digest
from fixtures.models.registry import resolve
from suite.support.models import tiny_llava
from suite.support.runs.benches import bench

COMMIT = "5" * 40


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    tiny_llava.model().save_pretrained(folder, max_shard_size="20KB")
    tiny_llava.processor().save_pretrained(folder)
    return folder


@pytest.fixture
def cache_folder(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of `owner/name` in a cache as the hub's client makes it, and no network."""
    from huggingface_hub import constants

    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / COMMIT
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    for path in model_folder.iterdir():
        content = path.read_bytes()
        large = path.suffix == ".safetensors"
        name = hashlib.sha256(content).hexdigest() if large else hashlib.sha1(content).hexdigest()
        shutil.copy(path, repository / "blobs" / name)
        (snapshot / path.name).symlink_to(Path("../../blobs") / name)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return snapshot


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


# What is here


@pytest.mark.usefixtures("cache_folder")
def test_a_cached_model_loads_without_the_network() -> None:
    assert resolve("owner/name").is_here
    adapter = load("owner/name", "cpu")
    assert adapter.name == "owner/name"
    assert adapter.fingerprint == resolve("owner/name", revision=COMMIT).fingerprint()


@pytest.mark.usefixtures("no_network")
def test_a_folder_loads_without_the_network(model_folder: Path) -> None:
    """The network is absent, and no setting says so."""
    assert load(str(model_folder), "cpu").layers == 3
    assert resolve(str(model_folder)).is_here


def test_a_shard_that_was_not_fetched_is_named(cache_folder: Path) -> None:
    shard = sorted(cache_folder.glob("*.safetensors"))[1]
    shard.unlink()
    assert not resolve("owner/name").is_here
    with pytest.raises(ModelUnavailable, match=f"owner/name cannot be loaded: {shard.name} is missing, one of"):
        load("owner/name", "cpu")


@pytest.mark.usefixtures("cache_folder")
def test_what_was_never_fetched_is_not_here() -> None:
    assert not resolve("owner/other").is_here
    assert not resolve("owner/name", revision="other").is_here


# Revisions


@pytest.mark.usefixtures("cache_folder")
def test_the_commit_of_what_was_fetched_is_known() -> None:
    """Whether it was asked for by that name or as whatever is newest."""
    assert resolve("owner/name").commit == resolve("owner/name", revision=COMMIT).commit == COMMIT
    assert resolve("owner/name").revision is None


def test_what_is_not_of_the_hub_has_none(model_folder: Path) -> None:
    assert resolve(str(model_folder)).commit is None
    assert resolve("miniature").commit is None
    assert resolve("planted").commit is None


@pytest.mark.usefixtures("cache_folder")
@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_a_revision_that_may_move_is_said_with_the_commit_that_pins_it(revision: str | None) -> None:
    sentences: list[str] = []
    a_bench = bench(say_once=sentences.append, revision=revision, models=("owner/name",))
    assert a_bench.models.files("owner/name").name == COMMIT
    match revision:
        case None:
            assert sentences == [
                f"owner/name: the newest, for none is pinned, is commit {COMMIT} now; --revision {COMMIT} keeps to it"
            ]
        case "main":
            assert sentences == [f"owner/name: revision main is commit {COMMIT} now; --revision {COMMIT} keeps to it"]
        case _:
            assert sentences == []


# Fingerprints


def test_the_hubs_own_digests_are_taken_and_are_those_of_the_bytes(cache_folder: Path, model_folder: Path) -> None:
    assert resolve("owner/name").fingerprint() == resolve(str(model_folder)).fingerprint()
    shards = sorted(cache_folder.glob("*.safetensors"))
    assert len(shards) > 1
    for shard in shards:
        shard.resolve().write_bytes(b"read, this would tell")
    assert resolve("owner/name").fingerprint() == resolve(str(model_folder)).fingerprint()
    small = cache_folder / "config.json"
    small.resolve().write_bytes(small.read_bytes() + b" ")
    assert resolve("owner/name").fingerprint() != resolve(str(model_folder)).fingerprint()


@pytest.mark.parametrize("place", ["blobs/" + "a" * 40, "elsewhere/" + "a" * 64, "blobs/" + "A" * 64])
def test_a_link_that_is_not_the_hubs_is_read(tmp_path: Path, place: str) -> None:
    target = tmp_path / place
    target.parent.mkdir()
    target.write_bytes(b"weights")
    (tmp_path / "link").symlink_to(target)
    assert digest(tmp_path / "link") == hashlib.sha256(b"weights").hexdigest()


# What cannot be had


def http(kind: Callable[..., Exception], status: int) -> Exception:
    from huggingface_hub.errors import HfHubHTTPError

    response_of = HfHubHTTPError.__init__.__globals__["Response"]
    request_of = response_of.__init__.__globals__["Request"]
    page = request_of("GET", "https://huggingface.co/api/models/owner/name")
    return kind(f"{status} Client Error\nfor url: {page.url}", response=response_of(status, request=page))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            http(errors.GatedRepoError, 403),
            "(it is gated): accept its terms at https://huggingface.co/owner/name, and log in with `hf auth login`",
        ),
        (
            http(errors.RepositoryNotFoundError, 401),
            "(the hub has no such model, or none that it shows you): check the",
        ),
        (http(errors.RevisionNotFoundError, 404), "(it has no revision v9): give a branch, tag or commit of it"),
        (http(errors.DisabledRepoError, 403), "(the hub has disabled it): see https://huggingface.co/owner/name"),
        (errors.LocalEntryNotFoundError("no"), "(it is not in the hub's cache, and the hub cannot be reached): check"),
        (errors.OfflineModeIsEnabled("no"), "HF_HUB_OFFLINE, or give a folder with its files"),
        (OSError(errno.ENOSPC, "No space left on device"), "(the disk is full): free some space, or set HF_HOME"),
        (RuntimeError("\n  strange\nthing"), "(strange): check the id and the network"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_why_it_cannot_be_had_and_what_to_do(error: Exception, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def download(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    for ask in (resolve("owner/name", revision="v9").check, resolve("owner/name", revision="v9").load):
        with pytest.raises(ModelUnavailable) as caught_error:
            ask()
        sentence = str(caught_error.value)
        assert sentence.startswith(
            "owner/name is no folder here and cannot be fetched from the hub as owner/name at revision v9 ("
        )
        assert says in sentence
        assert sentence.isprintable()
