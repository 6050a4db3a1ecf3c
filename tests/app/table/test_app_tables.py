"""POST /score over sockets: forms, lengths and chunks, slow clients, and what happens in the middle of an answer."""

import asyncio
import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.core.memory import SMALL_BYTES, Memory
from app.model.serving import Serving
from app.table.scoring import PIECE_BYTES, Scoring
from app.table.tables import TableEndpoint
from score.bundle import Bundle, load_bundle
from tests.support.commands import EXAMPLE
from tests.support.doors import Door, Kept
from tests.support.releases import Release
from tests.support.service import Reply, Service, serving
from tests.support.tables import ask, served_of
from tests.support.telemetry import eventually
from tests.support.wire import Wire

NAMES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
ROW = b"39.1,18.7,181,3750\n"
HEADER = ",".join(NAMES).encode() + b"\n"
CSV = {"content-type": "text/csv"}
FORMS = {"csv": "text/csv", "ndjson": "application/x-ndjson", "json": "application/json"}


def table(rows: int) -> bytes:
    return HEADER + ROW * rows


def asking(body: bytes, *lines: str, version: str = "1.1") -> bytes:
    head = ["Host: x", "Content-Type: text/csv", f"Content-Length: {len(body)}", *lines]
    return f"POST /score HTTP/{version}\r\n".encode() + "\r\n".join(head).encode() + b"\r\n\r\n" + body


def score(service: Service, body: bytes, **headers: str) -> Reply:
    """Ask for a table's answer."""
    return service.request("POST", "/score", body, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_a_table_is_answered_through_both_doors(bundle_path: Path, bundle: Bundle, door: str) -> None:
    """A small answer has a length, a large one comes in chunks. Both name the model, and are the same everywhere."""
    with serving(bundle_path, FAST_PATH=door) as service:
        for rows, framing in ((0, "content-length"), (3, "content-length"), (20_000, "transfer-encoding")):
            reply = score(service, table(rows), content_type="text/csv")
            assert (reply.status, reply.headers["model-version"]) == (200, bundle.version)
            assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
            assert framing in reply.headers
            assert reply.body == ask(served_of(bundle), table(rows)).body


@pytest.mark.parametrize(
    ("sent", "accept", "status", "found"),
    [
        ("text/csv", None, 200, "text/csv"),
        ("text/csv; charset=UTF-8; header=present", "*/*", 200, "text/csv"),
        ("TEXT/CSV", "application/json", 200, "application/json"),
        ("text/csv", "application/json;q=0.5, application/x-ndjson", 200, "application/x-ndjson"),
        ("text/csv", "application/*, text/csv;q=0.9", 200, "application/x-ndjson"),
        ("text/csv", "application/json, */*;q=0.1", 200, "application/json"),
        ("text/csv", "text/html, application/json;q=0.2", 200, "application/json"),
        ("text/csv", "text/csv;q=0, */*", 200, "application/x-ndjson"),
        ("text/csv", "", 200, "text/csv"),
        ("text/csv", "text/html", 406, "application/problem+json"),
        ("text/csv", "*/*;q=0", 406, "application/problem+json"),
        ("text/csv; charset=latin-1", None, 415, "application/problem+json"),
        ("text/csv; header=absent", None, 415, "application/problem+json"),
        ("application/x-www-form-urlencoded", None, 415, "application/problem+json"),
        ("application/vnd.ms-excel", None, 415, "application/problem+json"),
    ],
)
def test_headers_choose_the_forms(service: Service, sent: str, accept: str | None, status: int, found: str) -> None:
    """Content-Type says what comes, Accept what is wanted, by weights; else the form stays. Neither is guessed."""
    headers = {"content_type": sent} if accept is None else {"content_type": sent, "accept": accept}
    reply = score(service, table(2), **headers)
    assert (reply.status, reply.headers["content-type"].partition(";")[0]) == (status, found)


def test_several_accept_headers_are_one_list(service: Service) -> None:
    """Accept may come in several lines: all of them count."""
    with Wire(service.port) as wire:
        wire.send(asking(table(1), "Accept: application/json", "Accept: text/html"))
        assert wire.response().values("content-type") == ["application/json"]


def test_json_needs_no_content_type(service: Service) -> None:
    """As for POST /predict, a body without a content type is JSON."""
    with Wire(service.port) as wire:
        body = b'[{"bill_length_mm": 39.1}]'
        wire.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body), body)
        answer = wire.response()
    assert answer.status == 200
    assert answer.document[0]["reason"].startswith("bill_depth_mm is missing: expected a number of mm; ")


def test_other_methods_and_encodings(service: Service) -> None:
    """Other methods get 405 with Allow, a compressed body 415 with Accept-Encoding."""
    for method in ("GET", "HEAD", "PUT"):
        reply = service.request(method, "/score")
        assert (reply.status, reply.headers["allow"]) == (405, "POST")
    reply = score(service, table(2), content_type="text/csv", content_encoding="gzip")
    assert (reply.status, reply.headers["accept-encoding"]) == (415, "identity")


def test_a_table_that_is_too_large(bundle_path: Path) -> None:
    """Too many bytes, with a length or in chunks, or too many rows get 413, which says what to do."""
    with serving(bundle_path, MAX_BATCH_BYTES="200000", MAX_BATCH_ROWS="6000") as service:
        assert score(service, table(6000), content_type="text/csv").status == 200
        assert score(service, table(6001), content_type="text/csv").status == 413
        for length, status in ((200_000, 422), (200_001, 413)):
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
            with closing(connection):
                pieces = iter([bytes(length - 1), b"x"])
                connection.request("POST", "/score", pieces, CSV, encode_chunked=True)
                assert connection.getresponse().status == status


