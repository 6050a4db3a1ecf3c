import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from benchmarks.wire.example import Wrong
from benchmarks.wire.load import open_loop
from benchmarks.wire.openloop import Load, answer_length, arrivals, percentiles

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
LAST = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

# What a server does with the nth request, on the transport it came by.
Handle = Callable[[asyncio.Transport, int], None]


@contextmanager
def answering(handle: Handle) -> Iterator[int]:
    """A server on the port it gives, in a thread."""
    loop, count = asyncio.new_event_loop(), 0

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport

        def data_received(self, _data: bytes) -> None:
            nonlocal count
            count += 1
            handle(self.transport, count)

    server = loop.run_until_complete(loop.create_server(Connection, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()


def close_after_each(transport: asyncio.Transport, _count: int) -> None:
    transport.write(LAST)
    transport.close()


def in_pieces(transport: asyncio.Transport, _count: int) -> None:
    transport.write(ANSWER[:30])
    asyncio.get_running_loop().call_later(0.001, transport.write, ANSWER[30:])


@pytest.mark.parametrize("handle", [lambda transport, _: transport.write(ANSWER), close_after_each, in_pieces])
def test_every_request_is_answered(handle: Handle) -> None:
    """Whole or in pieces, on connections that last or not."""
    with answering(handle) as port:
        found = open_loop(port, 300, 0.5)
    assert found.rate == 300
    assert found.outcome.wrong == 0
    assert found.outcome.requests == pytest.approx(150, rel=0.3)
    assert 0 < found.outcome.p50_us <= found.outcome.p99_us


def test_a_stall_is_charged_for_all_that_would_have_come_meanwhile() -> None:
    """Not for one request a connection: most of these are due while the server sleeps."""
    stall = 0.6

    def sleep_once(transport: asyncio.Transport, count: int) -> None:
        if count == 50:
            time.sleep(stall)
        transport.write(ANSWER)

    with answering(sleep_once) as port:
        found = open_loop(port, 1000, 0.8)
    assert found.outcome.p50_us > stall * 1e6 / 10


@pytest.mark.parametrize(
    "handle", [lambda transport, _: transport.write(BUSY), lambda transport, _: transport.abort()], ids=["503", "abort"]
)
def test_a_refusal_has_no_speed(handle: Handle) -> None:
    """Neither has a connection that breaks."""
    with answering(handle) as port, pytest.raises(Wrong, match="not answered with status 200"):
        open_loop(port, 200, 0.3)


def test_arrivals_are_random_and_the_same_on_every_run() -> None:
    """Of the wanted rate, with the gaps of a Poisson process: their deviation is their mean."""
    load = Load(1, b"", rate=2_000, seconds=5)
    moments = list(arrivals(load))
    assert moments == list(arrivals(load))
    assert moments == sorted(moments)
    assert len(moments) == pytest.approx(10_000, rel=0.05)
    gaps = [after - before for before, after in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.1)


def test_there_is_a_request_however_low_the_rate() -> None:
    assert list(arrivals(Load(1, b"", rate=0.001, seconds=1))) == [0]


def test_percentiles_are_of_the_sorted_values() -> None:
    """Nanoseconds in, microseconds out."""
    assert percentiles([1000 * n for n in reversed(range(100))]) == (50.0, 99.0)
    assert percentiles([]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("data", "length"),
    [(ANSWER, len(ANSWER)), (ANSWER[:-2], len(ANSWER)), (ANSWER[:20], None), (LAST, len(LAST)), (BUSY, len(BUSY))],
)
def test_the_length_of_an_answer_is_known_from_its_head(data: bytes, length: int | None) -> None:
    assert answer_length(data) == length
