"""Large bodies: bounded in bytes, rows, number and time, and never in the way of small ones."""

import asyncio
import http.client
import re
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message

from app import batches
from app.answer import Answer
from app.memory import Claim, Memory
from tests.app.test_app_rows import HEADER, INFER, assert_protocol_error, binary_tensor, request
from tests.commands import EXAMPLE
from tests.service import Service, serving
from tests.telemetry import eventually
from tests.wire import Wire

LARGE = 100_000  # bytes: over the size that is answered inline
OK = Answer(200, [], b"")


@pytest.fixture(scope="module")
def bounded(bundle_path: Path) -> Iterator[Service]:
    with serving(bundle_path, MAX_BATCH_BYTES="200000", MAX_BATCH_ROWS="6000") as service:
        yield service


def batch(rows: int) -> tuple[bytes, dict[str, str]]:
    """A body of zeros, and its header."""
    head = request(binary_tensor(rows * 16, shape=[rows, 4]))
    return head + bytes(rows * 16), {HEADER: str(len(head))}


def test_too_many_rows(bounded: Service) -> None:
    """413 at one more than the limit, naming it; at the limit, 200."""
    assert bounded.request("POST", INFER, *batch(6000)).status == 200
    assert_protocol_error(bounded.request("POST", INFER, *batch(6001)), 413, "at most 6000 rows, found 6001")


def test_rows_beyond_any_memory(service: Service) -> None:
    """413 before anything is set aside for them."""
    body = request(binary_tensor(32, shape=[2**63, 4]))
    assert_protocol_error(service.request("POST", INFER, body), 413, f"found {2**63}")


@pytest.mark.parametrize("chunked", [False, True])
def test_too_many_bytes(bounded: Service, chunked: bool) -> None:
    """413 at one byte more than the limit, declared or in chunks; at the limit the request is read."""
    for length, status in ((200_000, 400), (200_001, 413)):
        body = bytes(length)
        connection = http.client.HTTPConnection("127.0.0.1", bounded.port, timeout=10)
        with closing(connection):
            pieces = iter([body[:-1], body[-1:]]) if chunked else body
            connection.request("POST", INFER, pieces, encode_chunked=chunked)
            assert connection.getresponse().status == status


def test_a_large_batch_in_chunks(service: Service) -> None:
    """Whatever the pieces, the answer is the same."""
    body, headers = batch(20_000)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    with closing(connection):
        pieces = (body[start : start + 7777] for start in range(0, len(body), 7777))
        connection.request("POST", INFER, pieces, headers, encode_chunked=True)
        assert connection.getresponse().read() == service.request("POST", INFER, body, headers).body


def memory(bodies: int = 4) -> Memory:
    """For so many large ones at once."""
    return Memory(bodies * batches.COPIES * LARGE)


Asked = Callable[[bytes], Awaitable[int]]


def asking(endpoint: ASGIApp, more: bool = False) -> Asked:
    """A client of the endpoint, without a socket; where there should be `more` of the body, it leaves."""

    async def ask(body: bytes) -> int:
        sent: list[Message] = []
        given: asyncio.Queue[Message] = asyncio.Queue()
        given.put_nowait({"type": "http.request", "body": body, "more_body": more})
        given.put_nowait({"type": "http.disconnect"})

        async def send(message: Message) -> None:
            sent.append(message)

        await endpoint({"type": "http", "headers": [(b"content-length", b"%d" % len(body))]}, given.get, send)
        return int(sent[0]["status"]) if sent else 0

    return ask


def test_small_batches_pass_a_large_one() -> None:
    """While a large one is computed in its thread, the loop answers others."""
    begun, release = threading.Event(), threading.Event()

    def handler(_: Mapping[bytes, bytes], body: bytes, __: Claim) -> Answer:
        if len(body) == LARGE:
            begun.set()
            assert release.wait(timeout=60)
        return OK

    async def scenario() -> None:
        ask = asking(batches.batch_endpoint(handler, LARGE, memory()))
        large = asyncio.ensure_future(ask(bytes(LARGE)))
        await asyncio.to_thread(begun.wait, 60)
        assert await ask(b"{}") == 200
        assert not large.done()
        release.set()
        assert await large == 200

    asyncio.run(scenario())


def test_large_batches_are_computed_one_by_one() -> None:
    """So that only one batch's tensors are in memory, however many clients there are."""
    inside = threading.Semaphore(batches.WORKERS)

    def handler(*_: object) -> Answer:
        assert inside.acquire(blocking=False)
        inside.release()
        return OK

    async def scenario() -> None:
        ask = asking(batches.batch_endpoint(handler, 5 * LARGE, memory(20)))
        assert await asyncio.gather(*(ask(bytes(LARGE)) for _ in range(20))) == [200] * 20

    asyncio.run(scenario())


