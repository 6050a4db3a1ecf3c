"""The bounds of a connection: bytes, time and number, with real sockets, at both doors."""

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.memory import HELD_BYTES, UNCOUNTED_BYTES
from tests.support.commands import EXAMPLE
from tests.support.requests import BIRD, LIVE, MODEL, PREDICT, asking
from tests.support.service import Service, serving
from tests.support.telemetry import eventually, free_port, samples, scrape, value
from tests.support.wire import Response, Wire

DEADLINES = {
    "FIRST_BYTE_SECONDS": "0.6",
    "HEADER_SECONDS": "0.6",
    "BODY_SECONDS": "0.6",
    "KEEP_ALIVE_SECONDS": "0.6",
    "WRITE_SECONDS": "0.6",
}
SIZES = {
    "MAX_BODY_BYTES": "2000",
    "MAX_HEADER_BYTES": "4000",
    "MAX_REQUEST_LINE_BYTES": "1000",
    "MAX_REQUESTS_PER_CONNECTION": "5",
}


@pytest.fixture(scope="module", params=["1", "0"], ids=["fast", "starlette"])
def hurried(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[Service]:
    """Run a service with short deadlines."""
    with serving(bundle_path, ("app",), FAST_PATH=request.param, **DEADLINES) as service:
        yield service


@pytest.fixture(scope="module", params=["1", "0"], ids=["fast", "starlette"])
def bounded(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[Service]:
    """Run a service with narrow bounds."""
    with serving(bundle_path, ("app",), FAST_PATH=request.param, **SIZES) as service:
        yield service


def assert_refused(response: Response, status: int, says: str = "") -> None:
    """Check for a problem document and the end of the connection."""
    assert (response.status, response.closes) == (status, True), response
    assert response.values("content-type") == ["application/problem+json"]
    assert says in response.document["detail"]


def test_a_client_that_says_nothing_is_closed(hurried: Service) -> None:
    """A client that sends nothing is closed without an answer."""
    with Wire(hurried.port) as wire:
        assert wire.read_all() == b""


@pytest.mark.parametrize("request_bytes", [PREDICT, MODEL], ids=["predict", "model"])
def test_an_idle_connection_is_closed(hurried: Service, request_bytes: bytes) -> None:
    """A connection that is idle after its last answer is closed."""
    with Wire(hurried.port) as wire:
        wire.send(request_bytes)
        assert wire.response().status == 200
        assert wire.read_all() == b""


def drip(wire: Wire, data: bytes) -> Response:
    """Send one byte after the other, slowly, until there is an answer."""
    for position in range(len(data)):
        wire.send(data[position : position + 1])
        if not wire.quiet(0.1):
            break
    return wire.response()


@pytest.mark.parametrize("path", [b"/predict", b"/v2/models/penguin/infer", b"/nowhere"])
def test_a_slow_header_is_answered_408(hurried: Service, path: bytes) -> None:
    """A header that drips for too long gets 408."""
    with Wire(hurried.port) as wire:
        assert_refused(drip(wire, b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n"), 408, "in time")


@pytest.mark.parametrize("path", [b"/predict", b"/v2/models/penguin/infer"])
@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_a_slow_body_is_answered_408(hurried: Service, path: bytes, framing: bytes) -> None:
    """A body that drips for too long gets 408, on the fast path and in the application."""
    with Wire(hurried.port) as wire:
        wire.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")
        assert_refused(drip(wire, b"1\r\n{\r\n1\r\n}\r\n" * 3), 408, "in time")


def test_a_slow_one_after_a_good_one_is_answered_after_it(hurried: Service) -> None:
    """A slow request after good ones gets its 408 after their answers."""
    with Wire(hurried.port) as wire:
        wire.send(PREDICT + MODEL + LIVE[:20])
        assert [wire.response().status for _ in range(3)] == [200, 200, 408]


def test_header_bytes(bounded: Service) -> None:
    """Headers over the limit get 431, ended or not; headers below it get an answer."""
    with Wire(bounded.port) as wire:
        wire.send(LIVE[:-2] + b"X-Pad: " + b"a" * 3900 + b"\r\n\r\n")
        assert wire.response().status == 200
        wire.send(LIVE[:-2] + b"X-Pad: " + b"a" * 4000 + b"\r\n\r\n")
        assert_refused(wire.response(), 431, "4000 bytes")
    with Wire(bounded.port) as wire:
        # More than one read of the service, however the pieces arrive: what a read begins with is checked in the next.
        wire.send(LIVE[:-2], *[b"X-%d: " % number + b"a" * 900 + b"\r\n" for number in range(60)])
        assert_refused(wire.response(), 431)


def test_many_small_heads_are_not_one_large_head(service: Service) -> None:
    """Thousands of heads in one write are not one large head, also after an upgrade."""
    upgrade = LIVE[:-2] + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    for request_bytes in (LIVE, upgrade, PREDICT):
        with Wire(service.port) as wire:
            wire.send(request_bytes * 2000)
            assert [wire.response().status for _ in range(2000)] == [200] * 2000


def test_the_request_line(bounded: Service) -> None:
    """A request line over the limit gets 414."""
    with Wire(bounded.port) as wire:
        wire.send(b"GET /model?" + b"a" * 900 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.response().status == 200
        wire.send(b"GET /model?" + b"a" * 1000)
        assert_refused(wire.response(), 414, "1000 bytes")


def test_body_bytes_by_content_length(bounded: Service) -> None:
    """A length over the limit gets 413 before the body is sent; at the limit the body is read."""
    with Wire(bounded.port) as wire:
        padded = BIRD + b" " * (2000 - len(BIRD))
        wire.send(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" + padded)
        assert wire.response().status == 200
        wire.send(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2001\r\n\r\n")
        assert_refused(wire.response(), 413, "2000 bytes")


def test_body_bytes_in_chunks(bounded: Service) -> None:
    """Chunks over the limit get 413 before they end, and a reset does not lose the answer."""
    with Wire(bounded.port) as wire:
        wire.send(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send(*[b"%x\r\n%b\r\n" % (500, b" " * 500)] * 40)
        assert_refused(wire.response(), 413, "2000 bytes")
        assert wire.read_all() == b""
        assert not wire.reset


def test_tiny_chunks_cost_no_more_than_their_bytes(bounded: Service) -> None:
    """Two thousand chunks of one byte are read as any other body."""
    with Wire(bounded.port) as wire:
        body = BIRD + b" " * (2000 - len(BIRD))
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
        wire.send(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert wire.response().status == 200


@pytest.mark.parametrize("request_bytes", [PREDICT, MODEL], ids=["predict", "model"])
def test_requests_per_connection(bounded: Service, request_bytes: bytes) -> None:
    """The fifth answer says that it is the last, and later requests are not answered."""
    with Wire(bounded.port) as wire:
        wire.send(request_bytes * 7)
        assert [wire.response().closes for _ in range(5)] == [False] * 4 + [True]
        assert wire.read_all() == b""


def test_a_client_that_does_not_read_is_not_waited_for(hurried: Service) -> None:
    """A client that never reads is disconnected, and others do not notice."""

    def send_without_reading(wire: Wire) -> None:
        with contextlib.suppress(TimeoutError):
            wire.socket.send(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 15)

    with Wire(hurried.port) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.socket.settimeout(0.2)
        until = time.monotonic() + 30
        broken = False
        while time.monotonic() < until and not broken:
            try:
                send_without_reading(wire)
            except OSError:
                broken = True
            assert hurried.predict(EXAMPLE).status == 200
        assert broken


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"application/jsonp",
        b"",
    ],
)
def test_another_media_type(bounded: Service, content_type: bytes) -> None:
    """Another media type gets 415, which says what to send, and the connection goes on."""
    with Wire(bounded.port) as wire:
        wire.send(PREDICT.replace(b"Host: x", b"Host: x\r\nContent-Type: " + content_type))
        response = wire.response()
        assert (response.status, response.closes) == (415, False)
        assert "content-type: application/json" in response.document["detail"]
        wire.send(PREDICT)
        assert wire.response().status == 200


def test_a_compressed_body(bounded: Service) -> None:
    """A compressed body gets 415 and is not decompressed."""
    with Wire(bounded.port) as wire:
        wire.send(PREDICT.replace(b"Host: x", b"Host: x\r\nContent-Encoding: gzip"))
        assert wire.response().status == 415


def answered(service: Service) -> int:
    """Return the status of a prediction on a connection of its own."""
    with Wire(service.port) as wire:
        wire.send(PREDICT)
        return wire.response().status


@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_open_connections(bundle_path: Path, door: str) -> None:
    """A connection over the limit gets 503, health is answered, and idle connections make room."""
    metrics = free_port()
    own = {"FAST_PATH": door, "MAX_CONNECTIONS": "4", "HEADER_SECONDS": "300", "METRICS_PORT": str(metrics)}
    with serving(bundle_path, ("app",), **own) as service, contextlib.ExitStack() as stack:
        busy = [stack.enter_context(Wire(service.port)) for _ in range(4)]
        for wire in busy:
            wire.send(PREDICT[:30])
        eventually(lambda: value(samples(scrape(metrics)), "penguins_connections", state="head") == 4)
        with Wire(service.port) as late:
            late.send(PREDICT)
            response = late.response()
            assert_refused(response, 503, "connections")
            assert response.values("retry-after") == ["1"]
        with Wire(service.port) as late:
            late.send(LIVE)
            assert late.response().status == 200
        with Wire(service.port) as silent:
            assert silent.read_all() == b""
        for wire in busy:
            wire.send(PREDICT[30:])
            assert wire.response().status == 200
        eventually(lambda: answered(service) == 200)  # once they are idle for so long that one makes room
        eventually(lambda: sum(wire.quiet(0.05) for wire in busy) == 3)


def test_more_connections_than_files_is_refused(bundle_path: Path) -> None:
    """A start with more connections than files ends with a message that says what to set."""
    with (
        pytest.raises(AssertionError, match=r"MAX_CONNECTIONS needs \d+ open files"),
        serving(bundle_path, MAX_CONNECTIONS="100000000"),
    ):
        pass


def test_slow_bodies_leave_room_for_others(bundle_path: Path) -> None:
    """Slow bodies over their share get 503, while a small body is answered; later there is room again."""
    bound = HELD_BYTES // (60_000 - UNCOUNTED_BYTES)
    request = asking("/predict", BIRD.ljust(65_000))
    with contextlib.ExitStack() as stack, serving(bundle_path) as service:
        slow = [stack.enter_context(Wire(service.port)) for _ in range(bound + 20)]
        for wire in slow:
            wire.send(request[:60_200])
        answered: list[Wire] = []
        with Wire(service.port) as small:
            while not answered:
                small.send(asking("/predict")[:90], asking("/predict")[90:])
                assert small.response().status == 200
                answered = [wire for wire in slow if select.select([wire.socket], [], [], 0)[0]]
        for wire in answered:
            answer = wire.response()
            assert (answer.status, answer.closes, answer.values("retry-after")) == (503, True, ["1"])
        for wire in slow:
            wire.socket.close()
        status = 503
        while status == 503:
            with Wire(service.port) as later:
                later.send(request[:60_200], request[60_200:])
                status = later.response().status
        assert status == 200
