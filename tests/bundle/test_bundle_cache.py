"""The cache of a service: the bundles that it knew to be good."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.cache import STATE_FILE, Cache
from bundle.channels.pointer import Pointer
from bundle.channels.seen import Seen, newest
from bundle.fetch import read_directory
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, sign, signature_file
from bundle.stores.opening import open_store
from bundle.stores.store import CACHE_TAG
from bundle.verify import Trust, VerifiedBundle
from tests.support.bundles import NOW, make, new_key
from tests.support.faults import FULL, READ_ONLY, fail_nth_write

STABLE = parse_address("gs://models#stable")
SIGNER = ("0123456789abcdef",)
CANARY = parse_address("gs://models#canary")


@pytest.fixture
def bundles(tmp_path: Path, key: SigningKey, trust: Trust) -> list[VerifiedBundle]:
    """Make three releases."""
    for label in "123":
        make(tmp_path / label, key, label)
    return [read_directory(tmp_path / label, trust) for label in "123"]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def pointer(version: int) -> Pointer:
    return Pointer(1, "stable", version, "a" * 64, "1", None, NOW, NOW + timedelta(days=1))


def test_the_last_good_is_the_last_that_was_kept(cache: Cache, bundles: list[VerifiedBundle], trust: Trust) -> None:
    """The last good bundle of a reference is the one that any process kept last."""
    cache.keep(STABLE, bundles[0])
    cache.keep(STABLE, bundles[1])
    cache.keep(CANARY, bundles[2])
    again = Cache(cache.root)
    assert again.last_good(STABLE, trust).digest == bundles[1].digest
    assert again.last_good(STABLE, trust).files == bundles[1].files
    assert again.last_good(CANARY, trust).digest == bundles[2].digest


def test_only_two_of_each_reference_stay(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """A cache keeps two bundles of each reference and removes the rest."""
    cache.note(STABLE, pointer(1), SIGNER)
    (cache.root / "bundles" / f".{'a' * 64}.half").mkdir()
    for bundle in bundles:
        cache.keep(STABLE, bundle)
    assert set(os.listdir(cache.root / "bundles")) == {bundles[1].digest, bundles[2].digest}


def test_a_damaged_one_gives_way_to_the_one_before(cache: Cache, bundles: list[VerifiedBundle], trust: Trust) -> None:
    """A damaged bundle is passed over for the one before, and keeping it again repairs it."""
    cache.keep(STABLE, bundles[0])
    cache.keep(STABLE, bundles[1])
    library = next((cache.root / "bundles" / bundles[1].digest).glob("libmodel*"))
    library.write_bytes(library.read_bytes()[:-1])
    assert cache.last_good(STABLE, trust).digest == bundles[0].digest
    shutil.rmtree(cache.root / "bundles" / bundles[0].digest)
    with pytest.raises(BundleRefusal, match="cannot read"):
        cache.last_good(STABLE, trust)
    cache.keep(STABLE, bundles[1])
    assert cache.last_good(STABLE, trust).digest == bundles[1].digest


def test_what_is_there_is_not_trusted_for_being_there(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """A cached bundle needs a signature by a key that is trusted now."""
    cache.keep(STABLE, bundles[0])
    with pytest.raises(BundleRefusal) as refusal:
        cache.last_good(STABLE, Trust((new_key().public,)))
    assert refusal.value.reason == "unsigned"


def test_an_empty_cache_has_nothing(cache: Cache, trust: Trust) -> None:
    """An empty cache has no bundle, and looking does not create it."""
    with pytest.raises(BundleRefusal) as refusal:
        cache.last_good(STABLE, trust)
    assert refusal.value.reason == "missing"
    assert cache.seen(STABLE) == ()
    assert not cache.root.exists()


def test_the_newest_pointer_seen_only_grows(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """The newest pointer seen never gets older, whatever process writes last."""
    cache.note(STABLE, pointer(7), SIGNER)
    cache.note(STABLE, pointer(5), SIGNER)
    cache.keep(STABLE, bundles[0])
    assert Cache(cache.root).seen(STABLE) == (Seen(7, "a" * 64, NOW, *SIGNER),)
    assert cache.seen(CANARY) == ()


def test_what_was_seen_is_forgotten_with_the_key_that_signed_it(cache: Cache) -> None:
    """Pointers of a key that is no longer trusted do not count, and return with the key."""
    old, new = new_key().public, new_key().public
    cache.note(STABLE, pointer(7), (old.key_id, new.key_id))
    cache.note(STABLE, pointer(9_000), (old.key_id,))
    seen = Cache(cache.root).seen(STABLE)
    assert [found and found.version for found in (newest(seen, Trust((key,))) for key in (old, new))] == [9_000, 7]
    assert newest(seen, Trust((new_key().public,))) is None
    both = newest(seen, Trust((new, old)))
    assert both is not None
    assert (both.version, both.signer) == (9_000, old.key_id)


def test_what_nobody_signed_counts_only_while_that_is_excused(cache: Cache) -> None:
    """An unsigned pointer counts only while a setting excuses it."""
    cache.note(STABLE, pointer(9_000), ())
    seen = cache.seen(STABLE)
    assert newest(seen, Trust()) is None
    assert newest(seen, Trust(required=False)) == seen[0]


def test_a_place_is_remembered_however_it_is_spelled(
    cache: Cache, bundles: list[VerifiedBundle], trust: Trust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place is the same in every spelling, and another channel is another place."""
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to("store")
    monkeypatch.chdir(tmp_path)
    spellings = ["store", "./store", "store/", "link/../store", f"{tmp_path}/store", f"{tmp_path}//store/."]
    for written, read in [*zip(spellings, spellings[1:] + spellings[:1], strict=True), ("link", "store")]:
        again = Cache(tmp_path / f"cache{len(os.listdir(tmp_path))}")
        again.note(parse_address(f"{written}#stable"), pointer(7), SIGNER)
        again.keep(parse_address(f"{written}#stable"), bundles[0])
        assert again.seen(parse_address(f"{read}#stable")), (written, read)
        assert again.last_good(parse_address(f"{read}#stable"), trust).digest == bundles[0].digest
        assert not again.seen(parse_address(f"{read}#canary"))
    cache.note(parse_address("gs://models/a/b/#stable"), pointer(7), SIGNER)
    for spelled in ("gs://models/a/b", "gs://models/a/b/", "gs://models//a/b"):
        assert cache.seen(parse_address(f"{spelled}#stable"))
    cache.note(parse_address("gs://models#stable"), pointer(7), SIGNER)
    assert cache.seen(parse_address("gs://models/#stable"))
    assert not cache.seen(parse_address("gs://models/a#stable"))
    (tmp_path / "link").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to("other")
    assert again.seen(parse_address("link#stable"))  # whoever moves the link makes nothing forgotten


