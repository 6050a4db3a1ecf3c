"""A service that follows a channel, in a real process: what it swaps to, and what leaves it where it was."""

import itertools
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.bundle import load_bundle
from bundle.store import channel_object
from tests.app.processes import KILLED, Clock, descriptors, libraries
from tests.app.releases import Release, Shop, assert_serves, said, until_ready
from tests.app.test_app_bounds import PREDICT
from tests.cloud import Cloud, Fault
from tests.commands import EXAMPLE
from tests.service import Service, serving
from tests.telemetry import eventually
from tests.wire import Wire

APP = ("app",)
FAST = {"FOLLOW_SECONDS": "0.05", "MAX_REQUESTS_PER_CONNECTION": "1000000"}
INFER = "/v2/models/penguin/infer"


def until_served(service: Service, release: Release) -> None:
    """Ask until this one answers: every answer on the way is whole."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        reply = service.predict(EXAMPLE)
        assert reply.status == 200
        if reply.headers["model-version"] == release.digest:
            return
    raise AssertionError(f"{release.digest} was never served")


@pytest.fixture
def following(shop: Shop, first: Release, second: Release, tmp_path: Path) -> Iterator[Service]:
    """A service that follows a channel which points to the first release; the second is published."""
    shop.publish(second)
    shop.release(first)
    with serving(shop.stable, APP, **shop.environment(**FAST, BUNDLE_CACHE=str(tmp_path / "cache"))) as service:
        until_ready(service)
        assert_serves(service, first)
        yield service


def test_what_is_promoted_is_served_and_so_is_the_way_back(
    following: Service, shop: Shop, first: Release, second: Release
) -> None:
    """By the same process, on a connection that stays and whose head is known."""
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
    """By itself, with one cache for all."""
    shop.publish(second)
    shop.release(first)
    environment = shop.environment(**FAST, BUNDLE_CACHE=str(tmp_path / "cache"), WORKERS=workers)
    with serving(shop.stable, APP, **environment) as service:
        for release in (first, second):
            shop.promote(release)
            in_a_row = 0
            until = time.monotonic() + 20
            while in_a_row < 40:
                assert time.monotonic() < until
                in_a_row = (
                    in_a_row + 1 if service.predict(EXAMPLE).headers.get("model-version") == release.digest else 0
                )


# Under load


class Asking(threading.Thread):
    """Asks in a closed loop, and keeps every answer with the version that it names."""

    def __init__(self, service: Service, request: bytes) -> None:
        super().__init__()
        self._service = service
        self._request = request
        self.answers: dict[tuple[str, bytes], int] = {}
        self.swaps = 0
        self.failure: Exception | None = None
        self.enough = threading.Event()

    def run(self) -> None:
        try:
            with Wire(self._service.port, seconds=10) as wire:
                before = None
                while not self.enough.is_set():
                    wire.send(self._request)
                    response = wire.response()
                    assert response.status == 200, response
                    answer = response.values("model-version")[0], response.body
                    self.answers[answer] = self.answers.get(answer, 0) + 1
                    self.swaps += before not in (None, answer[0])
                    before = answer[0]
        except Exception as failure:  # noqa: BLE001  # the test's own thread tells
            self.failure = failure


def http(path: str, body: bytes, headers: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def large_batch(rows: int) -> bytes:
    """In binary, answered in a thread."""
    tensor = {
        "name": "measurements",
        "datatype": "FP32",
        "shape": [rows, 4],
        "parameters": {"binary_data_size": 16 * rows},
    }
    head = msgspec.json.encode({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    row = struct.pack("=4f", *(float(value) for value in EXAMPLE.values()))
    return http(INFER, head + row * rows, f"Inference-Header-Content-Length: {len(head)}\r\n")


def test_fifty_swaps_under_load_mix_nothing(following: Service, shop: Shop, first: Release, second: Release) -> None:
    """Every answer is one model's, entirely, and names it; batches under way in their thread too. Nothing is left."""
    mapped, opened = libraries(following), descriptors(following)
    small = msgspec.json.encode(
        {"inputs": [{"name": "measurements", "datatype": "FP32", "shape": [1, 4], "data": list(EXAMPLE.values())}]}
    )
    requests = (PREDICT, PREDICT.replace(b"Host", b"X: y\r\nHost"), http(INFER, small), large_batch(50_000))
    clients = [Asking(following, request) for request in requests]
    for client in clients:
        client.start()
    for release in itertools.islice(itertools.cycle((second, first)), 50):
        shop.promote(release)
        until_served(following, release)
    for client in clients:
        client.enough.set()
        client.join(20)
        assert client.failure is None
        assert len(client.answers) == 2, "an answer that is neither model's"
        assert {version for version, _ in client.answers} == {first.digest, second.digest}
    assert all(client.swaps >= 20 for client in clients[:3])
    assert_answers(clients[0], first, second)
    assert_serves(following, first)
    eventually(lambda: libraries(following) == mapped and descriptors(following) <= opened)


