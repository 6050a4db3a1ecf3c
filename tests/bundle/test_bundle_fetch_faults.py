"""Faults of the store: each is refused in time by its own reason, and leaves nothing behind."""

import threading
import time
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.cache import Cache
from bundle.fetch import BundleSource
from bundle.refusal import BundleRefusal, Reason
from bundle.verify import Trust
from tests.bundle.publishing import HANG_SECONDS, STABLE, refusal_of, retries_once
from tests.support.bundles import NOW
from tests.support.cloud import FAULTS, Cloud, Fault, refused_port
from tests.support.processes import opened_by

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
    """Every fault that the fake cloud knows has its expected reason."""
    assert set(FAULTS) <= set(EXPECTED)


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_that_stays_is_refused_in_time_by_its_own_reason(
    cloud: Cloud, source: BundleSource, released: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that stays is refused by its reason, and the same source fetches when it ends."""
    retries_once(monkeypatch)
    cloud.fail_all(fault)
    start = time.monotonic()
    refusal = refusal_of(source, 0.4 if fault in ("stall", "drip") else HANG_SECONDS)
    assert time.monotonic() - start < HANG_SECONDS
    assert refusal.reason in EXPECTED[fault][0], str(refusal)
    if fault in (401, 403, 404):
        assert len(cloud.requests) == 1  # not retried
    cloud.fail_all(None)
    assert source.fetch(HANG_SECONDS, NOW).bundle.digest == released


def outcome(trust: Trust, cache: Path) -> str:
    """Return the digest that was fetched, or the reason of the refusal. The cache has no bundle."""
    source = BundleSource(parse_address(STABLE), trust, Cache(cache))
    try:
        return source.fetch(HANG_SECONDS, NOW).bundle.digest
    except BundleRefusal as refusal:
        return refusal.reason
    finally:
        source.close()
        assert list(cache.glob("bundles/*")) == []


@pytest.mark.parametrize("fault", [fault for fault in EXPECTED if fault not in ("stall", "drip")])
def test_the_nth_request_fails_for_every_n(
    cloud: Cloud, trust: Trust, released: str, tmp_path: Path, fault: Fault
) -> None:
    """A fault of any request is retried or refused by its reason, and no bad bundle comes."""
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
    """A stall of any request takes a part of the deadline, and the next attempt succeeds."""
    monkeypatch.setattr("bundle.deadline.SHORTEST_ATTEMPT_S", 0.05)
    monkeypatch.setattr("bundle.deadline.ATTEMPTS", 40)
    for number in range(1, 7):
        source = BundleSource(parse_address(STABLE), trust)
        cloud.fail_nth(number, "stall")
        assert source.fetch(30, NOW).bundle.digest == released
        source.close()


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.usefixtures("released")
def test_a_slow_drip_at_any_request_ends_at_the_deadline(cloud: Cloud, trust: Trust, number: int) -> None:
    """A slow drip ends at the deadline, with its thread and its connection."""
    source = BundleSource(parse_address(STABLE), trust)
    cloud.fail_nth(number, "drip")
    start = time.monotonic()
    assert refusal_of(source, 0.3).reason == "deadline"
    assert time.monotonic() - start < HANG_SECONDS
    for thread in threading.enumerate():
        if thread.name == "bundle":
            thread.join(HANG_SECONDS)
            assert not thread.is_alive()


def test_nobody_listens(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is unreachable, however often it is tried."""
    retries_once(monkeypatch)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{refused_port()}")
    source = BundleSource(parse_address(STABLE), trust)
    assert refusal_of(source).reason == "unreachable"
    source.close()


@pytest.mark.parametrize("fault", [403, 500, "wrong bytes", "drip"])
@pytest.mark.usefixtures("released")
def test_faults_leave_no_descriptors_behind(cloud: Cloud, trust: Trust, fault: Fault) -> None:
    """Repeated faults leave no open connection."""

    def attempt() -> None:
        source = BundleSource(parse_address(STABLE), trust)
        refusal_of(source, 0.1)
        source.close()
        for thread in threading.enumerate():
            if thread.name == "bundle":
                thread.join(HANG_SECONDS)

    cloud.fail_all(fault)
    for _ in range(3):
        attempt()
    assert connections_to(cloud.port) == 0


def connections_to(port: int) -> int:
    """Return how many client sockets of this process are connected to that port."""
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    far = {f"socket:[{fields[9]}]" for fields in lines if int(fields[2].partition(":")[2], 16) == port}
    return sum(target in far for target in opened_by("self").values())
