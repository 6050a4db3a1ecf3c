"""What a service starts with, in a real process: the order, and what stands in for what cannot be had."""

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.bundle import load_bundle, load_verified
from app.serving import Served, Serving
from bundle.fetch import read_directory
from bundle.store import channel_object
from bundle.verify import IN_PLACE
from tests.app.processes import Clock, libraries
from tests.app.releases import Release, Shop, assert_serves, said, sign_copy, until_ready
from tests.bundle.making import new_key
from tests.cloud import Cloud, Fault, refused_port
from tests.commands import EXAMPLE
from tests.service import Service, serving
from tests.telemetry import eventually

APP = ("app",)
INFER = "/v2/models/penguin/infer"


def assert_unready(service: Service, told: str, retried: bool = True) -> None:
    """Live, and honest at every door."""
    assert service.request("GET", "/health/live").status == 200
    assert service.request("GET", "/v2/health/live").status == 200
    problems = [service.predict(EXAMPLE), service.predict(b"{}"), service.request("GET", "/model")]
    problems += [service.request("GET", "/health/ready")]
    for reply in problems:
        assert (reply.status, reply.headers["content-type"]) == (503, "application/problem+json")
        assert told in reply.document["detail"]
        assert ("retry-after" in reply.headers) == retried
        assert "model-version" not in reply.headers
    reply = service.request("POST", INFER, b"{}")
    assert (reply.status, told in reply.document["error"]) == (503, True)
    for path in ("/v2/health/ready", "/v2/models/penguin/ready"):
        reply = service.request("GET", path)
        assert (reply.status, reply.document["ready"]) == (503, False)


@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_a_start_without_anything_is_live_and_says_why(shop: Shop, first: Release, door: str) -> None:
    """503 at both doors until there is something; then the same process serves it."""
    with serving(shop.stable, APP, **shop.environment(FAST_PATH=door)) as service:
        said(service, r"fetch refused \(missing\)")
        assert_unready(service, "no model is loaded: fetch refused (missing)")
        shop.release(first)
        until_ready(service)
        assert_serves(service, first)


def test_every_answer_of_a_model_names_it(service: Service, bundle_path: Path) -> None:
    """Also one to a faulty request."""
    version = load_bundle(bundle_path).version
    replies = [
        service.predict(EXAMPLE),
        service.predict(b"{}"),
        service.predict({**EXAMPLE, "body_mass_g": 3.75}),
        service.request("POST", INFER, b"{}"),
        service.request("GET", "/model"),
    ]
    assert [reply.status for reply in replies] == [200, 422, 400, 400, 200]
    assert [reply.headers["model-version"] for reply in replies] == [version] * 5


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


@pytest.fixture
def bucket(cloud: Cloud, shop: Shop, first: Release) -> Shop:
    """A bucket with a release."""
    assert cloud
    shop.place = "gs://models/penguins"
    shop.release(first)
    return shop