def assert_answers(client: Asking, *releases: Release) -> None:
    """They are what the models answer in this process."""
    row = tuple(float(value) for value in EXAMPLE.values())
    for release in releases:
        probabilities = load_bundle(release.directory).library.predict(row)[1]
        (body,) = [body for version, body in client.answers if version == release.digest]
        assert msgspec.json.decode(body)["probabilities"] == probabilities


# What is not followed


def test_a_candidate_that_answers_otherwise_is_not_served(
    following: Service, shop: Shop, first: Release, second: Release, bad: Release
) -> None:
    """Though its signature holds; it is tried ever more slowly, and the next one is taken."""
    mapped = libraries(following)
    shop.release(bad)
    assert f"goes on with {first.digest[:16]}" in said(following, r"load refused \(model\)")
    said(following, r"load refused \(model\)")
    assert_serves(following, first)
    eventually(lambda: libraries(following) == mapped)
    shop.promote(second)
    until_served(following, second)


def test_an_older_pointer_is_not_followed(following: Service, shop: Shop, first: Release, second: Release) -> None:
    """It was put back by somebody who can write, but not sign."""
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
    assert first


def test_time_that_passes_and_a_clock_that_is_set_back(
    shop: Shop, first: Release, second: Release, tmp_path: Path
) -> None:
    """An expired pointer is an alarm and a wrong clock another; what is served goes on. Renewed, it is followed."""
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
    """One after the other: told by its own reason, while the service goes on. Afterwards it follows."""
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
            until_served_or(service, next_one, rf"poll refused \({reason}\)")
            cloud.fail_all(None)
            until_served(service, next_one)
            assert_serves(service, next_one)
            now = next_one
            if not opened:
                opened, mapped = descriptors(service), libraries(service)
        assert_serves(service, now)
        eventually(lambda: libraries(service) == mapped)
        eventually(lambda: descriptors(service) <= opened + 2)  # of a connection that is being given up


def until_served_or(service: Service, release: Release, pattern: str) -> None:
    """The fault is met by the poll that sees the new pointer, or by the one after it."""
    assert release
    said(service, pattern)
    assert service.request("GET", "/health/live").status == 200
    assert service.request("GET", "/health/ready").status == 200


# What ends the process


def test_killed_anywhere_in_a_swap_it_starts_again_with_one_or_the_other(
    shop: Shop, first: Release, second: Release, tmp_path: Path
) -> None:
    """From the last known good alone: the store has gone."""
    (tmp_path / "killed.py").write_text(KILLED)
    shop.publish(second)
    shop.release(first)
    served = set()
    number, steps = 0, 0
    while number <= steps + 1:  # the first is not killed: it counts the steps
        cache, armed = tmp_path / f"cache{number}", tmp_path / f"armed{number}"
        environment = shop.environment(**FAST, BUNDLE_CACHE=str(cache), FETCH_SECONDS="0.2")
        killing = {"KILL_AT": str(number or 10**6), "ARMED": str(armed), "PYTHONPATH": str(tmp_path)}
        shop.promote(first)
        with serving(shop.stable, ("killed",), **environment, **killing) as service:
            until_kept(service, cache, first)
            armed.touch()
            shop.promote(second)
            until_kept(service, cache, second)
        steps = steps or int(armed.read_text())
        away = Path(shop.place).rename(tmp_path / "away")
        with serving(shop.stable, APP, **environment) as service:
            until_ready(service)
            version = service.predict(EXAMPLE).headers["model-version"]
            assert_serves(service, first if version == first.digest else second)
            served.add(version)
        away.rename(shop.place)
        number += 1
    assert steps > 5
    assert served == {first.digest, second.digest}


def until_kept(service: Service, cache: Path, release: Release) -> None:
    """Return once this is what a restart would begin with, or the process has died."""
    until = time.monotonic() + 20
    state = cache / "state.json"
    while service.process.poll() is None:
        assert time.monotonic() < until
        good = msgspec.json.decode(state.read_bytes())["good"] if state.exists() else {}
        if [digests[0] for digests in good.values()] == [release.digest]:
            return
        time.sleep(0.005)
