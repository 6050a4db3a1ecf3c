"""The metrics of a service that follows a channel."""

import re
import time
from pathlib import Path

from app.metrics.families import CHANNEL_EXPIRY, FOLLOW_INTERVAL, FOLLOW_SUCCESS
from tests.support.commands import EXAMPLE
from tests.support.processes import Clock
from tests.support.releases import (
    FAST,
    Release,
    Shop,
    said,
    until_ready,
    until_served,
)
from tests.support.service import APP, serving
from tests.support.telemetry import eventually, free_port, samples, scrape, value

DAY = 86_400.0  # seconds


def test_how_following_goes_is_on_the_page(shop: Shop, first: Release, second: Release, tmp_path: Path) -> None:
    """The page has the pointer's expiry and the last success, which no refusal moves."""
    clock, metrics = Clock(tmp_path), free_port()
    shop.publish(second)
    shop.release(first)
    environment = shop.environment(**FAST, **clock.environment, METRICS_PORT=str(metrics))
    with serving(shop.stable, ("shifted",), **environment) as service:
        until_ready(service)

        def now(family: str) -> float:
            return value(samples(scrape(metrics)), family, role="bundle")

        begun = time.time()
        eventually(lambda: 29 * DAY < now(CHANNEL_EXPIRY) - begun < 31 * DAY)
        eventually(lambda: now(FOLLOW_SUCCESS) > begun)
        assert now(FOLLOW_INTERVAL) == float(FAST["FOLLOW_SECONDS"])
        shop.promote(first, days=60)
        eventually(lambda: 59 * DAY < now(CHANNEL_EXPIRY) - begun < 61 * DAY)
        clock.set(61)
        said(service, r"poll refused \(expired\)")
        said(service, r"poll refused \(expired\)")
        scrape(metrics)
        stopped = now(FOLLOW_SUCCESS)
        said(service, r"poll refused \(expired\)")
        assert now(FOLLOW_SUCCESS) == stopped
        clock.set(0)
        shop.promote(second)
        until_served(service, second)
        eventually(lambda: now(FOLLOW_SUCCESS) > stopped)
        found = samples(scrape(metrics))
        assert value(found, "penguins_model_info", version=first.digest) == 0
        assert value(found, "penguins_model_info", version=second.digest) == 1


def test_who_does_not_follow_has_no_such_figures(shop: Shop, first: Release) -> None:
    """A service that reads its channel only once has no metrics about following."""
    metrics = free_port()
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(METRICS_PORT=str(metrics))) as service:
        until_ready(service)
        eventually(lambda: "penguins_model_info" in scrape(metrics))
        assert not re.search("penguins_(follow|channel)", scrape(metrics))


def test_every_answer_is_counted_for_the_model_that_it_names(shop: Shop, first: Release, second: Release) -> None:
    """Every answer during swaps is counted for the model that it names."""
    metrics, asked = free_port(), dict.fromkeys((first.digest, second.digest), 0)
    shop.publish(second)
    shop.release(first)

    def counted() -> dict[str, float]:
        found = samples(scrape(metrics))
        return {version: value(found, "penguins_predictions_total", version=version) for version in asked}

    with serving(shop.stable, APP, **shop.environment(**FAST, METRICS_PORT=str(metrics))) as service:
        until_ready(service)
        for release in (second, first, second):
            shop.promote(release)
            until = time.monotonic() + 60
            version = ""
            while version != release.digest:
                assert time.monotonic() < until
                version = service.predict(EXAMPLE).headers["model-version"]
                asked[version] += 1
        eventually(lambda: counted() == asked)
