"""From a store to verified bytes: what is followed, what is refused, how long it takes, what is left behind."""

import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bundle.cache import Cache
from bundle.fetch import Source, fetch
from bundle.keys import SigningKey
from bundle.reference import parse_reference
from bundle.refusal import BundleRefusal, Reason
from bundle.store import Store, channel_object, open_store
from bundle.verify import IN_PLACE, Trust
from contract.manifest import MANIFEST_FILE, MODEL_FILE
from tests.bundle.making import NOW, make, new_key
from tests.bundle.publishing import promote, put, release
from tests.cloud import FAULTS, Cloud, Fault, refused_port
from tests.faults import READ_ONLY, fail_nth_write

PLACE = "gs://models/penguins"
STABLE = f"{PLACE}#stable"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def source(trust: Trust, cache: Cache) -> Iterator[Source]:
    """Of the stable channel in the fake cloud."""
    opened = Source(parse_reference(STABLE), trust, cache)
    yield opened
    opened.close()


@pytest.fixture
def released(cloud: Cloud, tmp_path: Path, key: SigningKey) -> str:
    """The digest of what the channel points to."""
    digest = release(PLACE, tmp_path, key)
    cloud.requests.clear()
    return digest


def refusal_of(source: Source, seconds: float = 5, after: timedelta = timedelta()) -> BundleRefusal:
    with pytest.raises(BundleRefusal) as refusal:
        source.fetch(seconds, NOW + after)
    return refusal.value


def test_a_published_bundle_is_fetched_whole(
    cloud: Cloud, source: Source, released: str, tmp_path: Path, key: SigningKey
) -> None:
    """By its channel, each file with one request."""
    fetched = source.fetch(5, NOW)
    assert fetched.bundle.digest == released
    assert fetched.bundle.signed_by == key.public.key_id
    assert fetched.pointer
    assert fetched.pointer.version == 1
    assert not fetched.from_cache
    for name, data in fetched.bundle.contents.items():
        assert (tmp_path / "1" / name).read_bytes() == data
    assert len(cloud.requests) == 1 + len(fetched.bundle.contents) + 1  # the pointer, the manifest


@pytest.mark.parametrize("place", ["{tmp}/store", PLACE])
def test_a_bundle_is_fetched_by_its_digest_too(cloud: Cloud, tmp_path: Path, key: SigningKey, place: str) -> None:
    """From either store; a digest that is not there is missing."""
    assert cloud
    store = place.format(tmp=tmp_path)
    digest = release(store, tmp_path, key)
    assert fetch(f"{store}@{digest}", (key.public,), None, 5, NOW).bundle.digest == digest
    assert fetch(f"{store}#stable", (key.public,), None, 5, NOW).bundle.digest == digest
    for absent in (f"{store}@{'0' * 64}", f"{store}#canary"):
        with pytest.raises(BundleRefusal) as refusal:
            fetch(absent, (key.public,), None, 5, NOW)
        assert refusal.value.reason == "missing"


def test_a_directory_is_fetched_where_it_is_signed(made: Path, key: SigningKey) -> None:
    """It never changes for a source: a new one looks again."""
    source = Source(parse_reference(str(made)), Trust((key.public,)))
    assert source.fetch(5, NOW).bundle.origin.place == str(made)
    assert source.poll(5, NOW) is None
    assert Source(parse_reference(str(made)), IN_PLACE).fetch(5, NOW).bundle.signed_by is None
    with pytest.raises(BundleRefusal, match="no signature by a trusted key"):
        fetch(str(made), (new_key().public,), None, 5, NOW)


def test_a_poll_without_news_is_one_request(cloud: Cloud, source: Source, released: str) -> None:
    """Without a download."""
    assert source.fetch(5, NOW).bundle.digest == released
    cloud.requests.clear()
    cloud.sent_bytes = 0
    assert source.poll(5, NOW) is None
    assert len(cloud.requests) == 1
    assert cloud.sent_bytes == 0


def test_a_poll_finds_what_was_promoted(
    source: Source, released: str, tmp_path: Path, key: SigningKey, cloud: Cloud
) -> None:
    """Once; a renewed pointer to the same bundle is no news, but is seen."""
    assert source.fetch(5, NOW).bundle.digest == released
    newer = release(PLACE, tmp_path, key, "2")
    found = source.poll(5, NOW)
    assert found
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
    assert again
    assert again.bundle.digest == newer


def test_a_pointer_that_expires_while_it_is_polled_is_told(source: Source, released: str) -> None:
    """Though nothing has changed."""
    assert source.fetch(5, NOW).bundle.digest == released
    with pytest.raises(BundleRefusal) as refusal:
        source.poll(5, NOW + timedelta(days=31))
    assert refusal.value.reason == "expired"


