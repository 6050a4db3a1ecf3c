"""A start from a bucket that fails: what the service says, and what it serves meanwhile."""

from pathlib import Path

import pytest

from score.bundle import load_bundle
from tests.support.cloud import Cloud, Fault, refused_port
from tests.support.commands import EXAMPLE
from tests.support.processes import libraries
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

# From the cloud
COLD: dict[Fault, str] = {
    403: "forbidden",
    404: "missing",
    429: "throttled",
    500: "failing",
    503: "failing",
    "stall": "deadline|unreachable",
    "drip": "deadline",
    "wrong bytes": "unsigned",
}


pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def bucket(shop: Shop, first: Release) -> Shop:
    """A bucket with a release, in the fake cloud."""
    shop.place = "gs://models/penguins"
    shop.release(first)
    return shop


@pytest.mark.parametrize("fault", COLD)
def test_a_cold_start_meets_a_fault_of_the_cloud(cloud: Cloud, bucket: Shop, first: Release, fault: Fault) -> None:
    """A start with a failing cloud is a 503 with its reason, and becomes ready when the fault ends."""
    cloud.fail_all(fault)
    with serving(bucket.stable, APP, **bucket.environment(FETCH_SECONDS="0.8")) as service:
        assert_unready(service, "no model is loaded")
        said(service, rf"fetch refused \({COLD[fault]}\)")
        assert_unready(service, "no model is loaded: fetch refused")
        cloud.fail_all(None)
        until_ready(service)
        assert_serves(service, first)
        assert service.process.poll() is None


@pytest.mark.parametrize("how", ["refused", "stall", "drip"])
def test_an_unreachable_bucket_is_waited_for_until_the_deadline(
    cloud: Cloud, bucket: Shop, bundle_path: Path, how: str
) -> None:
    """A service with an unreachable bucket becomes ready with the baked bundle."""
    cloud.fail_all(how if how != "refused" else None)
    environment = bucket.environment(BAKED_BUNDLE=str(bundle_path), MODEL_NAME="penguin", FETCH_SECONDS="1.5")
    if how == "refused":
        environment["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{refused_port()}"
    with serving(bucket.stable, APP, **environment) as service:
        until_ready(service)
        baked = load_bundle(bundle_path)
        assert service.predict(EXAMPLE).headers["model-version"] == baked.version
        assert service.request("GET", "/model").document["signed_by"] is None


def test_after_a_fallback_it_goes_on_trying(cloud: Cloud, bucket: Shop, first: Release, second: Release) -> None:
    """A service on a fallback serves the configured bundle as soon as it can be fetched."""
    cloud.fail_all(503)
    environment = bucket.environment(BAKED_BUNDLE=str(second.directory), MODEL_NAME="penguin", FETCH_SECONDS="0.5")
    with serving(bucket.stable, APP, **environment) as service:
        until_ready(service)
        assert_serves(service, second)
        baked = libraries(service)
        cloud.fail_all(None)
        eventually(lambda: service.predict(EXAMPLE).headers["model-version"] == first.digest)
        assert_serves(service, first)
        eventually(lambda: libraries(service) == baked)