def test_more_than_memory_is_meant_for_is_refused_at_once() -> None:
    """503 for the fifth where there is room for four; when others are answered, there is room again."""

    async def scenario() -> None:
        ask = asking(batches.batch_endpoint(lambda *_: OK, LARGE, memory(4)))
        statuses = await asyncio.gather(*(ask(bytes(LARGE)) for _ in range(5)))
        assert statuses == [200] * 4 + [503]
        assert await ask(bytes(LARGE)) == 200

    asyncio.run(scenario())


def test_a_client_that_vanished_loses_its_place() -> None:
    """It is answered nothing; then others are read."""

    async def scenario() -> None:
        endpoint = batches.batch_endpoint(lambda *_: OK, LARGE, memory(4))
        gone = asking(endpoint, more=True)
        assert await asyncio.gather(*(gone(bytes(LARGE)) for _ in range(4))) == [0] * 4
        assert await asking(endpoint)(bytes(LARGE)) == 200

    asyncio.run(scenario())


# What answers take

ROWS = 100_000  # 6.7 MB in JSON
IN_BINARY = {"parameters": {"binary_data_output": True}}


def large(rows: int, **fields: object) -> bytes:
    """A whole request of so many rows in binary."""
    head = request(binary_tensor(rows * 16, shape=[rows, 4]), **fields)
    size = len(head) + rows * 16
    first = f"POST {INFER} HTTP/1.1\r\nHost: x\r\n{HEADER}: {len(head)}\r\nContent-Length: {size}\r\n\r\n"
    return first.encode() + head + bytes(rows * 16)


@pytest.fixture(scope="module")
def small(bundle_path: Path) -> Iterator[Service]:
    """One with room for two of the requests below, answered in JSON, at once."""
    with serving(bundle_path, MAX_BATCH_MEMORY_BYTES="40000000", WRITE_SECONDS="2") as service:
        yield service


def test_an_answer_that_no_memory_is_meant_for(small: Service) -> None:
    """413 that says what would fit; in binary it does."""
    with Wire(small.port) as wire:
        wire.send(large(400_000))
        response = wire.response()
        assert response.status == 413
        assert b"400000 rows answered so take 62 MiB, of the 38 MiB" in response.body
        wire.send(large(400_000, **IN_BINARY))
        assert wire.response().status == 200


def test_clients_who_do_not_read_are_held_to_the_memory_that_is_meant_for_them(small: Service) -> None:
    """What their answers take is claimed until they read or are given up; others are told 503, predictions go on."""
    waiting: list[Wire] = []
    while small.request("POST", INFER, *batch(ROWS)).status == 200:
        assert len(waiting) < 8
        waiting.append(Wire(small.port, receive_buffer=4096))
        waiting[-1].send(large(ROWS))
    assert small.predict(EXAMPLE).status == 200
    assert small.request("POST", INFER, *batch(6000)).status == 200, "a small one has its own"
    assert resident_mb(small) < 150
    eventually(lambda: small.request("POST", INFER, *batch(ROWS)).status == 200, 20)
    for wire in waiting:
        wire.socket.close()


def test_a_large_answer_leaves_nothing(service: Service) -> None:
    """Memory goes back to the system, whatever went through it; the connection may stay."""
    with Wire(service.port, seconds=60) as wire:
        wire.send(large(1000))
        wire.response()
        before = resident_mb(service)
        for _ in range(2):
            wire.send(large(500_000))
            response = wire.response()
            assert (response.status, response.body.count(b",")) == (200, 500_000 * 4 + 8)
        eventually(lambda: resident_mb(service) < before + 12)


def test_an_answer_in_pieces_is_the_same(service: Service) -> None:
    """As those of its parts, in whatever form, also where the id looks like what is filled in."""
    rows = struct.pack("=8000f", *([39.1, 18.7, 181.0, 3750.0, 50.0, 15.0, 220.0, 5500.0] * 1000))
    outputs = [{"name": name} for name in ("margin", "probabilities", "label")]
    fields = {"id": '"data":[]\\"data":[]', "outputs": outputs}
    head = request(binary_tensor(len(rows), shape=[2000, 4]), **fields)
    whole = service.request("POST", INFER, head + rows, {HEADER: str(len(head))}).document
    assert whole["id"] == fields["id"]
    one = request(binary_tensor(32, shape=[2, 4]), **fields)
    part = service.request("POST", INFER, one + rows[:32], {HEADER: str(len(one))}).document
    for long, short in zip(whole["outputs"], part["outputs"], strict=True):
        assert long["data"] == short["data"] * 1000


def resident_mb(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]  # it is there