def test_what_is_kept_is_not_downloaded_again(
    cloud: Cloud, source: Source, released: str, cache: Cache, trust: Trust
) -> None:
    """After a restart one request tells that it is still the one."""
    source.keep(source.fetch(5, NOW))
    cloud.requests.clear()
    restarted = Source(parse_reference(STABLE), trust, cache)
    fetched = restarted.fetch(5, NOW)
    restarted.close()
    assert fetched.from_cache
    assert fetched.bundle.digest == released
    assert len(cloud.requests) == 1


def test_the_last_good_is_there_when_the_store_is_not(
    cloud: Cloud, source: Source, released: str, cache: Cache, trust: Trust
) -> None:
    """And nothing is, before anything was kept."""
    with pytest.raises(BundleRefusal, match="keeps no bundle"):
        source.last_good()
    source.keep(source.fetch(5, NOW))
    cloud.fail_all(503)
    restarted = Source(parse_reference(STABLE), trust, cache)
    assert refusal_of(restarted, 0.2).reason == "failing"
    assert restarted.last_good().digest == released
    restarted.close()
    with pytest.raises(BundleRefusal, match="no cache is configured"):
        Source(parse_reference(STABLE), trust).last_good()


@pytest.mark.parametrize("remembered_by", ["the process", "the disk"])
def test_an_older_pointer_is_refused(  # fixtures
    cloud: Cloud, source: Source, released: str, tmp_path: Path, key: SigningKey, trust: Trust, remembered_by: str
) -> None:
    """It was put back by somebody who can write into the bucket, but not sign."""
    name = f"penguins/{channel_object('stable')}"
    old = cloud.objects[name].data
    assert source.fetch(5, NOW).bundle.digest == released
    release(PLACE, tmp_path, key, "2")
    assert source.poll(5, NOW)
    cloud.put(name, old)
    if remembered_by == "the disk":
        source.close()
        source = Source(parse_reference(STABLE), trust, Cache(tmp_path / "cache"))
    refusal = refusal_of(source)
    source.close()
    assert refusal.reason == "rollback"
    assert "python -m bundle rollback" in str(refusal)


def test_a_clock_set_back_revives_no_old_pointer(
    source: Source, released: str, tmp_path: Path, key: SigningKey
) -> None:
    """The newest pointer seen tells how late it is at least."""
    assert released
    release(PLACE, tmp_path, key, "2", now=NOW + timedelta(days=40), days=1)
    assert source.fetch(5, NOW + timedelta(days=40))
    assert refusal_of(source, after=timedelta(days=50)).reason == "expired"
    assert refusal_of(source, after=timedelta(days=1)).reason == "clock"


# Which reasons a fault may be given, and whether it passes when it comes once.
EXPECTED: dict[Fault, tuple[set[Reason], bool]] = {
    403: ({"forbidden"}, False),
    404: ({"missing", "unsigned"}, False),
    401: ({"forbidden", "credentials"}, False),  # the client tries to log in again
    412: ({"conflict"}, False),
    429: ({"throttled"}, True),
    500: ({"failing"}, True),
    503: ({"failing"}, True),
    "reset": ({"cut"}, True),
    "lost": ({"cut"}, True),
    "stall": ({"deadline", "unreachable"}, True),
    "drip": ({"deadline"}, False),
    "cut": ({"cut"}, True),
    "wrong bytes": ({"unsigned", "signature", "digest"}, False),
    "too many bytes": ({"size", "digest", "signature"}, False),
    "no generation": ({"failing"}, True),
    "not JSON": ({"unsigned", "signature", "digest", "size"}, False),
}


def test_every_fault_has_its_row() -> None:
    assert set(FAULTS) <= set(EXPECTED)


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_that_stays_is_refused_in_time_by_its_own_reason(
    cloud: Cloud, source: Source, released: str, fault: Fault
) -> None:
    """And when it is gone, the same source fetches."""
    cloud.fail_all(fault)
    start = time.monotonic()
    refusal = refusal_of(source, 0.4)
    assert time.monotonic() - start < 1.4
    assert refusal.reason in EXPECTED[fault][0], str(refusal)
    if fault in (401, 403, 404):
        assert len(cloud.requests) == 1  # not retried
    cloud.fail_all(None)
    assert source.fetch(5, NOW).bundle.digest == released


def outcome(trust: Trust, cache: Path) -> str:
    """The digest of what was fetched, or the reason for which nothing was. No bundle is in the cache of itself."""
    source = Source(parse_reference(STABLE), trust, Cache(cache))
    try:
        return source.fetch(10, NOW).bundle.digest
    except BundleRefusal as refusal:
        return refusal.reason
    finally:
        source.close()
        assert list(cache.glob("bundles/*")) == []


@pytest.mark.parametrize("fault", [fault for fault in EXPECTED if fault not in ("stall", "drip")])
def test_the_nth_request_fails_for_every_n(
    cloud: Cloud, trust: Trust, released: str, tmp_path: Path, fault: Fault
) -> None:
    """What may pass is retried; what does not is refused by its reason, and nothing that is not good is given."""
    reasons, passes = EXPECTED[fault]
    for number in range(1, 30):
        cloud.fail_nth(number, fault)
        found = outcome(trust, tmp_path / f"cache-{number}")
        assert found == released or (not passes and found in reasons), found
        if len(cloud.requests) < number:
            break
    assert number > 6


