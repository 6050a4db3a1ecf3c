"""Both stores keep the same promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.refusal import BundleRefusal
from bundle.store import ABSENT, Store, open_store
from tests.cloud import Cloud

SECONDS = 5.0


@pytest.fixture(params=["directory", "cloud", "cloud without a prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new, empty one."""
    if request.param == "directory":
        opened = open_store(str(tmp_path / "store"))
    else:
        request.getfixturevalue("cloud")
        opened = open_store("gs://bucket/some/prefix" if request.param == "cloud" else "gs://bucket")
    yield opened
    opened.close()


def reason_of(refusal: pytest.ExceptionInfo[BundleRefusal]) -> str:
    return refusal.value.reason


def test_an_object_is_read_as_it_was_created(store: Store) -> None:
    """All of it, or as much as was asked for and one byte more, which tells that there is more."""
    store.create("bundles/a/b", b"0123456789", SECONDS)
    for limit, expected in ((10, b"0123456789"), (20, b"0123456789"), (4, b"01234"), (0, b"0")):
        stored = store.read("bundles/a/b", limit, SECONDS)
        assert stored
        assert stored.data == expected


def test_an_object_never_changes(store: Store) -> None:
    """Creating it again with its own bytes is a success, as after a lost answer; with others a conflict."""
    store.create("bundles/a/b", b"1", SECONDS)
    store.create("bundles/a/b", b"1", SECONDS)
    for other in (b"2", b"", b"12"):
        with pytest.raises(BundleRefusal, match="never change") as refusal:
            store.create("bundles/a/b", other, SECONDS)
        assert reason_of(refusal) == "conflict"
    stored = store.read("bundles/a/b", 10, SECONDS)
    assert stored
    assert stored.data == b"1"


def test_what_is_not_there_is_missing(store: Store) -> None:
    """With how to see what there is."""
    with pytest.raises(BundleRefusal, match="python -m bundle list") as refusal:
        store.read("channels/stable", 10, SECONDS)
    assert reason_of(refusal) == "missing"
    assert store.names("", SECONDS) == []


def test_a_swap_needs_the_generation_that_is_there(store: Store) -> None:
    """The first one needs that there is none; a second with the same loses."""
    store.swap("channels/stable", b"1", ABSENT, SECONDS)
    with pytest.raises(BundleRefusal, match="somebody else"):
        store.swap("channels/stable", b"2", ABSENT, SECONDS)
    first = store.read("channels/stable", 10, SECONDS)
    assert first
    store.swap("channels/stable", b"3", first.generation, SECONDS)
    with pytest.raises(BundleRefusal, match="somebody else") as refusal:
        store.swap("channels/stable", b"4", first.generation, SECONDS)
    assert reason_of(refusal) == "conflict"
    second = store.read("channels/stable", 10, SECONDS)
    assert second
    assert second.data == b"3"
    assert second.generation != first.generation


def test_what_has_not_changed_is_not_read_again(store: Store) -> None:
    """A poll of a channel."""
    store.swap("channels/stable", b"1", ABSENT, SECONDS)
    stored = store.read("channels/stable", 10, SECONDS)
    assert stored
    assert store.read("channels/stable", 10, SECONDS, stored.generation) is None
    store.swap("channels/stable", b"2", stored.generation, SECONDS)
    newer = store.read("channels/stable", 10, SECONDS, stored.generation)
    assert newer
    assert newer.data == b"2"


def test_names_are_those_that_begin_so_in_order(store: Store) -> None:
    """As they were given, without the store's prefix."""
    for name in ("bundles/b/y", "bundles/a/x", "channels/stable"):
        store.create(name, b"", SECONDS)
    assert store.names("bundles/", SECONDS) == ["bundles/a/x", "bundles/b/y"]
    assert store.names("", SECONDS) == ["bundles/a/x", "bundles/b/y", "channels/stable"]


def test_a_large_object_goes_up_in_pieces(cloud: Cloud) -> None:
    """The client chooses another way above 8 MB."""
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
    """gs:// alone is no place."""
    with pytest.raises(BundleRefusal, match="gs://BUCKET/PREFIX"):
        open_store("gs://")


def test_without_credentials_it_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No emulator, no file, no metadata server."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(BundleRefusal, match="gcloud auth application-default login") as refusal:
        open_store("gs://bucket")
    assert reason_of(refusal) == "credentials"
