import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from statistics import mean, pstdev

import pytest

from benchmarks.wire.openloop import Offer, arrivals, send_offer
from benchmarks.wire.question import answer_length

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
LAST = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

# What a server does with the nth request, on the transport it came by.
Handle = Callable[[asyncio.Transport, int], None]


@contextmanager
def answering(handle: Handle) -> Iterator[int]:
    """Run a server in a thread, and yield its port."""
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
    """Every request is answered: whole or in pieces, on connections that last or not."""
    with answering(handle) as port:
        found = send_offer(port, Offer(300, 0.5))
    assert found.rate == 300
    assert found.wrong == 0
    assert found.statuses == {200: found.offered}
    assert len(found.latencies_us) == found.offered == pytest.approx(150, rel=0.3)
    assert 0 < found.quantile_ms(0.5) <= found.quantile_ms(0.99)


def test_a_stall_is_charged_for_all_that_would_have_come_meanwhile() -> None:
    """A stall is charged to all requests that are due while the server sleeps, not to one request a connection."""
    stall = 0.6

    def sleep_once(transport: asyncio.Transport, count: int) -> None:
        if count == 50:
            time.sleep(stall)
        transport.write(ANSWER)

    with answering(sleep_once) as port:
        found = send_offer(port, Offer(1000, 0.8))
    assert found.quantile_ms(0.5) > stall * 1000 / 10


def test_a_request_that_finds_no_free_connection_is_given_up() -> None:
    """A server that answers late keeps its one connection busy, and only then."""

    def later(transport: asyncio.Transport, _count: int) -> None:
        asyncio.get_running_loop().call_later(0.1, transport.write, ANSWER)

    with answering(later) as port:
        found = send_offer(port, Offer(200, 0.5, connections=1, gives_up=True))
    assert 2 <= found.statuses[200] <= 6
    assert found.given_up == found.offered - found.statuses[200]
    assert found.wrong == 0


@pytest.mark.parametrize(
    "handle", [lambda transport, _: transport.write(BUSY), lambda transport, _: transport.abort()], ids=["503", "abort"]
)
def test_a_refusal_has_no_speed(handle: Handle) -> None:
    """A refusal has no latency, and a connection that breaks has none."""
    with answering(handle) as port:
        found = send_offer(port, Offer(200, 0.3))
    assert found.wrong == found.offered
    assert found.latencies_us == []


def test_arrivals_are_random_and_the_same_on_every_run() -> None:
    """Arrivals have the wanted rate and the gaps of a Poisson process, whose deviation is their mean."""
    moments = list(arrivals(2_000, 5))
    assert moments == list(arrivals(2_000, 5))
    assert moments == sorted(moments)
    assert len(moments) == pytest.approx(10_000, rel=0.05)
    gaps = [after - before for before, after in pairwise(moments)]
    assert pstdev(gaps) == pytest.approx(mean(gaps), rel=0.1)


def test_there_is_a_request_however_low_the_rate() -> None:
    assert list(arrivals(0.001, 1)) == [0]


@pytest.mark.parametrize(
    ("data", "length"),
    [(ANSWER, len(ANSWER)), (ANSWER[:-2], len(ANSWER)), (ANSWER[:20], None), (LAST, len(LAST)), (BUSY, len(BUSY))],
)
def test_the_length_of_an_answer_is_known_from_its_head(data: bytes, length: int | None) -> None:
    assert answer_length(data) == length