@pytest.mark.parametrize("fault", COLD)
def test_a_cold_start_meets_a_fault_of_the_cloud(cloud: Cloud, bucket: Shop, first: Release, fault: Fault) -> None:
    """An honest 503 by its own reason; when the fault is gone the service becomes ready by itself."""
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
    """Live all the while, then ready from the image, within a second of it."""
    cloud.fail_all(how if how != "refused" else None)
    environment = bucket.environment(BAKED_BUNDLE=str(bundle_path), FETCH_SECONDS="1.5")
    if how == "refused":
        environment["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{refused_port()}"
    with serving(bucket.stable, APP, **environment) as service:
        listening = time.monotonic()
        until_ready(service, 2.5)
        assert time.monotonic() - listening < 2.5
        baked = load_bundle(bundle_path)
        assert service.predict(EXAMPLE).headers["model-version"] == baked.version
        assert service.request("GET", "/model").document["signed_by"] is None


def test_after_a_fallback_it_goes_on_trying(cloud: Cloud, bucket: Shop, first: Release, second: Release) -> None:
    """What is configured is served as soon as it can be had."""
    cloud.fail_all(503)
    environment = bucket.environment(BAKED_BUNDLE=str(second.directory), FETCH_SECONDS="0.5")
    with serving(bucket.stable, APP, **environment) as service:
        until_ready(service)
        assert_serves(service, second)
        baked = libraries(service)
        cloud.fail_all(None)
        eventually(lambda: service.predict(EXAMPLE).headers["model-version"] == first.digest, 30)
        assert_serves(service, first)
        eventually(lambda: libraries(service) == baked)


# What stands in


@pytest.fixture
def kept(shop: Shop, first: Release, tmp_path: Path) -> dict[str, str]:
    """The environment of a service that has served the first release once, and keeps it."""
    environment = shop.environment(BUNDLE_CACHE=str(tmp_path / "cache"), FETCH_SECONDS="0.5")
    shop.release(first)
    with serving(shop.stable, APP, **environment) as service:
        until_ready(service)
        eventually(lambda: first.digest.encode() in state(tmp_path).partition(b"good")[2])
    return environment


def state(tmp_path: Path) -> bytes:
    path = tmp_path / "cache" / "state.json"
    return path.read_bytes() if path.exists() else b""


def test_the_last_known_good_comes_before_the_image(
    shop: Shop, kept: dict[str, str], first: Release, second: Release
) -> None:
    """While the store cannot be had."""
    shutil.rmtree(shop.place)
    with serving(shop.stable, APP, **{**kept, "BAKED_BUNDLE": str(second.directory)}) as service:
        until_ready(service)
        assert_serves(service, first)


def test_a_damaged_cache_is_passed_over(
    shop: Shop, kept: dict[str, str], first: Release, second: Release, tmp_path: Path
) -> None:
    """For the image's."""
    shutil.rmtree(shop.place)
    (library,) = (tmp_path / "cache" / "bundles" / first.digest).glob("libmodel*")
    library.write_bytes(library.read_bytes()[:-512])
    with serving(shop.stable, APP, **{**kept, "BAKED_BUNDLE": str(second.directory)}) as service:
        said(service, r"last_good refused \(size\)")
        until_ready(service)
        assert_serves(service, second)


def test_an_older_pointer_is_not_followed_after_a_restart_either(
    shop: Shop, kept: dict[str, str], first: Release, second: Release, tmp_path: Path
) -> None:
    """The last known good is served instead."""
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
    assert first


@pytest.mark.parametrize(("days", "reason"), [(31, "expired"), (-1, "clock")])
def test_a_pointer_out_of_its_time_is_not_followed(
    shop: Shop, kept: dict[str, str], first: Release, tmp_path: Path, days: float, reason: str
) -> None:
    """Nor by a clock that was set back: what is known is served."""
    clock = Clock(tmp_path)
    clock.set(days)
    with serving(shop.stable, ("shifted",), **kept, **clock.environment) as service:
        said(service, rf"fetch refused \({reason}\)")
        assert_serves(service, first)


def test_a_cache_that_cannot_be_written_is_told(shop: Shop, first: Release, tmp_path: Path) -> None:
    """And no more: here a file stands in its place."""
    (tmp_path / "cache").write_bytes(b"")
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(BUNDLE_CACHE=str(tmp_path / "cache"))) as service:
        until_ready(service)
        assert_serves(service, first)
    assert (tmp_path / "cache").read_bytes() == b""


# Whose code runs


