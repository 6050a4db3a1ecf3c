"""From a store to verified bytes: what a source fetches, polls and refuses."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.fetch import BundleSource, fetch
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.stores.opening import open_store
from bundle.stores.store import Store
from bundle.verify import IN_PLACE, Trust
from contract.manifest import MANIFEST_FILE, MODEL_FILE
from tests.bundle.publishing import HANG_SECONDS, PLACE, promote, put, refusal_of, release
from tests.support.bundles import NOW, make, new_key
from tests.support.cloud import Cloud


def test_a_published_bundle_is_fetched_whole(
    cloud: Cloud, source: BundleSource, released: str, tmp_path: Path, key: SigningKey
) -> None:
    """A fetch by channel gets every file with one request each."""
    fetched = source.fetch(HANG_SECONDS, NOW)
    assert fetched.bundle.digest == released
    assert fetched.bundle.signed_by == key.public.key_id
    assert fetched.pointer is not None
    assert fetched.pointer.version == 1
    assert not fetched.from_cache
    for name, data in fetched.bundle.contents.items():
        assert (tmp_path / "1" / name).read_bytes() == data
    assert len(cloud.requests) == 1 + len(fetched.bundle.contents) + 1  # the pointer, the manifest


@pytest.mark.parametrize("place", ["{tmp}/store", PLACE])
@pytest.mark.usefixtures("cloud")
def test_a_bundle_is_fetched_by_its_digest_too(tmp_path: Path, key: SigningKey, place: str) -> None:
    """A fetch by digest works from both stores, and an absent digest is missing."""
    store = place.format(tmp=tmp_path)
    digest = release(store, tmp_path, key)
    assert fetch(f"{store}@{digest}", (key.public,), None, 5, NOW).bundle.digest == digest
    assert fetch(f"{store}#stable", (key.public,), None, 5, NOW).bundle.digest == digest
    for absent in (f"{store}@{'0' * 64}", f"{store}#canary"):
        with pytest.raises(BundleRefusal) as refusal:
            fetch(absent, (key.public,), None, 5, NOW)
        assert refusal.value.reason == "missing"


def test_a_directory_is_fetched_where_it_is_signed(made: Path, key: SigningKey) -> None:
    """A signed directory is fetched once by a source, and again by a new source."""
    source = BundleSource(parse_address(str(made)), Trust((key.public,)))
    assert source.fetch(HANG_SECONDS, NOW).bundle.origin.place == str(made)
    assert source.poll(5, NOW) is None
    assert BundleSource(parse_address(str(made)), IN_PLACE).fetch(HANG_SECONDS, NOW).bundle.signed_by is None
    with pytest.raises(BundleRefusal, match="no signature by a trusted key"):
        fetch(str(made), (new_key().public,), None, 5, NOW)


def test_a_poll_without_news_is_one_request(cloud: Cloud, source: BundleSource, released: str) -> None:
    """A poll without news is one request without a download."""
    assert source.fetch(HANG_SECONDS, NOW).bundle.digest == released
    cloud.requests.clear()
    cloud.sent_bytes = 0
    assert source.poll(5, NOW) is None
    assert len(cloud.requests) == 1
    assert cloud.sent_bytes == 0


def test_a_poll_finds_what_was_promoted(
    source: BundleSource, released: str, tmp_path: Path, key: SigningKey, cloud: Cloud
) -> None:
    """A poll gets a promoted bundle once, and a renewed pointer extends the expiry."""
    assert source.fetch(HANG_SECONDS, NOW).bundle.digest == released
    newer = release(PLACE, tmp_path, key, "2")
    found = source.poll(5, NOW)
    assert found is not None
    assert found.bundle.digest == newer
    assert source.poll(5, NOW) is None
    store = open_store(PLACE)
    promote(store, newer, tmp_path / "2", key, NOW + timedelta(days=20))
    store.close()
    cloud.requests.clear()
    assert source.poll(5, NOW + timedelta(days=20)) is None
    assert source.poll(5, NOW + timedelta(days=45)) is None  # the first pointers have expired by now
    assert len(cloud.requests) == 2
    source.forget()
    again = source.poll(5, NOW + timedelta(days=45))
    assert again is not None
    assert again.bundle.digest == newer


def test_a_pointer_that_expires_while_it_is_polled_is_told(source: BundleSource, released: str) -> None:
    """A poll is refused when the pointer expires, although nothing has changed."""
    assert source.fetch(HANG_SECONDS, NOW).bundle.digest == released
    with pytest.raises(BundleRefusal) as refusal:
        source.poll(5, NOW + timedelta(days=31))
    assert refusal.value.reason == "expired"


def test_a_store_that_opens_too_late_is_given_back(
    trust: Trust, tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that opens after the deadline is closed, and the next fetch opens its own."""
    digest = release(str(tmp_path / "store"), tmp_path, key)
    proceed, closed = threading.Event(), threading.Event()
    opened = 0

    def open_slowly(place: str) -> Store:
        nonlocal opened
        opened += 1
        store = open_store(place)
        if opened == 1:
            monkeypatch.setattr(store, "close", closed.set)
            proceed.wait(HANG_SECONDS)
        return store

    monkeypatch.setattr("bundle.fetch.open_store", open_slowly)
    source = BundleSource(parse_address(f"{tmp_path}/store#stable"), trust)
    assert refusal_of(source, 0.1).reason == "deadline"
    assert source.fetch(HANG_SECONDS, NOW).bundle.digest == digest
    proceed.set()
    assert closed.wait(HANG_SECONDS)
    assert source.poll(HANG_SECONDS, NOW) is None
    assert opened == 2


def test_no_more_is_read_than_the_manifest_says(cloud: Cloud, source: BundleSource, released: str) -> None:
    """A fetch reads no more bytes than the manifest says."""
    name = next(name for name in cloud.names() if released in name and "libmodel" in name)
    cloud.put(name, cloud.objects[name].data + bytes(100_000_000))
    refusal = refusal_of(source)
    assert refusal.reason == "size"
    assert "found more than" in str(refusal)


def test_a_bundle_without_its_manifest_is_not_there(tmp_path: Path, key: SigningKey) -> None:
    """A bundle without its manifest is missing."""
    digest = make(tmp_path / "made", key)
    store = open_store(str(tmp_path / "store"))
    put(store, tmp_path / "made", key)
    directory = tmp_path / "store" / "bundles" / digest
    (directory / MANIFEST_FILE).unlink()
    with pytest.raises(BundleRefusal) as refusal:
        fetch(f"{tmp_path}/store@{digest}", (key.public,), None, 5, NOW)
    assert refusal.value.reason == "missing"
    put(store, tmp_path / "made", key)
    assert fetch(f"{tmp_path}/store@{digest}", (key.public,), None, 5, NOW).bundle.digest == digest


def test_a_link_in_a_store_is_refused(tmp_path: Path, key: SigningKey) -> None:
    """A symbolic link in a store is refused."""
    digest = release(f"{tmp_path}/store", tmp_path, key)
    path = tmp_path / "store" / "bundles" / digest / MODEL_FILE
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleRefusal) as refusal:
        fetch(f"{tmp_path}/store#stable", (key.public,), None, 5, NOW)
    assert refusal.value.reason == "name"
