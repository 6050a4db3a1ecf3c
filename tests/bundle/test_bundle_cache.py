"""The disk of a service: what it last knew to be good."""

import os
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bundle.cache import STATE_FILE, Cache
from bundle.channel import Pointer, Seen
from bundle.fetch import read_directory
from bundle.keys import SigningKey
from bundle.reference import parse_reference
from bundle.refusal import BundleRefusal
from bundle.verify import Trust, VerifiedBundle
from tests.bundle.making import NOW, make, new_key
from tests.faults import FULL, READ_ONLY, fail_nth_write

STABLE = parse_reference("gs://models#stable")
CANARY = parse_reference("gs://models#canary")


@pytest.fixture
def bundles(tmp_path: Path, key: SigningKey, trust: Trust) -> list[VerifiedBundle]:
    """Three releases."""
    for label in "123":
        make(tmp_path / label, key, label)
    return [read_directory(tmp_path / label, trust) for label in "123"]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def pointer(version: int) -> Pointer:
    return Pointer(1, "stable", version, "a" * 64, "1", None, NOW, NOW + timedelta(days=1))


def test_the_last_good_is_the_last_that_was_kept(cache: Cache, bundles: list[VerifiedBundle], trust: Trust) -> None:
    """By reference, by every process that shares the directory."""
    cache.keep(STABLE, bundles[0])
    cache.keep(STABLE, bundles[1])
    cache.keep(CANARY, bundles[2])
    again = Cache(cache.root)
    assert again.last_good(STABLE, trust).digest == bundles[1].digest
    assert again.last_good(STABLE, trust).files == bundles[1].files
    assert again.last_good(CANARY, trust).digest == bundles[2].digest


def test_only_two_of_each_reference_stay(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """Older ones go, and what a killed process left."""
    (cache.root / "bundles" / ".half").mkdir(parents=True)
    for bundle in bundles:
        cache.keep(STABLE, bundle)
    assert set(os.listdir(cache.root / "bundles")) == {bundles[1].digest, bundles[2].digest}


def test_a_damaged_one_gives_way_to_the_one_before(cache: Cache, bundles: list[VerifiedBundle], trust: Trust) -> None:
    """It is verified again whenever it is read; keeping it again mends it."""
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
    """Its signature has to be by a key that is trusted now."""
    cache.keep(STABLE, bundles[0])
    with pytest.raises(BundleRefusal) as refusal:
        cache.last_good(STABLE, Trust((new_key().public,)))
    assert refusal.value.reason == "unsigned"


def test_an_empty_cache_has_nothing(cache: Cache, trust: Trust) -> None:
    """And is not made by looking."""
    with pytest.raises(BundleRefusal) as refusal:
        cache.last_good(STABLE, trust)
    assert refusal.value.reason == "missing"
    assert cache.seen(STABLE) is None
    assert not cache.root.exists()


def test_the_newest_pointer_seen_only_grows(cache: Cache, bundles: list[VerifiedBundle]) -> None:
    """Whatever order processes come in."""
    cache.note(STABLE, pointer(7))
    cache.note(STABLE, pointer(5))
    cache.keep(STABLE, bundles[0])
    assert Cache(cache.root).seen(STABLE) == Seen(7, "a" * 64, NOW)
    assert cache.seen(CANARY) is None


@pytest.mark.parametrize("state", [b"", b"{", b"\xff", b'{"seen": 1}', b"[" * 100_000])
def test_a_damaged_state_is_as_none(cache: Cache, bundles: list[VerifiedBundle], trust: Trust, state: bytes) -> None:
    """A service starts from the next place then; the state is written anew."""
    cache.keep(STABLE, bundles[0])
    (cache.root / STATE_FILE).write_bytes(state)
    with pytest.raises(BundleRefusal):
        cache.last_good(STABLE, trust)
    cache.keep(STABLE, bundles[1])
    assert cache.last_good(STABLE, trust).digest == bundles[1].digest


@pytest.mark.parametrize("error", [FULL, READ_ONLY])
def test_a_disk_that_fails_at_any_write_leaves_a_good_bundle(
    cache: Cache, bundles: list[VerifiedBundle], trust: Trust, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """The old one or the new one, and the newest pointer seen never gets older."""
    cache.keep(STABLE, bundles[0])
    for failing in range(1, 60):
        cache.keep(STABLE, bundles[0])
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing, error)
            with suppress(BundleRefusal):
                cache.note(STABLE, pointer(failing))
                cache.keep(STABLE, bundles[1 + failing % 2])
        assert cache.last_good(STABLE, trust).digest in (bundles[0].digest, bundles[1 + failing % 2].digest)
        seen = cache.seen(STABLE)
        assert failing == 1 or (seen and seen.version >= failing - 1)
        cache.note(STABLE, pointer(failing))
        if not_reached():
            break
    else:
        pytest.fail("the fault was injected at every operation tried")
    assert failing > 8
    assert cache.last_good(STABLE, trust).digest == bundles[1 + failing % 2].digest


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path, bundles: list[VerifiedBundle]) -> None:
    """A file in the place of the directory."""
    (tmp_path / "file").touch()
    with pytest.raises(BundleRefusal, match="cannot write the cache") as refusal:
        Cache(tmp_path / "file").keep(STABLE, bundles[0])
    assert refusal.value.reason == "disk"
