"""Both stores keep the same promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.cache import Cache
from bundle.refusal import BundleRefusal
from bundle.stores.opening import open_store
from bundle.stores.store import ABSENT, Store, Stored
from tests.support.cloud import Cloud

SECONDS = 5.0


@pytest.fixture(params=["directory", "cloud", "cloud without a prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a new, empty store."""
    if request.param == "directory":
        opened = open_store(str(tmp_path / "store"))
    else:
        request.getfixturevalue("cloud")
        opened = open_store("gs://bucket/some/prefix" if request.param == "cloud" else "gs://bucket")
    yield opened
    opened.close()


def read(store: Store, name: str, limit: int, unless: str = ABSENT) -> Stored:
    """Read an object that has to be there."""
    stored = store.read(name, limit, SECONDS, unless)
    assert stored is not None, name
    return stored


def reason_of(refusal: pytest.ExceptionInfo[BundleRefusal]) -> str:
    return refusal.value.reason


def test_an_object_is_read_as_it_was_created(store: Store) -> None:
    """A read gets the whole object, or as much as was asked for and one byte more."""
    store.create("bundles/a/b", b"0123456789", SECONDS)
    for limit, expected in ((10, b"0123456789"), (20, b"0123456789"), (4, b"01234"), (0, b"0")):
        stored = read(store, "bundles/a/b", limit)
        assert stored.data == expected


def test_an_object_never_changes(store: Store) -> None:
    """A second creation succeeds with the same bytes and is a conflict with others."""
    store.create("bundles/a/b", b"1", SECONDS)
    store.create("bundles/a/b", b"1", SECONDS)
    for other in (b"2", b"", b"12"):
        with pytest.raises(BundleRefusal, match="never change") as refusal:
            store.create("bundles/a/b", other, SECONDS)
        assert reason_of(refusal) == "conflict"
    stored = read(store, "bundles/a/b", 10)
    assert stored.data == b"1"


def test_what_is_not_there_is_missing(store: Store) -> None:
    """An absent object is refused as missing, with the command that lists the store."""
    with pytest.raises(BundleRefusal, match="python -m bundle list") as refusal:
        store.read("channels/stable", 10, SECONDS)
    assert reason_of(refusal) == "missing"
    assert store.names("", SECONDS) == []


def test_a_swap_needs_the_generation_that_is_there(store: Store) -> None:
    """A swap succeeds only with the current generation."""
    store.swap("channels/stable", b"1", ABSENT, SECONDS)
    with pytest.raises(BundleRefusal, match="somebody else"):
        store.swap("channels/stable", b"2", ABSENT, SECONDS)
    first = read(store, "channels/stable", 10)
    store.swap("channels/stable", b"3", first.generation, SECONDS)
    with pytest.raises(BundleRefusal, match="somebody else") as refusal:
        store.swap("channels/stable", b"4", first.generation, SECONDS)
    assert reason_of(refusal) == "conflict"
    second = read(store, "channels/stable", 10)
    assert second.data == b"3"
    assert second.generation != first.generation


def test_what_has_not_changed_is_not_read_again(store: Store) -> None:
    """A poll of an unchanged object reads nothing."""
    store.swap("channels/stable", b"1", ABSENT, SECONDS)
    stored = read(store, "channels/stable", 10)
    assert store.read("channels/stable", 10, SECONDS, stored.generation) is None
    store.swap("channels/stable", b"2", stored.generation, SECONDS)
    newer = read(store, "channels/stable", 10, stored.generation)
    assert newer.data == b"2"


def test_names_are_those_that_begin_so_in_order(store: Store) -> None:
    """A list has the names with the prefix, in order."""
    for name in ("bundles/b/y", "bundles/a/x", "channels/stable"):
        store.create(name, b"", SECONDS)
    assert store.names("bundles/", SECONDS) == ["bundles/a/x", "bundles/b/y"]
    assert store.names("", SECONDS) == ["bundles/a/x", "bundles/b/y", "channels/stable"]


def test_a_large_object_goes_up_in_pieces(cloud: Cloud) -> None:
    """An object over 8 MB is uploaded in another way, and is the same."""
    store = open_store("gs://bucket")
    data = bytes(range(256)) * 40_000
    store.create("big", data, SECONDS)
    store.create("big", data, SECONDS)
    with pytest.raises(BundleRefusal, match="never change"):
        store.create("big", data[:-1] + b"x", SECONDS)
    assert cloud.objects["big"].data == data
    assert any("uploadType=resumable" in request for request in cloud.requests)
    store.close()


def test_a_bucket_s_name_is_needed() -> None:
    """An address without a bucket is refused."""
    with pytest.raises(BundleRefusal, match="gs://BUCKET/PREFIX"):
        open_store("gs://")


def test_without_credentials_it_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A client without credentials is refused with the command to log in."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(BundleRefusal, match="gcloud auth application-default login") as refusal:
        open_store("gs://bucket")
    assert reason_of(refusal) == "credentials"


def test_a_cache_and_a_store_lie_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache and a store that contain each other are refused, however their paths are spelled."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(".")
    for root, place in (
        ("store", "store"),
        ("store", "./store/"),
        ("store/cache", "store"),
        ("cache", "cache/store"),
        ("link/store", f"{tmp_path}/store"),
    ):
        with pytest.raises(BundleRefusal) as refusal:
            Cache(Path(root)).check_apart(place)
        assert refusal.value.reason == "usage"
        assert all(word in str(refusal.value) for word in (f"cache {root} ", f"store {place} ", "BUNDLE_CACHE="))
    for root, place in (("store-cache", "store"), ("cache", "store"), ("cache", "gs://cache/cache")):
        Cache(Path(root)).check_apart(place)