@pytest.mark.parametrize("state", [b"", b"{", b"\xff", b'{"seen": 1}', b"[" * 100_000, None])
def test_a_state_that_cannot_be_read_is_not_an_empty_one(
    cache: Cache, bundles: list[VerifiedBundle], trust: Trust, state: bytes | None
) -> None:
    """An unreadable state removes and follows nothing, and the refusal says what to type."""
    cache.keep(STABLE, bundles[0])
    path = cache.root / STATE_FILE
    path.unlink()
    path.mkdir() if state is None else path.write_bytes(state)
    uses: tuple[Callable[[], object], ...] = (
        lambda: cache.seen(STABLE),
        lambda: cache.note(STABLE, pointer(1), SIGNER),
        lambda: cache.keep(STABLE, bundles[1]),
        lambda: cache.last_good(STABLE, trust),
    )
    for use in uses:
        with pytest.raises(BundleRefusal, match=f"rm -r {cache.root}") as refusal:
            use()
        assert refusal.value.reason == "disk"
    assert os.listdir(cache.root / "bundles") == [bundles[0].digest]
    assert path.is_dir() if state is None else path.read_bytes() == state
    shutil.rmtree(cache.root)
    cache.keep(STABLE, bundles[1])
    assert cache.last_good(STABLE, trust).digest == bundles[1].digest


@pytest.mark.parametrize("theirs", ["bundles/notes", "bundles/" + "c" * 64 + "/manifest.json", "channels/stable", "x"])
def test_what_the_cache_did_not_make_it_does_not_touch(
    tmp_path: Path, bundles: list[VerifiedBundle], theirs: str
) -> None:
    """A directory without the cache's mark is never changed."""
    cache = Cache(tmp_path / "somebody")
    path = cache.root / theirs
    path.parent.mkdir(parents=True)
    path.write_bytes(b"theirs")
    before = sorted(cache.root.rglob("*"))
    uses: tuple[Callable[[], None], ...] = (
        lambda: cache.keep(STABLE, bundles[0]),
        lambda: cache.note(STABLE, pointer(1), SIGNER),
    )
    for use in uses:
        with pytest.raises(BundleRefusal, match="set BUNDLE_CACHE to a directory of its own") as refusal:
            use()
        assert refusal.value.reason == "disk"
    assert sorted(cache.root.rglob("*")) == before