def test_http_1_0_gets_a_length(service: Service, bundle: Bundle) -> None:
    """A client without chunks gets a long answer with its length."""
    with Wire(service.port, seconds=60) as wire:
        wire.send(asking(table(20_000), version="1.0"))
        answer = wire.response()
    assert answer.values("content-length") == [str(len(answer.body))]
    assert answer.body == ask(served_of(bundle), table(20_000)).body


def test_a_large_answer_takes_no_memory(service: Service) -> None:
    """An answer of 70 MB passes through without staying, while the body and a piece are held."""
    body = table(500_000)
    score(service, table(50_000), content_type="text/csv")
    before, most = resident_mb(service), 0.0
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    with closing(connection):
        connection.request("POST", "/score", body, CSV)
        response = connection.getresponse()
        size = 0
        while piece := response.read(1 << 20):
            size += len(piece)
            most = max(most, resident_mb(service))
    assert size > 60_000_000
    assert most < before + 2 * len(body) / 1e6 + 15
    eventually(lambda: resident_mb(service) < before + 12)


def resident_mb(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]  # it is there


@pytest.fixture(scope="module")
def small(bundle_path: Path) -> Iterator[Service]:
    """Run a service with room for two of the tables below."""
    with serving(bundle_path, MAX_BATCH_MEMORY_BYTES="20000000", WRITE_SECONDS="2") as service:
        yield service


def test_clients_who_do_not_read_hold_their_memory_and_no_thread(small: Service) -> None:
    """Unread answers keep their claims until they are given up; predictions and small tables go on."""
    body = table(100_000)
    waiting: list[Wire] = []

    def is_full() -> bool:
        """Send three more: on a busy machine those before may have been given up already."""
        for _ in range(3):
            waiting.append(Wire(small.port, receive_buffer=4096))
            waiting[-1].send(asking(body))
        return score(small, body, content_type="text/csv").status == 503

    eventually(is_full)
    assert small.predict(EXAMPLE).status == 200
    assert score(small, table(100), content_type="text/csv").status == 200
    eventually(lambda: score(small, body, content_type="text/csv").status == 200, 30)
    for wire in waiting:
        wire.socket.close()


def test_a_client_that_leaves_gives_its_memory_back(small: Service) -> None:
    """Who leaves in the middle of the body, or of the answer, holds nothing after that."""
    body = table(100_000)
    for sent in (asking(body)[:-1000], asking(body)):
        for _ in range(4):
            with Wire(small.port, receive_buffer=4096) as wire:
                wire.send(sent)
        eventually(lambda: score(small, body, content_type="text/csv").status == 200, 30)


def test_a_swap_within_an_answer(bundle: Bundle, second: Release) -> None:
    """An answer that has begun is of one model to its end, and names it; the next one is of the next model."""
    other = load_bundle(second.directory)
    serving = Serving()
    serving.swap(bundle)
    body = table(20_000)
    endpoint = TableEndpoint(serving, 1 << 24, 1 << 20, Memory(1 << 28), Memory(SMALL_BYTES))

    async def answer() -> tuple[dict[bytes, bytes], bytes]:
        sent: list[Any] = []

        async def receive() -> Any:
            if not sent and not received:
                received.append(True)
                return {"type": "http.request", "body": body}
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 3:  # the head and two pieces
                serving.swap(other)

        received: list[bool] = []
        headers = [(b"content-type", b"text/csv"), (b"content-length", b"%d" % len(body))]
        await endpoint({"type": "http", "http_version": "1.1", "headers": headers, "query_string": b""}, receive, send)
        return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])

    for expected in (bundle, other):
        headers, found = asyncio.run(answer())
        assert headers[b"model-version"].decode() == expected.version
        assert found == ask(served_of(expected), body).body
    assert ask(served_of(bundle), body).body != ask(served_of(other), body).body


def test_a_failure_within_an_answer_cuts_the_connection(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the service fails after the first piece, no last chunk comes: the answer cannot be taken for complete."""
    go_on = Scoring.go_on

    def fails(scoring: Scoring) -> None:
        if scoring.piece:
            raise MemoryError("none is left")
        go_on(scoring)

    monkeypatch.setattr(Scoring, "go_on", fails)

    async def told() -> tuple[bytes, bool]:
        transport = Kept()
        Door(bundle_path, fast=True).connect(transport).data_received(asking(table(20_000)))
        for _ in range(1000):
            if transport.closed:
                break
            await asyncio.sleep(0.01)
        return bytes(transport.written), transport.closed

    written, closed = asyncio.run(told())
    assert closed
    assert written.startswith(b"HTTP/1.1 200 ")
    assert len(written) > PIECE_BYTES
    assert not written.endswith(b"0\r\n\r\n")


def test_without_a_model_a_table_gets_503() -> None:
    """A service that has no model answers 503, as for POST /predict."""
    endpoint = TableEndpoint(Serving(), 1 << 20, 10, Memory(1 << 28), Memory(SMALL_BYTES))
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(endpoint({"type": "http", "http_version": "1.1", "headers": []}, send, send))  # type: ignore[arg-type]  # nothing is received
    assert sent[0]["status"] == 503
