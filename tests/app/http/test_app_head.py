"""The head of a request: what the simple reader accepts, what llhttp reads, and how much of it there may be."""

import json
from pathlib import Path

import pytest

from app.core.operation import content_length
from app.http.head import plain_head
from tests.support.inference import INFER
from tests.support.requests import DOORS, asking
from tests.support.service import serving
from tests.support.wire import Wire


@pytest.mark.parametrize(
    "head",
    [
        b"\r\nPOST /predict HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST  /predict HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /predict  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nA: \x80\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"POST /predict HTTP/1.1\nHost: x\n\n",
        b"POST /predict HTTP/1.1\r\n\r\n",
    ],
)
def test_an_odd_head_is_not_plain(head: bytes) -> None:
    """The simple reader leaves every head to the parser that the two could read differently."""
    assert not plain_head(head)
    assert plain_head(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length:5\r\nA: b c\r\n\r\n")


ODD = (b"\r\n" + asking("/predict"), asking("/predict").replace(b" ", b"  ", 1))


@pytest.mark.parametrize("odd", ODD, ids=["an empty line before", "two blanks"])
def test_an_odd_head_costs_no_other_client_a_line(bundle_path: Path, odd: bytes, tmp_path: Path) -> None:
    """A hundred odd heads are answered, and cost no other client a log line."""
    log = tmp_path / "log"
    with (
        log.open("wb") as stdout,
        serving(bundle_path, stdout=stdout, LOG_LINES_PER_SECOND="100000", LOG_FORMAT="json") as service,
        Wire(service.port) as one,
        Wire(service.port) as other,
    ):
        for _ in range(100):
            one.send(odd)
            other.send(asking("/predict", head=b"User-Agent: neighbour\r\n"))
            assert one.response().status == other.response().status == 200
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    agents = [line["httpRequest"].get("userAgent") for line in lines if "httpRequest" in line]
    assert agents.count("neighbour") == 100
    assert len(agents) == 200


@pytest.mark.parametrize(("text", "length"), [(b"94", 94), (b"0" * 5000 + b"94", 94), (b"0" * 5000, 0), (b"94 ", 94)])
def test_a_length_may_have_any_number_of_zeros(text: bytes, length: int) -> None:
    """A length may have more leading zeros than int() reads."""
    assert content_length(text) == length


@DOORS
def test_a_long_content_length_is_no_fault_of_ours(bundle_path: Path, door: str) -> None:
    """A length with five thousand leading zeros gets the usual answer at both doors."""
    with serving(bundle_path, FAST_PATH=door) as service, Wire(service.port) as wire:
        zeros = b"Content-Length: " + b"0" * 5000
        wire.send(asking("/predict").replace(b"Content-Length: ", zeros))
        assert wire.response().status == 200
        wire.send(asking(INFER, b"{}").replace(b"Content-Length: ", zeros))
        assert wire.response().status == 400


@DOORS
def test_more_than_a_hundred_headers_are_refused(bundle_path: Path, door: str) -> None:
    """More than a hundred headers get 431, even before the head ends."""
    with serving(bundle_path, FAST_PATH=door) as service:
        for number, end, status in ((100, b"\r\n", 200), (101, b"\r\n", 431), (102, b"", 431)):
            lines = b"".join(b"a%d:\r\n" % line for line in range(number - 1))
            with Wire(service.port) as wire:
                wire.send(b"GET /model HTTP/1.1\r\nHost: x\r\n" + lines + end)
                assert wire.response().status == status
