"""Large bodies: bounded in bytes, rows, number and time, and never in the way of small ones."""

import asyncio
import http.client
import re
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.types import ASGIApp, Message, Scope

from app.batch import batches
from app.batch.batches import COPIES, PIECE_BYTES, batch_endpoint
from app.core.answer import Answer
from app.core.memory import Claim, Memory
from tests.support.commands import EXAMPLE
from tests.support.inference import HEADER, INFER, assert_protocol_error, batch, binary_tensor, request
from tests.support.service import Service, serving
from tests.support.telemetry import eventually
from tests.support.wire import Wire

LARGE = 100_000  # bytes: over the size that is answered inline
OK = Answer(200, [], b"")
HTTP = SimpleNamespace(model_name="penguin")  # what an endpoint reads of the application
SCOPE = {"type": "http", "path_params": {"model": "penguin"}, "app": SimpleNamespace(state=SimpleNamespace(http=HTTP))}


@pytest.fixture(scope="module")
def bounded(bundle_path: Path) -> Iterator[Service]:
    with serving(bundle_path, MAX_BATCH_BYTES="200000", MAX_BATCH_ROWS="6000") as service:
        yield service


def test_too_many_rows(bounded: Service) -> None:
    """A batch of one row more than the limit gets 413, which names the limit; at the limit it gets 200."""
    assert bounded.request("POST", INFER, *batch(6000)).status == 200
    assert_protocol_error(bounded.request("POST", INFER, *batch(6001)), 413, "at most 6000 rows, found 6001")


def test_rows_beyond_any_memory(service: Service) -> None:
    """A batch with more rows than any memory holds gets 413 before memory is claimed."""
    body = request(binary_tensor(32, shape=[2**63, 4]))
    assert_protocol_error(service.request("POST", INFER, body), 413, f"found {2**63}")


@pytest.mark.parametrize("chunked", [False, True])
def test_too_many_bytes(bounded: Service, chunked: bool) -> None:
    """A body of one byte more than the limit gets 413, with a length or in chunks; at the limit it is read."""
    for length, status in ((200_000, 400), (200_001, 413)):
        body = bytes(length)
        connection = http.client.HTTPConnection("127.0.0.1", bounded.port, timeout=60)
        with closing(connection):
            pieces = iter([body[:-1], body[-1:]]) if chunked else body
            connection.request("POST", INFER, pieces, encode_chunked=chunked)
            assert connection.getresponse().status == status


def test_a_large_batch_in_chunks(service: Service) -> None:
    """A large batch gets the same answer in any chunks."""
    body, headers = batch(20_000)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    with closing(connection):
        pieces = (body[start : start + 7777] for start in range(0, len(body), 7777))
        connection.request("POST", INFER, pieces, headers, encode_chunked=True)
        assert connection.getresponse().read() == service.request("POST", INFER, body, headers).body


def memory(bodies: int = 4) -> Memory:
    """Return memory for this many large batches at once."""
    return Memory(bodies * (batches.COPIES * LARGE + batches.PIECE_BYTES))


Asked = Callable[[bytes], Awaitable[int]]


def asking(endpoint: ASGIApp, more: bool = False) -> Asked:
    """Send a request to the endpoint without a socket. If `more` of the body should come, the client leaves."""

    async def ask(body: bytes) -> int:
        sent: list[Message] = []
        given: asyncio.Queue[Message] = asyncio.Queue()
        given.put_nowait({"type": "http.request", "body": body, "more_body": more})
        given.put_nowait({"type": "http.disconnect"})

        async def send(message: Message) -> None:
            sent.append(message)

        await endpoint({**SCOPE, "headers": [(b"content-length", b"%d" % len(body))]}, given.get, send)
        return int(sent[0]["status"]) if sent else 0

    return ask


def test_small_batches_pass_a_large_one() -> None:
    """The event loop answers small batches while a thread computes a large one."""
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
    """Only one large batch is in memory at a time, however many clients there are."""
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
    """The fifth batch gets 503 if there is room for four, and is read when others are answered."""

    async def scenario() -> None:
        ask = asking(batches.batch_endpoint(lambda *_: OK, LARGE, memory(4)))
        statuses = await asyncio.gather(*(ask(bytes(LARGE)) for _ in range(5)))
        assert statuses == [200] * 4 + [503]
        assert await ask(bytes(LARGE)) == 200

    asyncio.run(scenario())


def test_a_client_that_vanished_loses_its_place() -> None:
    """A client that has left gets no answer and gives its place to others."""

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
    """Make a whole binary request of so many rows."""
    head = request(binary_tensor(rows * 16, shape=[rows, 4]), **fields)
    size = len(head) + rows * 16
    first = f"POST {INFER} HTTP/1.1\r\nHost: x\r\n{HEADER}: {len(head)}\r\nContent-Length: {size}\r\n\r\n"
    return first.encode() + head + bytes(rows * 16)


@pytest.fixture(scope="module")
def small(bundle_path: Path) -> Iterator[Service]:
    """Run a service with room for two of the requests below, answered in JSON, at once."""
    with serving(bundle_path, MAX_BATCH_MEMORY_BYTES="40000000", WRITE_SECONDS="2") as service:
        yield service


def test_an_answer_that_no_memory_is_meant_for(small: Service) -> None:
    """A batch whose JSON answer does not fit gets 413, which says what fits; in binary it is answered."""
    with Wire(small.port) as wire:
        wire.send(large(400_000))
        response = wire.response()
        assert response.status == 413
        assert b"400000 rows with these outputs need 62 MiB; this server has 38 MiB" in response.body
        wire.send(large(400_000, **IN_BINARY))
        assert wire.response().status == 200


def test_who_asks_for_a_judgement_pays_for_it(small: Service) -> None:
    """A batch that asks for distances needs more memory than one that does not, and a large one gets 413."""
    outputs = [{"name": name} for name in ("label", "distance")]
    with Wire(small.port) as wire:
        for wanted, status in ((outputs[:1], 200), (outputs, 413)):
            wire.send(large(500_000, outputs=wanted, **IN_BINARY))
            assert wire.response().status == status


def test_clients_who_do_not_read_are_held_to_the_memory_that_is_meant_for_them(small: Service) -> None:
    """Unread answers hold their claim on memory: other batches get 503, and predictions go on."""
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
    """The memory of a large answer goes back to the system, although the connection stays."""
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
    """An answer in pieces has the bytes of its parts, whatever the id looks like."""
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


def test_a_slow_batch_keeps_nobody_from_sending() -> None:
    """A body in chunks claims memory as it arrives, not all of it at once."""
    memory = Memory(1_000_000)
    endpoint = batch_endpoint(lambda *_: pytest.fail("not read"), 500_000, memory)

    async def slow() -> int:
        scope: Scope = {**SCOPE, "headers": [(b"transfer-encoding", b"chunked")]}
        sent: list[Message] = [{"type": "http.request", "body": bytes(1000), "more_body": True}]

        waits = asyncio.Event()

        async def receive() -> Message:
            if not sent:
                waits.set()
                await asyncio.Event().wait()  # for ever
            return sent.pop()

        async def send(message: Message) -> None:
            raise AssertionError(message)

        task = asyncio.ensure_future(cast("Coroutine[None, None, None]", endpoint(scope, receive, send)))
        await waits.wait()
        free = next(size for size in range(1_000_000, 0, -1) if memory.take(size))
        task.cancel()
        return free

    assert asyncio.run(slow()) == 1_000_000 - COPIES * 1000 - PIECE_BYTES
