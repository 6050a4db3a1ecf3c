"""The start of a service: what it loads, and what it loads instead."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bundle.stores.store import channel_object
from tests.app.model.keeping import state
from tests.support.processes import Clock
from tests.support.releases import (
    Release,
    Shop,
    assert_serves,
    assert_unready,
    said,
    until_ready,
)
from tests.support.service import APP, serving
from tests.support.telemetry import eventually


@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_a_start_without_anything_is_live_and_says_why(shop: Shop, first: Release, door: str) -> None:
    """A start without a bundle answers 503 at both doors, and serves the bundle when it comes."""
    with serving(shop.stable, APP, **shop.environment(FAST_PATH=door)) as service:
        said(service, r"fetch refused \(missing\)")
        assert_unready(service, "no model is loaded: fetch refused (missing)")
        shop.release(first)
        until_ready(service)
        assert_serves(service, first)


def test_the_last_known_good_comes_before_the_image(
    shop: Shop, kept: dict[str, str], first: Release, second: Release
) -> None:
    """The service without a store starts with the last known good bundle, not the baked one."""
    shutil.rmtree(shop.place)
    with serving(
        shop.stable, APP, **{**kept, "BAKED_BUNDLE": str(second.directory), "MODEL_NAME": "penguin"}
    ) as service:
        until_ready(service)
        assert_serves(service, first)


def test_a_damaged_cache_is_passed_over(
    shop: Shop, kept: dict[str, str], first: Release, second: Release, tmp_path: Path
) -> None:
    """A service with a damaged cache starts with the baked bundle."""
    shutil.rmtree(shop.place)
    (library,) = (tmp_path / "cache" / "bundles" / first.digest).glob("libmodel*")
    library.write_bytes(library.read_bytes()[:-512])
    with serving(
        shop.stable, APP, **{**kept, "BAKED_BUNDLE": str(second.directory), "MODEL_NAME": "penguin"}
    ) as service:
        said(service, r"last_good refused \(size\)")
        until_ready(service)
        assert_serves(service, second)


def test_an_older_pointer_is_not_followed_after_a_restart_either(
    shop: Shop, kept: dict[str, str], second: Release, tmp_path: Path
) -> None:
    """A restarted service does not follow an older pointer, and serves the last known good."""
    pointer = Path(shop.place) / channel_object("stable")
    old = pointer.read_bytes()
    shop.release(second)
    with serving(shop.stable, APP, **kept) as service:
        until_ready(service)
        assert_serves(service, second)
        eventually(lambda: second.digest.encode() in state(tmp_path).partition(b"good")[2])
    pointer.unlink()
    pointer.write_bytes(old)
    with serving(shop.stable, APP, **kept) as service:
        said(service, r"fetch refused \(rollback\)")
        assert_serves(service, second)


@pytest.mark.parametrize(("days", "reason"), [(31, "expired"), (-1, "clock")])
def test_a_pointer_out_of_its_time_is_not_followed(
    shop: Shop, kept: dict[str, str], first: Release, tmp_path: Path, days: float, reason: str
) -> None:
    """A service does not follow an expired pointer or one from the future, and serves what it knows."""
    clock = Clock(tmp_path)
    clock.set(days)
    with serving(shop.stable, ("shifted",), **kept, **clock.environment) as service:
        said(service, rf"fetch refused \({reason}\)")
        assert_serves(service, first)


def test_a_cache_that_cannot_be_written_is_told(shop: Shop, first: Release, tmp_path: Path) -> None:
    """A service whose cache cannot be written is served all the same."""
    (tmp_path / "cache").write_bytes(b"")
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(BUNDLE_CACHE=str(tmp_path / "cache"))) as service:
        until_ready(service)
        assert_serves(service, first)
    assert (tmp_path / "cache").read_bytes() == b""


def test_a_pointer_s_own_time_is_the_test_s(shop: Shop, first: Release) -> None:
    """A first start with an expired pointer is an honest 503."""
    shop.publish(first)
    shop.promote(first, now=datetime.now(UTC) - timedelta(days=31))
    with serving(shop.stable, APP, **shop.environment()) as service:
        said(service, r"fetch refused \(expired\)")
        assert_unready(service, "fetch refused (expired)")