@pytest.mark.parametrize("how", ["none", "another key"])
def test_what_no_trusted_key_has_signed_is_not_loaded(shop: Shop, bundle_path: Path, tmp_path: Path, how: str) -> None:
    """Unless a setting says so by name, which excuses only an absent signature."""
    other = Shop(shop.place, new_key())
    release = sign_copy(bundle_path, tmp_path / "other", other.key)
    if how == "none":
        for signature in release.directory.glob("*.sig"):
            signature.unlink()
    with serving(release.directory, APP, **shop.environment()) as service:
        assert_unready(service, "fetch refused (unsigned)", retried=False)
    other.release(sign_copy(bundle_path, tmp_path / "again", other.key))
    with serving(shop.stable, APP, **shop.environment()) as service:
        said(service, r"fetch refused \(unsigned\)")
        assert_unready(service, "fetch refused (unsigned)")
    with serving(release.directory, APP, **shop.environment(ALLOW_UNSIGNED_BUNDLES="1")) as service:
        assert_serves(service, release)


def test_a_signed_bundle_is_named_with_its_key(shop: Shop, first: Release) -> None:
    """By its directory, its digest or its channel."""
    shop.release(first)
    for reference in (str(first.directory), f"{shop.place}@{first.digest}", shop.stable):
        with serving(reference, APP, **shop.environment()) as service:
            until_ready(service)
            assert_serves(service, first)
            assert service.request("GET", "/model").document["signed_by"] == shop.key.public.key_id


# The bytes that run


def test_files_that_are_cut_under_a_running_service_change_nothing(
    shop: Shop, kept: dict[str, str], first: Release, tmp_path: Path
) -> None:
    """It runs its own sealed copy: a mapped file that is cut kills."""
    with serving(shop.stable, APP, **kept) as service:
        until_ready(service)
        for root in (Path(shop.place), tmp_path / "cache"):
            (library,) = root.glob(f"bundles/{first.digest}/libmodel*")
            os.truncate(library, 0)
        assert_serves(service, first)
    with serving(first.directory, APP, **shop.environment()) as service:
        (library,) = first.directory.glob("libmodel*")
        whole = library.read_bytes()
        os.truncate(library, 0)
        try:
            assert_serves(service, first)
        finally:
            library.write_bytes(whole)


def test_files_that_are_swapped_between_the_check_and_the_load_change_nothing(
    first: Release, second: Release, tmp_path: Path
) -> None:
    """What was checked is what is loaded."""
    directory = tmp_path / "bundle"
    shutil.copytree(first.directory, directory)
    verified = read_directory(directory, IN_PLACE)
    shutil.rmtree(directory)
    shutil.copytree(second.directory, directory)
    library = load_verified(verified).library
    assert library.predict(first.golden.measurements)[0] == first.golden.label
    assert tuple(library.margins) == first.golden.margins


def test_swapping_leaves_nothing_behind(first: Release, second: Release) -> None:
    """Hundreds of libraries, each asked: no mapping, descriptor or memory stays."""
    serving = Serving()
    directories = (first.directory, second.directory)
    held = []
    for number in range(400):
        serving.swap(load_bundle(directories[number % 2]))
        served = serving.served
        assert isinstance(served, Served)
        assert served.predict(first.golden.measurements)
        if number in (100, 399):
            held.append(holdings())
    (mapped, opened, kilobytes), (mapped_then, opened_then, kilobytes_then) = held
    assert (mapped_then, opened_then) == (mapped, opened)
    assert kilobytes_then - kilobytes < 2000  # of 300 libraries of 80 kB each


def holdings() -> tuple[int, int, int]:
    """Mapped pieces of libraries, open descriptors, resident kilobytes of this process."""
    mapped = Path("/proc/self/maps").read_text().count("memfd:libmodel")
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    return mapped, len(os.listdir("/proc/self/fd")), resident


def test_a_pointer_s_own_time_is_the_test_s(shop: Shop, first: Release) -> None:
    """An expired one at the first start of all is an honest 503."""
    shop.publish(first)
    shop.promote(first, now=datetime.now(UTC) - timedelta(days=31))
    with serving(shop.stable, APP, **shop.environment()) as service:
        said(service, r"fetch refused \(expired\)")
        assert_unready(service, "fetch refused (expired)")
