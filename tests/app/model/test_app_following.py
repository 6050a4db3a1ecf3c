"""A service that follows a channel: when it swaps, and when it does not."""

import itertools
import time
from pathlib import Path

import pytest

from bundle.stores.store import channel_object
from tests.support.cloud import Cloud, Fault
from tests.support.commands import EXAMPLE
from tests.support.processes import Clock, descriptors, libraries
from tests.support.releases import (
    FAST,
    Release,
    Shop,
    assert_serves,
    said,
    until_ready,
    until_served,
)
from tests.support.requests import PREDICT
from tests.support.service import APP, Service, serving
from tests.support.telemetry import eventually
from tests.support.wire import Wire


def test_what_is_promoted_is_served_and_so_is_the_way_back(
    following: Service, shop: Shop, first: Release, second: Release
) -> None:
    """A kept connection gets each release that is promoted, forth and back."""
    with Wire(following.port) as wire:
        for release in (second, first, second):
            shop.promote(release)
            until_served(following, release)
            for _ in range(3):
                wire.send(PREDICT)
                assert wire.response().values("model-version") == [release.digest]
            assert_serves(following, release)


@pytest.mark.parametrize("workers", ["2"])
def test_every_worker_follows(shop: Shop, first: Release, second: Release, tmp_path: Path, workers: str) -> None:
    """Each worker follows the channel by itself, with one cache for all."""
    shop.publish(second)
    shop.release(first)
    environment = shop.environment(**FAST, BUNDLE_CACHE=str(tmp_path / "cache"), WORKERS=workers)
    with serving(shop.stable, APP, **environment) as service:
        for release in (first, second):
            shop.promote(release)
            in_a_row = 0
            until = time.monotonic() + 60
            while in_a_row < 40:
                assert time.monotonic() < until
                in_a_row = (
                    in_a_row + 1 if service.predict(EXAMPLE).headers.get("model-version") == release.digest else 0
                )


# What is not followed
def test_a_candidate_that_answers_otherwise_is_not_served(
    following: Service, shop: Shop, first: Release, second: Release, bad: Release
) -> None:
    """A signed candidate with wrong answers is not served, and the next release is."""
    mapped = libraries(following)
    shop.release(bad)
    assert f"goes on with {first.digest[:16]}" in said(following, r"load refused \(model\)")
    said(following, r"load refused \(model\)")
    assert_serves(following, first)
    eventually(lambda: libraries(following) == mapped)
    shop.promote(second)
    until_served(following, second)


def test_an_older_pointer_is_not_followed(following: Service, shop: Shop, second: Release) -> None:
    """A service does not follow an older pointer that somebody has put back."""
    pointer = Path(shop.place) / channel_object("stable")
    old = pointer.read_bytes()
    shop.promote(second)
    until_served(following, second)
    pointer.unlink()
    pointer.write_bytes(old)
    assert "python -m bundle rollback" in said(following, r"poll refused \(rollback\)")
    assert_serves(following, second)
    pointer.write_bytes(b"{}\n")
    said(following, r"poll refused \(unsigned\)")
    assert_serves(following, second)


def test_time_that_passes_and_a_clock_that_is_set_back(
    shop: Shop, first: Release, second: Release, tmp_path: Path
) -> None:
    """An expired pointer or a wrong clock is logged, and a renewed pointer is followed."""
    clock = Clock(tmp_path)
    shop.publish(second)
    shop.release(first)
    with serving(shop.stable, ("shifted",), **shop.environment(**FAST), **clock.environment) as service:
        until_ready(service)
        clock.set(31)
        assert "renew it: python -m bundle promote" in said(service, r"poll refused \(expired\)")
        assert_serves(service, first)
        clock.set(-1)
        assert "set the clock" in said(service, r"poll refused \(clock\)")
        assert_serves(service, first)
        clock.set(0)
        shop.promote(second)
        until_served(service, second)


# What keeps it from looking
FAULTS: dict[Fault, str] = {
    403: "forbidden",
    404: "missing",
    429: "throttled",
    500: "failing",
    503: "failing",
    "reset": "cut",
    "cut": "cut",
    "stall": "deadline|unreachable",
    "drip": "deadline",
    "wrong bytes": "unsigned|signature",
}


def test_no_fault_of_the_cloud_is_felt(
    cloud: Cloud, shop: Shop, first: Release, second: Release, tmp_path: Path
) -> None:
    """Each fault of the cloud is logged by its reason, and the service goes on and follows later."""
    shop.place = "gs://models/penguins"
    shop.publish(second)
    shop.release(first)
    environment = shop.environment(**FAST, POLL_SECONDS="0.5", BUNDLE_CACHE=str(tmp_path / "cache"))
    with serving(shop.stable, APP, **environment) as service:
        until_ready(service)
        releases = itertools.cycle((second, first))
        now = first
        opened = mapped = 0
        for fault, reason in FAULTS.items():
            shop.promote(next_one := next(releases))
            cloud.fault = lambda _, request, fault=fault: fault if "/o/" in request else None  # type: ignore[misc]
            until_refused(service, rf"poll refused \({reason}\)")
            cloud.fail_all(None)
            until_served(service, next_one)
            assert_serves(service, next_one)
            now = next_one
            if not opened:
                opened, mapped = descriptors(service), libraries(service)
        assert_serves(service, now)
        eventually(lambda: libraries(service) == mapped)
        eventually(lambda: descriptors(service) <= opened + 2)  # of a connection that is being given up


def until_refused(service: Service, pattern: str) -> None:
    """Wait for the refusal of a poll, and check that the service goes on."""
    said(service, pattern)
    assert service.request("GET", "/health/live").status == 200
    assert service.request("GET", "/health/ready").status == 200
