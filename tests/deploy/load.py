"""A small generator: a few connections that are kept, each asking as fast as it is answered."""

import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

CONNECTIONS = 4
SLOW_SECONDS = 0.05


class Seen(NamedTuple):
    """What became of a request."""

    status: int  # 0 where there was none
    version: str
    slow: bool


class Load:
    """Requests under way, counted by what became of them."""

    def __init__(self, port: int, bodies: Sequence[bytes], connections: int = CONNECTIONS) -> None:
        self._port = port
        self._bodies = bodies
        self._stop = threading.Event()
        self._counts = [Counter[Seen]() for _ in range(connections)]
        self._threads = [threading.Thread(target=self._ask, args=(count,)) for count in self._counts]

    def count(self, **wanted: object) -> int:
        """Return how many requests fit all of this."""
        counts = [dict(counter) for counter in self._counts]
        return sum(
            number
            for counter in counts
            for seen, number in counter.items()
            if all(getattr(seen, name) == value for name, value in wanted.items())
        )

    def _ask(self, counter: Counter[Seen]) -> None:
        bodies = itertools.cycle(self._bodies)
        while not self._stop.is_set():
            with (
                suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", self._port), 10) as connection,
            ):
                self._converse(connection, bodies, counter)

    def _converse(self, connection: socket.socket, bodies: Iterator[bytes], counter: Counter[Seen]) -> None:
        while not self._stop.is_set():
            body = next(bodies)
            head = b"POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(body)
            start = time.perf_counter()
            try:
                connection.sendall(head + body)
                status, version, closes = _reply(connection)
            except (OSError, ValueError):
                counter[Seen(0, "", False)] += 1
                return
            counter[Seen(status, version, time.perf_counter() - start > SLOW_SECONDS)] += 1
            if closes:
                return

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _reply(connection: socket.socket) -> tuple[int, str, bool]:
    """Read status, model version and whether the connection ends. Raises ValueError if it was cut off."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += _more(connection)
    return int(lines[0].split()[1]), headers.get("model-version", ""), headers.get("connection") == "close"


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ValueError("it was cut off")
    return data
