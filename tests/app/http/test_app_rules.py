"""Rules of HTTP that the parser leaves to the service, at both doors, and null in the inference protocol."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.http.head import plain_head
from tests.support.inference import INFER, binary_tensor, request
from tests.support.requests import BIRD, LIVE, PREDICT
from tests.support.service import Service, serving
from tests.support.wire import Wire


@pytest.fixture(scope="module", params=["1", "0"], ids=["fast", "Starlette"])
def door(request: pytest.FixtureRequest, bundle_path: Path) -> Iterator[Service]:
    with serving(bundle_path, FAST_PATH=request.param, HEADER_SECONDS="1") as service:
        yield service


def asked(service: Service, head: bytes, body: bytes = BIRD, path: bytes = b"/predict") -> int:
    """Return the status of one request with these lines in its head."""
    with Wire(service.port) as wire:
        wire.send(b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (path, head, len(body), body))
        return wire.response().status


@pytest.mark.parametrize("blanks", [b" ", b"\t", b" \t  "])
def test_blanks_after_a_value_are_no_part_of_it(door: Service, blanks: bytes) -> None:
    """Blanks after a header's value are not a part of it (RFC 9110, 5.5)."""
    assert asked(door, b"Host: x%b\r\nContent-Type: application/json%b\r\n" % (blanks, blanks)) == 200
    assert asked(door, b"Host: x\r\nContent-Encoding: identity%b\r\n" % blanks) == 200
    assert asked(door, b"Host: x\r\nContent-Encoding: gzip%b\r\n" % blanks) == 415
    assert asked(door, b"Host: x\r\nExpect: 200-ok%b\r\n" % blanks) == 417
    body = request(binary_tensor(16, shape=[1, 4]))
    head = b"Host: x\r\nInference-Header-Content-Length: %d%b\r\n" % (len(body), blanks)
    assert asked(door, head, body + bytes(16), INFER.encode()) == 200


@pytest.mark.parametrize(
    "parameters", [b";charset=utf8", b"; charset=utf-8", b"; odata=verbose", b";", b" ; a=b; c", b""]
)
def test_parameters_do_not_make_json_another_type(door: Service, parameters: bytes) -> None:
    """Parameters of application/json change nothing (RFC 8259, 11)."""
    assert asked(door, b"Host: x\r\nContent-Type: application/json%b\r\n" % parameters) == 200
    assert asked(door, b"Host: x\r\nContent-Type: application/jsonx%b\r\n" % parameters) == 415


@pytest.mark.parametrize("size", [10, 70_000, 3_000_000])
def test_another_type_is_told_whatever_the_size_of_its_body(door: Service, size: int) -> None:
    """A body of another type gets 415 whatever its size, and a body that was sent is skipped."""
    with Wire(door.port) as wire:
        for _ in range(2):
            wire.send(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size
            )
            assert wire.response().status == 415
            wire.send(bytes(size))


def test_an_empty_line_between_requests_begins_none(door: Service) -> None:
    """An empty line after a body begins no request and gets no 408 (RFC 9112, 2.2)."""
    with Wire(door.port) as wire:
        wire.send(PREDICT + b"\r\n")
        assert wire.response().status == 200
        wire.send(b"\r\n")
        assert wire.quiet(2.5)
        wire.send(PREDICT)
        assert wire.response().status == 200


def test_what_follows_connect_is_no_request(door: Service) -> None:
    """Bytes after CONNECT are not answered, because a proxy may read them otherwise."""
    with Wire(door.port) as wire:
        wire.send(b"CONNECT /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(LIVE), LIVE))
        assert wire.response().status in (400, 405)
        assert wire.response_or_end() is None


def test_an_encoded_slash_parts_no_path(door: Service) -> None:
    """An encoded slash does not separate a path (RFC 3986, 2.2)."""
    assert door.request("GET", "/health%2flive").status == 404
    assert door.request("GET", "/health%2Flive").status == 404
    assert door.request("GET", "/health/live?a=%2f").status == 200


def test_methods_are_always_listed_in_one_order(door: Service) -> None:
    """Allow lists the methods in one fixed order."""
    for path, method in (("/model", "DELETE"), ("/predict", "PUT"), ("/health/live", "POST")):
        allowed = door.request(method, path).headers["allow"].split(", ")
        assert allowed == sorted(allowed)


@pytest.mark.parametrize("field", ["id", "parameters", "outputs"])
def test_null_is_as_good_as_absent_in_the_protocol(door: Service, field: str) -> None:
    """A null field means an absent field: some clients cannot leave fields out."""
    tensor = {"name": "measurements", "shape": [1, 4], "datatype": "FP32", "data": [39.1, 18.7, 181, 3750]}
    answer = door.request("POST", INFER, json.dumps({"inputs": [tensor], field: None}).encode())
    assert answer.status == 200
    assert "id" not in answer.document
    assert [output["name"] for output in answer.document["outputs"]] == ["probabilities", "label"]


def test_only_http_is_spoken(door: Service) -> None:
    """RTSP/1.0 is refused, in one piece or in many."""
    line = b"GET /model RTSP/1.0\r\n\r\n"
    for pieces in ((line,), (line[:12], line[12:]), tuple(line[at : at + 1] for at in range(len(line)))):
        with Wire(door.port) as wire:
            wire.send(*pieces)
            assert wire.response().status == 505


def test_http_1_0_may_keep_its_connection(door: Service) -> None:
    """A client of HTTP/1.0 keeps its connection if it asks for it (`ab -k`), and only then."""
    for path in (b"/health/live", b"/model"):
        with Wire(door.port) as wire:
            for _ in range(2):
                wire.send(b"GET %b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" % path)
                answer = wire.response()
                assert (answer.status, answer.values("connection")) == (200, ["keep-alive"])
            wire.send(b"GET %b HTTP/1.0\r\n\r\n" % path)
            assert wire.response().closes
            assert wire.response_or_end() is None


def test_keep_alive_alone_is_nothing_unusual() -> None:
    """A head with only keep-alive is plain: most clients send it."""
    assert plain_head(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n")
    assert not plain_head(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, upgrade\r\n\r\n")
    assert not plain_head(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n")