def test_a_stall_at_any_request_leaves_time_for_another_attempt(
    cloud: Cloud, trust: Trust, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt has a part of the deadline."""
    monkeypatch.setattr("bundle.deadline.SHORTEST_ATTEMPT_S", 0.05)
    monkeypatch.setattr("bundle.deadline.ATTEMPTS", 20)
    for number in range(1, 7):
        source = Source(parse_reference(STABLE), trust)
        cloud.fail_nth(number, "stall")
        assert source.fetch(4, NOW).bundle.digest == released
        source.close()


@pytest.mark.parametrize("number", range(1, 7))
def test_a_slow_drip_at_any_request_ends_at_the_deadline(
    cloud: Cloud, trust: Trust, released: str, number: int
) -> None:
    """Though every byte comes in time. The thread that waits ends, and its connection."""
    assert released
    source = Source(parse_reference(STABLE), trust)
    cloud.fail_nth(number, "drip")
    start = time.monotonic()
    assert refusal_of(source, 0.3).reason == "deadline"
    assert time.monotonic() - start < 1
    for thread in threading.enumerate():
        if thread.name == "bundle":
            thread.join(2)
            assert not thread.is_alive()


def test_a_store_that_opens_too_late_is_given_back(
    trust: Trust, tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for credentials may take longer than that. The next fetch does not meet the thread that was left."""
    digest = release(str(tmp_path / "store"), tmp_path, key)
    proceed, closed = threading.Event(), threading.Event()
    opened = 0

    def open_slowly(place: str) -> Store:
        nonlocal opened
        opened += 1
        store = open_store(place)
        if opened == 1:
            monkeypatch.setattr(store, "close", closed.set)
            proceed.wait(10)
        return store

    monkeypatch.setattr("bundle.fetch.open_store", open_slowly)
    source = Source(parse_reference(f"{tmp_path}/store#stable"), trust)
    assert refusal_of(source, 0.1).reason == "deadline"
    assert source.fetch(5, NOW).bundle.digest == digest
    proceed.set()
    assert closed.wait(5)
    assert source.poll(5, NOW) is None
    assert opened == 2


def test_nobody_listens(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are refused until the deadline."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{refused_port()}")
    source = Source(parse_reference(STABLE), trust)
    start = time.monotonic()
    assert refusal_of(source, 0.4).reason == "unreachable"
    assert time.monotonic() - start < 1.4
    source.close()


def test_no_more_is_read_than_the_manifest_says(cloud: Cloud, source: Source, released: str) -> None:
    """A library of a hundred megabytes in the place of one of two thousand bytes."""
    name = next(name for name in cloud.names() if released in name and "libmodel" in name)
    cloud.put(name, cloud.objects[name].data + bytes(100_000_000))
    refusal = refusal_of(source)
    assert refusal.reason == "size"
    assert "found more than" in str(refusal)


@pytest.mark.parametrize("fault", [403, 500, "wrong bytes", "drip"])
def test_faults_leave_no_descriptors_behind(cloud: Cloud, trust: Trust, released: str, fault: Fault) -> None:
    """However often they come."""
    assert released

    def attempt() -> None:
        source = Source(parse_reference(STABLE), trust)
        refusal_of(source, 0.1)
        source.close()
        for thread in threading.enumerate():
            if thread.name == "bundle":
                thread.join(2)

    cloud.fail_all(fault)
    for _ in range(3):
        attempt()
    assert connections_to(cloud.port) == 0


def connections_to(port: int) -> int:
    """How many sockets of this process have that port at their other end: those of the client, not of the fake."""
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    far = {f"socket:[{fields[9]}]" for fields in lines if int(fields[2].partition(":")[2], 16) == port}
    return sum(path.is_symlink() and str(path.readlink()) in far for path in Path("/proc/self/fd").iterdir())


def test_a_cache_that_cannot_be_written_does_not_keep_a_bundle_from_coming(
    source: Source, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, at whichever write it fails; the process remembers the pointer itself."""
    for failing in range(1, 10):
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing, READ_ONLY)
            fetched = source.fetch(5, NOW)
            assert fetched.bundle.digest == released
            if fetched.cache_problem:
                assert fetched.cache_problem.reason == "disk"
        if not_reached():
            break
    else:
        pytest.fail("the fault was injected at every operation tried")


def test_a_bundle_without_its_manifest_is_not_there(tmp_path: Path, key: SigningKey) -> None:
    """Half-published, or half-removed."""
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
    """As in a bundle's own directory."""
    digest = release(f"{tmp_path}/store", tmp_path, key)
    path = tmp_path / "store" / "bundles" / digest / MODEL_FILE
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleRefusal) as refusal:
        fetch(f"{tmp_path}/store#stable", (key.public,), None, 5, NOW)
    assert refusal.value.reason == "name"
