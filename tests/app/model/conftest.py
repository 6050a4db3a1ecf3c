"""Services that follow a channel, or keep what they have served."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.model.keeping import state
from tests.support.releases import (
    FAST,
    Release,
    Shop,
    assert_serves,
    until_ready,
)
from tests.support.service import APP, Service, serving
from tests.support.telemetry import eventually


@pytest.fixture
def following(shop: Shop, first: Release, second: Release, tmp_path: Path) -> Iterator[Service]:
    """Run a service that follows a channel at the first release, with the second one published."""
    shop.publish(second)
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(**FAST, BUNDLE_CACHE=str(tmp_path / "cache"))) as service:
        until_ready(service)
        assert_serves(service, first)
        yield service


@pytest.fixture
def kept(shop: Shop, first: Release, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a service that has served the first release and keeps it."""
    environment = shop.environment(BUNDLE_CACHE=str(tmp_path / "cache"), FETCH_SECONDS="0.5")
    shop.release(first)
    with serving(shop.stable, APP, **environment) as service:
        until_ready(service)
        eventually(lambda: first.digest.encode() in state(tmp_path).partition(b"good")[2])
    return environment
