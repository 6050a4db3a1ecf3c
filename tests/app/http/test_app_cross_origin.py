"""ALLOWED_ORIGINS: who may read answers in a browser, at every door; and that nothing changes without it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import pytest

from app.core.operation import JSON_TYPES
from tests.support.commands import EXAMPLE
from tests.support.doors import Door, Kept, differences
from tests.support.service import Reply, Service, serving
from tests.support.streams import stream

FIELD, OTHER = "https://field.example", "https://other.example:8443"
LIST = f"{FIELD}, {OTHER}"
FOREIGN = ("https://evil.example", "null", "https://field.example.evil.example", "http://field.example", FIELD.upper())
UVICORN = ("uvicorn", "app.main:app", "--host", "127.0.0.1", "--port", "0", "--ws", "none")
DOORS = {"fast": ("app",), "starlette": ("app",), "another server": UVICORN}
INFER = "/v2/models/penguin/infer"
BODY = msgspec.json.encode(EXAMPLE)
JSON = {"content-type": "application/json"}
ASKED = (  # method, path, body, status
    ("POST", "/predict", BODY, 200),
    ("POST", "/predict", b"{}", 422),
    ("POST", "/predict", BODY.replace(b"3750", b"3.75"), 400),
    ("POST", "/explain", BODY, 200),
    ("POST", INFER, b"{}", 400),
    ("GET", "/predict", None, 405),
    ("GET", "/model", None, 200),
    ("GET", "/health/live", None, 200),
    ("GET", "/nowhere", None, 404),
    ("GET", "/docs", None, 200),
    ("OPTIONS", "/predict", None, 405),  # no preflight: it names no method
)
PATHS = ("/predict", "/explain", "/model", "/health/live", INFER, "/", "/docs", "/static/x/docs.js", "/nowhere")


class Running(NamedTuple):
    """A service behind one door. `allowed` is its setting."""

    service: Service
    allowed: str

    def ask(self, method: str, path: str, body: bytes | None = None, origin: str = "") -> Reply:
        named = {"origin": origin} if origin else {}
        return self.service.request(method, path, body, {**(JSON if body else {}), **named})

    def preflight(self, path: str, origin: str) -> Reply:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        return self.service.request("OPTIONS", path, headers={"origin": origin, **asked})


@pytest.fixture(scope="module", params=[(door, allowed) for door in DOORS for allowed in (LIST, "*")], ids=str)
def running(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[Running]:
    door, allowed = request.param
    fast = {"FAST_PATH": str(int(door == "fast"))}
    with serving(bundle_path, DOORS[door], ALLOWED_ORIGINS=allowed, SERVER_TIMING="0", **fast) as service:
        yield Running(service, allowed)


@pytest.mark.parametrize(("method", "path", "body", "status"), ASKED)
def test_an_allowed_origin_reads_every_answer(
    running: Running, method: str, path: str, body: bytes | None, status: int
) -> None:
    """Each answer, also one of an error, names the origin that may read it and the headers that it may read."""
    for origin in (FIELD, OTHER):
        reply = running.ask(method, path, body, origin)
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == ("*" if running.allowed == "*" else origin)
        assert "model-version" in reply.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in reply.headers
        assert ("Origin" in varies(reply)) == (running.allowed != "*")


@pytest.mark.parametrize(("method", "path", "body", "status"), ASKED)
def test_others_get_the_answer_that_they_always_got(
    running: Running, service: Service, method: str, path: str, body: bytes | None, status: int
) -> None:
    """A request without an origin, or from another one, gets the ordinary answer; caches keep the two apart."""
    ordinary = service.request(method, path, body, JSON if body else {})
    for origin in ("", *FOREIGN):
        reply = running.ask(method, path, body, origin)
        assert (reply.status, reply.body) == (ordinary.status, ordinary.body) == (status, ordinary.body)
        if running.allowed != "*":
            assert "access-control-allow-origin" not in reply.headers
            assert "Origin" in varies(reply)


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_for_every_path(running: Running, path: str) -> None:
    """A browser that asks first learns which methods and headers it may send, whatever the path."""
    reply = running.preflight(path, FIELD)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["access-control-allow-origin"] == ("*" if running.allowed == "*" else FIELD)
    assert reply.headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert {"content-type", "prefer", "*"} <= set(reply.headers["access-control-allow-headers"].split(", "))
    assert int(reply.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in reply.headers
    assert "access-control-allow-private-network" not in reply.headers


@pytest.mark.parametrize("path", ["/predict", INFER])
def test_the_preflight_of_another_origin_is_refused(running: Running, path: str) -> None:
    """A browser that asks for another origin gets a 403 in the form of the path, without the header."""
    for origin in FOREIGN if running.allowed != "*" else ():
        reply = running.preflight(path, origin)
        assert reply.status == 403
        assert "ALLOWED_ORIGINS" in reply.document["error" if path == INFER else "detail"]
        assert "access-control-allow-origin" not in reply.headers
        assert "access-control-allow-methods" not in reply.headers


def varies(reply: Reply) -> list[str]:
    return [each.strip() for each in reply.headers.get("vary", "").split(",")]


def test_without_the_setting_nothing_changes(service: Service) -> None:
    """No answer has such a header, and a preflight is a request like others."""
    preflight = {"origin": FIELD, "access-control-request-method": "POST"}
    for reply in (service.request("OPTIONS", "/predict", headers=preflight), service.predict(BODY)):
        assert not [name for name in reply.headers if name.startswith("access-control") or name == "vary"]
    assert service.request("OPTIONS", "/predict", headers=preflight).status == 405


def test_preflights_are_answered_without_the_application(bundle_path: Path) -> None:
    """The connection answers at once; only behind requests that the application still answers it must wait its turn."""
    asked = b"OPTIONS /explain HTTP/1.1\r\nHost: x\r\nOrigin: %b\r\nAccess-Control-Request-Method: POST\r\n\r\n"
    preflight = asked % FIELD.encode()

    async def scenario() -> None:
        for fast in (True, False):
            door, transport = Door(bundle_path, fast=fast, origins=LIST), Kept()
            connection = door.connect(transport)
            connection.data_received(preflight)
            assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")
            assert connection.queue is None
            told = await door.told([b"GET /model HTTP/1.1\r\nHost: x\r\n\r\n" + preflight + asked % b"https://no"])
            assert [status for status, _ in told.answers] == [200, 200, 403]

    asyncio.run(scenario())


def test_only_a_request_with_an_origin_leaves_the_fast_path(bundle_path: Path) -> None:
    """Tools keep the fast path; if every origin is allowed, browsers do, too."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

    JSON_TYPES.check(b"application/json")  # as after the first request

    async def scenario() -> None:
        for origins, origin, parsed in (
            (LIST, b"", False),
            (LIST, b"oRigin:x\r\n", True),
            ("*", b"Origin: x\r\n", False),
        ):
            transport = Kept()
            connection = Door(bundle_path, fast=True, origins=origins).connect(transport)
            connection.data_received(head % (origin + b"O: 1\r\nUser-Agent: x\r\n", len(BODY)) + BODY)
            assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")
            assert (connection.parser is not None) == parsed

    asyncio.run(scenario())


