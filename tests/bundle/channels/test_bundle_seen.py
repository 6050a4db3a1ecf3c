"""What a service follows and never follows again: across polls, restarts and changes of keys."""

from datetime import timedelta
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.cache import Cache
from bundle.channels.channel import encode_pointer
from bundle.channels.pointer import MAX_VERSION, Pointer
from bundle.deadline import Deadline
from bundle.fetch import BundleSource
from bundle.publish import position
from bundle.refusal import BundleRefusal
from bundle.signing.keys import TrustedKey
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, sign, signature_file
from bundle.stores.opening import open_store
from bundle.stores.store import channel_object
from bundle.verify import Trust
from tests.bundle.publishing import promote, put, release
from tests.support.bundles import NOW, make, new_key


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"{tmp_path}/store"


def source(place: str, *keys: TrustedKey) -> BundleSource:
    """Make a source that has just started, with the cache that it had."""
    return BundleSource(parse_address(f"{place}#stable"), Trust(keys), Cache(Path(place).with_name("cache")))


def put_pointer(place: str, pointer: Pointer, *keys: SigningKey) -> None:
    """Write a pointer over the old one, as somebody does who can write into the store."""
    path = Path(place) / channel_object("stable")
    path.unlink(missing_ok=True)
    path.write_bytes(encode_pointer(pointer, keys))


def pointer_to(digest: str, version: int, days: float = 30) -> Pointer:
    return Pointer(1, "stable", version, digest, "1", None, NOW, NOW + timedelta(days=days))


def reason_of(service: BundleSource, after: timedelta = timedelta()) -> str | None:
    """Return the reason for which a poll is refused."""
    try:
        service.poll(5, NOW + after)
    except BundleRefusal as refusal:
        return refusal.reason
    return None


def test_what_is_refused_is_refused_again(place: str, tmp_path: Path, key: SigningKey) -> None:
    """The first of two pointers with one version wins, also after a restart."""
    first = release(place, tmp_path, key, "1")
    second = make(tmp_path / "2", key, "2")
    put(open_store(place), tmp_path / "2", key)
    service = source(place, key.public)
    service.keep(service.fetch(5, NOW))
    put_pointer(place, pointer_to(second, 1), key)
    for again in (source(place, key.public), service):
        for _ in range(3):
            assert reason_of(again) == "rollback"
    put_pointer(place, pointer_to(first, 1), key)
    fetched = again.poll(5, NOW)
    assert fetched is None  # it is what is served


def test_an_expired_pointer_is_remembered_all_the_same(place: str, tmp_path: Path, key: SigningKey) -> None:
    """An older pointer is refused after a newer one that has expired."""
    digest = release(place, tmp_path, key, "1")
    put_pointer(place, pointer_to(digest, 8, days=-1), key)
    service = source(place, key.public)
    assert [reason_of(service), reason_of(service)] == ["expired", "expired"]
    put_pointer(place, pointer_to(digest, 7), key)
    assert reason_of(service) == "rollback"
    assert reason_of(source(place, key.public)) == "rollback"


def test_a_leaked_key_blocks_a_channel_only_as_long_as_it_is_trusted(
    place: str, tmp_path: Path, key: SigningKey
) -> None:
    """A leaked key blocks a channel only while it is trusted: another key begins at 1."""
    bad = release(place, tmp_path, key, "bad")
    put_pointer(place, pointer_to(bad, MAX_VERSION), key)
    before = source(place, key.public)
    before.keep(before.fetch(5, NOW))
    other = new_key()
    good = make(tmp_path / "good", other, "good")
    store = open_store(place)
    put(store, tmp_path / "good", other)
    put_pointer(place, pointer_to(good, 1), other, key)
    assert reason_of(before) == "rollback"
    assert reason_of(source(place, key.public)) == "rollback"
    after = source(place, other.public)
    assert after.fetch(5, NOW).bundle.digest == good
    with pytest.raises(BundleRefusal) as refusal:
        after.last_good()  # what the leaked key vouched for
    assert refusal.value.reason == "unsigned"
    put_pointer(place, pointer_to(bad, MAX_VERSION), key)
    assert reason_of(after) == "unsigned"
    put_pointer(place, pointer_to(good, 2), other)
    assert after.poll(5, NOW) is None
    put_pointer(place, pointer_to(good, 1), other)
    assert reason_of(after) == "rollback"
    assert reason_of(source(place, other.public)) == "rollback"


def test_a_channel_at_the_highest_version_says_how_it_goes_on(place: str, tmp_path: Path, key: SigningKey) -> None:
    """A promotion at the highest version is refused and says how to go on."""
    digest = release(place, tmp_path, key, "1")
    put_pointer(place, pointer_to(digest, MAX_VERSION), key)
    with pytest.raises(BundleRefusal, match="a leaked key") as refusal:
        promote(open_store(place), digest, tmp_path / "1", key)
    assert refusal.value.reason == "usage"
    assert position(open_store(place), "stable", Trust((key.public,)), Deadline(5)).signers == (key.public.key_id,)


@pytest.mark.parametrize("how", ["restarted", "renewed"])
def test_a_signature_that_came_later_is_kept(place: str, tmp_path: Path, key: SigningKey, how: str) -> None:
    """A cache keeps a signature that came later, so keys can change without the store."""
    digest = release(place, tmp_path, key, "1")
    other = new_key()
    service = source(place, key.public, other.public)
    service.keep(service.fetch(5, NOW))
    name = signature_file(other.public)
    store = open_store(place)
    store.create(f"bundles/{digest}/{name}", sign(other, MANIFEST, (tmp_path / "1" / "manifest.json").read_bytes()), 1)
    if how == "renewed":
        put_pointer(place, pointer_to(digest, 2), key, other)
        assert service.poll(5, NOW) is None
    else:
        again = source(place, key.public, other.public)
        again.keep(again.fetch(5, NOW))
    assert source(place, other.public).last_good().digest == digest
    assert source(place, key.public).last_good().digest == digest


def test_no_signature_that_lacks_keeps_a_cached_bundle_from_coming(place: str, tmp_path: Path, key: SigningKey) -> None:
    """A cached bundle with one good signature comes although another is absent or junk."""
    digest = release(place, tmp_path, key, "1")
    other = new_key()
    service = source(place, key.public, other.public)
    service.keep(service.fetch(5, NOW))
    (Path(place) / f"bundles/{digest}/{signature_file(other.public)}").write_bytes(b"junk")
    fetched = source(place, key.public, other.public).fetch(5, NOW)
    assert (fetched.bundle.digest, fetched.from_cache) == (digest, True)


def test_a_memory_that_cannot_be_read_is_not_an_empty_one(place: str, tmp_path: Path, key: SigningKey) -> None:
    """A start with an unreadable memory does not follow; a process that knows the channel goes on."""
    release(place, tmp_path, key, "1")
    service = source(place, key.public)
    service.keep(service.fetch(5, NOW))
    (tmp_path / "cache" / "state.json").write_bytes(b"{")
    assert reason_of(source(place, key.public)) == "disk"
    newer = release(place, tmp_path, key, "2")
    found = service.poll(5, NOW)
    assert found is not None
    assert found.bundle.digest == newer
    assert found.cache_problem is not None
    assert "rm -r" in str(found.cache_problem)
    digest = BundleSource(parse_address(f"{place}@{newer}"), Trust((key.public,)), Cache(tmp_path / "cache"))
    assert digest.fetch(5, NOW).bundle.digest == newer  # no memory is needed for what never changes
