"""Server-Timing: a client that asks for it gets it at both doors, and nothing else changes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import EXAMPLE
from tests.support.requests import PREDICT
from tests.support.service import Service, serving
from tests.support.wire import Wire

PARTS = ["queue", "decode", "predict", "encode"]


@pytest.fixture(scope="module", params=["1", "0"], ids=["fast path", "Starlette"])
def door(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[Service]:
    """Run a service at each door."""
    with serving(bundle_path, FAST_PATH=request.param) as service:
        yield service


def durations(header: str) -> dict[str, float]:
    """Return the milliseconds of each part."""
    return {name: float(number) for name, number in re.findall(r"(\w+);dur=([\d.]+)(?:, |$)", header)}


def test_who_asks_is_told(door: Service) -> None:
    """A client that asks gets four durations that are not negative, and the same body."""
    asking = {"prefer": "respond-async, Server-Timing", "content-type": "application/json"}
    body = b'{"bill_length_mm": 39.1, "bill_depth_mm": 18.7, "flipper_length_mm": 181, "body_mass_g": 3750}'
    told = door.request("POST", "/predict", body, asking)
    assert list(durations(told.headers["server-timing"])) == PARTS
    silent = door.predict(EXAMPLE)
    assert "server-timing" not in silent.headers
    assert silent.document == told.document
    assert "server-timing" not in door.request("POST", "/predict", body, {"prefer": "return=minimal"}).headers


def test_a_faulty_body_gets_no_further(door: Service) -> None:
    """The durations of a faulty body end with decoding."""
    told = door.request("POST", "/predict", b"{}", {"prefer": "server-timing"})
    assert told.status == 422
    assert list(durations(told.headers["server-timing"])) == PARTS[:2]


def test_the_head_that_is_repeated_is_told_each_time(door: Service) -> None:
    """A repeated head gets durations each time, although it is parsed once."""
    asking = PREDICT.replace(b"Host: x", b"Host: x\r\nPrefer: server-timing")
    with Wire(door.port) as wire:
        for _ in range(5):
            wire.send(asking)
            (timing,) = wire.response().values("server-timing")
            assert list(durations(timing)) == PARTS
            assert all(0 <= milliseconds < 5_000 for milliseconds in durations(timing).values())
        wire.send(PREDICT)
        assert wire.response().values("server-timing") == []


@pytest.mark.parametrize("fast_path", ["0", "1"])
def test_for_all_by_a_setting(bundle_path: Path, fast_path: str) -> None:
    """SERVER_TIMING=1 gives every client the durations."""
    with serving(bundle_path, SERVER_TIMING="1", FAST_PATH=fast_path) as service:
        assert list(durations(service.predict(EXAMPLE).headers["server-timing"])) == PARTS
        assert "server-timing" not in service.request("GET", "/health/live").headers
