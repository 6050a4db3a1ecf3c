"""An open-loop load generator, a process of its own: requests leave when they are due, whatever the server does.

A request's latency counts from the moment it was due, so a server that stalls is charged for every request that would
have come meanwhile. Arrivals are a Poisson process: gaps are exponential, from a fixed seed. The loop never sleeps,
because an event loop's timers are as coarse as a millisecond: it needs a core of its own.
"""

import gc
import select
import socket
from collections import deque
from random import Random
from time import perf_counter_ns

import msgspec

from benchmarks.latency import Latency, decode, encode
from benchmarks.wire.processes import Started, apart
from benchmarks.wire.question import answer_length, cloud_request, request

OK = b"HTTP/1.1 200 "
PATIENCE = 30_000_000_000  # ns, for answers after the last request was due
CONNECTIONS = 32


class Step(msgspec.Struct, frozen=True):
    """What came of an offer: `busy_s` is the time until the last answer, `latency` that of the answers 200.

    `rate` is in requests a second. `wrong` counts other answers, broken connections with a request on them, and answers
    that never came. `late_p99_us` is the generator's own part: how late it saw that a request was due.
    """

    rate: float
    seconds: float
    busy_s: float
    offered: int
    wrong: int
    latency: Latency
    late_p99_us: float
    server_cpu_s: float = 0.0

    @property
    def achieved(self) -> float:
        """Return requests a second that were answered 200."""
        return self.latency.requests / max(self.busy_s, self.seconds)

    @property
    def cores(self) -> float:
        """Return the cores that the service used on average."""
        return self.server_cpu_s / max(self.busy_s, self.seconds)


class Connection:
    """A socket and the request on it, `due` at a nanosecond of perf_counter."""

    def __init__(self, port: int, poll: select.epoll, watched: "dict[int, Connection]") -> None:
        self._port, self._poll, self._watched = port, poll, watched  # by file descriptor
        self.busy, self.due = False, 0
        self._open()

    def _open(self) -> None:
        self._received, self._length = b"", -1  # the length of the last answer
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(self.socket.fileno(), select.EPOLLIN)
        self._watched[self.socket.fileno()] = self

    def reopen(self) -> None:
        """Connect again."""
        self._poll.unregister(self.socket.fileno())
        self.socket.close()
        self._open()

    def read(self) -> bytes | None:
        """Return the whole answer; b"" if the server has closed; None if there is more to come."""
        try:
            data = self.socket.recv(65_536)
        except OSError:
            return b""
        if not data or (len(data) == self._length and data.startswith(OK)):
            return data
        self._received += data
        length = answer_length(self._received)
        if length is None or len(self._received) < length:
            return None
        data, self._received, self._length = self._received, b"", length
        return data


class Generator:
    """One run. Requests that are due wait for a free connection in order."""

    def __init__(self, port: int, rate: float, seconds: float, cloud: bool) -> None:
        self._rate, self._seconds, self._cloud, self._same = rate, seconds, cloud, request(port)
        self._poll, self._watched = select.epoll(), dict[int, Connection]()
        self._free = deque(Connection(port, self._poll, self._watched) for _ in range(CONNECTIONS))
        self._latencies: list[int] = []  # nanoseconds
        self._wrong = self._sent = 0

    def run(self) -> Step:
        """Send all that is due and wait for the answers."""
        coming, waiting, late = arrivals(self._rate, self._seconds), deque[int](), list[int]()
        total, start = len(coming), perf_counter_ns()
        end = start + coming[-1] + PATIENCE
        while len(self._latencies) + self._wrong < total:
            now = perf_counter_ns()
            if now > end:
                self._wrong = total - len(self._latencies)
            while coming and start + coming[0] <= now:
                waiting.append(start + coming.popleft())
                late.append(now - waiting[-1])
            while waiting and self._free:
                self._send(self._free.popleft(), waiting.popleft())
            for descriptor, _ in self._poll.poll(0):
                self._receive(self._watched[descriptor])
        busy, latency = (perf_counter_ns() - start) / 1e9, Latency()
        for nanoseconds in self._latencies:
            latency.add(nanoseconds / 1000)
        late_us = sorted(late)[len(late) * 99 // 100] / 1000
        return Step(self._rate, self._seconds, busy, total, self._wrong, latency, late_us)

    def _send(self, connection: Connection, due: int) -> None:
        connection.busy, connection.due = True, due
        self._sent += 1
        try:
            connection.socket.send(cloud_request(self._sent) if self._cloud else self._same)
        except OSError:
            self._lose(connection)

    def _receive(self, connection: Connection) -> None:
        answer = connection.read()
        if answer is None:
            return
        if not answer or not connection.busy:
            self._lose(connection)
            return
        if answer.startswith(OK):
            self._latencies.append(perf_counter_ns() - connection.due)
        else:
            self._wrong += 1
        connection.busy = False
        if b"\r\nconnection: close" in answer.lower():
            connection.reopen()
        self._free.append(connection)

    def _lose(self, connection: Connection) -> None:
        """Connect again; a request that was on the connection is lost."""
        connection.reopen()
        if connection.busy:
            self._wrong += 1
            connection.busy = False
            self._free.append(connection)


def arrivals(rate: float, seconds: float) -> deque[int]:
    """Return when each request is due, in nanoseconds from the start: a Poisson process, at least one request."""
    random, moment, due = Random(1), 0.0, deque([0])  # noqa: S311  # not a secret
    while (moment := moment + random.expovariate(rate) * 1e9) < seconds * 1e9:
        due.append(int(moment))
    return due


def _generate(port: int, rate: float, seconds: float, cloud: bool) -> bytes:
    generator = Generator(port, rate, seconds, cloud)
    gc.disable()
    return encode(generator.run())


def offer(port: int, rate: float, seconds: float, *, cloud: bool = True, server: Started | None = None) -> Step:
    """Run the generator in a process of its own. If the server is given, its CPU is measured, too.

    If `cloud`, each request has a head like Cloud Run's; otherwise all have the same short head.
    """
    before = sum(server.cpu_seconds().values()) if server else 0.0
    step = decode(apart(_generate, port, rate, seconds, cloud), Step)
    spent = sum(server.cpu_seconds().values()) - before if server else 0.0
    return msgspec.structs.replace(step, server_cpu_s=spent)