def test_the_heads_of_many_origins_are_bounded(bundle_path: Path) -> None:
    """What is kept for each origin is bounded, and each gets its own name."""
    allowed = [f"https://{number}.example" for number in range(200)]

    async def scenario() -> None:
        door = Door(bundle_path, fast=True, origins=",".join(allowed))
        for origin in allowed * 2:
            transport = Kept()
            door.connect(transport).data_received(
                b"GET /health/live HTTP/1.1\r\nHost: x\r\nOrigin: %b\r\n\r\n" % origin.encode()
            )
            assert b"\r\naccess-control-allow-origin: %b\r\n" % origin.encode() in transport.written
        assert len(door.application.state.http.origins._extended) <= 64

    asyncio.run(scenario())


@pytest.mark.parametrize("allowed", [LIST, "*"])
def test_both_doors_answer_origins_alike(bundle_path: Path, allowed: str) -> None:
    """Made-up streams, in which many requests come from pages of some origin and many are preflights."""

    async def scenario() -> None:
        fast, starlette = (Door(bundle_path, fast=each, origins=allowed) for each in (True, False))
        for case in range(600):
            random = Random(f"{allowed}/{case}")  # noqa: S311  # cases, not secrets
            whole = b"".join(stream(random))
            origin = random.choice([FIELD, "https://evil.example", "null", "", FIELD + "\r\nOrigin: " + OTHER]).encode()
            whole = whole.replace(b"User-Agent: field/1.0", b"Origin: " + origin)
            whole = whole.replace(b"Accept: */*", b"Access-Control-Request-Method: POST")
            for at in range(whole.count(b"PUT ")):
                whole = whole.replace(b"PUT ", b"OPTIONS ", at % 2)
            assert differences([whole], await fast.told([whole]), await starlette.told([whole])) == []

    asyncio.run(scenario())