def test_what_somebody_put_into_the_cache_later_stays(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """The cache removes only bundles and halves of bundles."""
    cache.keep(STABLE, bundles[0])
    (cache.root / "bundles" / "notes").write_bytes(b"theirs")
    (cache.root / "bundles" / "old").mkdir()
    for bundle in bundles:
        cache.keep(STABLE, bundle)
    assert set(os.listdir(cache.root / "bundles")) == {"notes", "old", bundles[1].digest, bundles[2].digest}


def test_a_fresh_disk_takes_a_cache(tmp_path: Path, bundles: list[VerifiedBundle], trust: Trust) -> None:
    """A fresh disk becomes a cache, although a file system or a killed process left something."""
    cache = Cache(tmp_path / "disk")
    (cache.root / "lost+found").mkdir(parents=True)
    (cache.root / ".lock").touch()
    (cache.root / f".{CACHE_TAG}.77.tmp").touch()
    (cache.root / "bundles").mkdir()
    cache.keep(STABLE, bundles[0])
    assert cache.last_good(STABLE, trust).digest == bundles[0].digest
    assert (cache.root / CACHE_TAG).read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


def test_nobody_publishes_into_a_cache(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """A publication into a cache is refused; another program's mark does not count."""
    cache.keep(STABLE, bundles[0])
    for place in (cache.root, cache.root / "store"):
        store = open_store(str(place))
        writes: tuple[Callable[[], None], ...] = (
            lambda store=store: store.create("bundles/x", b"", 1),  # type: ignore[misc]  # this turn's
            lambda store=store: store.swap("channels/x", b"", "", 1),  # type: ignore[misc]
        )
        for write in writes:
            with pytest.raises(BundleRefusal, match="is a service's bundle cache") as refusal:
                write()
            assert refusal.value.reason == "usage"
    other = cache.root.with_name("other")
    other.mkdir()
    (other / CACHE_TAG).write_bytes(b"Signature: 8a477f597d28d172789f06886806bc55\n")
    open_store(str(other)).create("bundles/x", b"", 1)


def test_signatures_of_services_that_share_a_cache_add_up(
    cache: Cache, bundles: list[VerifiedBundle], trust: Trust
) -> None:
    """A shared cache collects the signatures of all its services."""
    other = new_key()
    encoded = bundles[0].encoded
    theirs = {signature_file(other.public): sign(other, MANIFEST, encoded)}
    cache.take_up(bundles[0].digest, theirs)  # it is not here: nothing to do
    cache.keep(STABLE, bundles[0])
    cache.take_up(bundles[0].digest, theirs)
    cache.keep(STABLE, bundles[0])
    both = Trust((*trust.keys, other.public))
    assert set(cache.last_good(STABLE, both).signers) == {key.key_id for key in both.keys}
    assert cache.last_good(STABLE, Trust((other.public,))).digest == bundles[0].digest


@pytest.mark.parametrize("error", [FULL, READ_ONLY])
def test_a_disk_that_fails_at_any_write_leaves_a_good_bundle(
    cache: Cache, bundles: list[VerifiedBundle], trust: Trust, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """A disk that fails at any write leaves a good bundle and the newest pointer."""
    cache.keep(STABLE, bundles[0])
    for failing in range(1, 60):
        cache.keep(STABLE, bundles[0])
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing, error)
            with suppress(BundleRefusal):
                cache.note(STABLE, pointer(failing), SIGNER)
                cache.keep(STABLE, bundles[1 + failing % 2])
        assert cache.last_good(STABLE, trust).digest in (bundles[0].digest, bundles[1 + failing % 2].digest)
        seen = cache.seen(STABLE)
        assert failing == 1 or seen[0].version >= failing - 1
        cache.note(STABLE, pointer(failing), SIGNER)
        if not_reached():
            break
    else:
        pytest.fail("the fault was injected at every operation tried")
    assert failing > 8
    assert cache.last_good(STABLE, trust).digest == bundles[1 + failing % 2].digest


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path, bundles: list[VerifiedBundle]) -> None:
    """A cache that cannot be written is refused."""
    (tmp_path / "file").touch()
    with pytest.raises(BundleRefusal, match="cannot write the cache") as refusal:
        Cache(tmp_path / "file").keep(STABLE, bundles[0])
    assert refusal.value.reason == "disk"
