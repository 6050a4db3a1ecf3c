"""The law of the wire: both doors give the same statuses and bodies for the same bytes."""

import asyncio
from pathlib import Path

import pytest

from app.http.connection import TURN_REQUESTS
from tests.support.doors import Door, Kept, compare, compare_by_sockets
from tests.support.streams import BIRD

SEED = 1  # `make fuzz` takes another each time


def test_both_doors_answer_alike(bundle_path: Path) -> None:
    """Both doors give the same answers to requests with mistakes, pipelined and split at any byte."""
    assert asyncio.run(compare(bundle_path, 3000, SEED)) == []


def test_others_have_their_turn(bundle_path: Path) -> None:
    """One turn of the event loop answers a few of thousands of requests; all are answered in order."""

    async def scenario() -> None:
        door, transport = Door(bundle_path, fast=True), Kept()
        connection = door.connect(transport)
        connection.data_received(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 6000 + b"GET / HTTP/9.9\r\n\r\n")
        first = transport.written.count(b"HTTP/1.1 200")
        assert TURN_REQUESTS <= first < 1000
        assert not transport.reading
        while not transport.ended:
            await asyncio.sleep(0)
        assert transport.written.count(b"HTTP/1.1 200") == 6000
        assert transport.written.count(b"HTTP/1.1 505") == 1

    asyncio.run(scenario())


def test_answers_that_nobody_reads_are_not_made(bundle_path: Path) -> None:
    """Requests of a client that does not read wait until it reads."""

    async def scenario() -> None:
        door, transport = Door(bundle_path, fast=True), Kept()
        connection = door.connect(transport)
        connection.pause_writing()
        connection.data_received(b"GET /health/live HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n" * 6000)
        for _ in range(100):
            await asyncio.sleep(0)
        assert transport.written.count(b"HTTP/1.1 200") == 0
        connection.resume_writing()
        while transport.written.count(b"HTTP/1.1 200") < 6000:
            await asyncio.sleep(0)
        assert transport.reading

    asyncio.run(scenario())


@pytest.mark.long
def test_both_doors_answer_alike_through_sockets(bundle_path: Path) -> None:
    """Two processes give the same answers through sockets."""
    assert compare_by_sockets(bundle_path, 200, SEED) == []


def test_what_has_been_answered_is_no_longer_counted(bundle_path: Path) -> None:
    """Bodies give back their memory when they are answered, although nothing more is sent."""

    async def scenario() -> None:
        door, transport = Door(bundle_path, fast=False), Kept()
        connection = door.connect(transport)
        body = BIRD.ljust(20_000)
        connection.data_received(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n%b" % body * 3)
        wire = door.application.state.http
        assert wire.held_bytes > 0
        while transport.written.count(b"HTTP/1.1 200") < 3:
            await asyncio.sleep(0)
        assert wire.held_bytes == 0

    asyncio.run(scenario())
