"""An open-loop load generator, a process of its own: requests leave when they are due, whatever the server does.

A request's latency counts from the moment it was due, so a server that stalls is charged for every request that would
have come meanwhile. Arrivals are a Poisson process: gaps are exponential, from a fixed seed. The loop never sleeps,
because an event loop's timers are as coarse as a millisecond: it needs a core of its own.
"""

import gc
import select
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from time import perf_counter_ns
from typing import NamedTuple

from benchmarks.latencies import quantile
from benchmarks.wire.connection import Connection
from benchmarks.wire.processes import Started, apart
from benchmarks.wire.question import cloud_request

PATIENCE = 30_000_000_000  # ns, for answers after the last request was due
LOST = 0  # the status of a request whose connection broke


class Offer(NamedTuple):
    """What a generator offers a server: requests a second, for so many seconds.

    A request that finds no free connection waits for one, or is given up if `gives_up`. `request` makes the nth one.
    """

    rate: float
    seconds: float
    connections: int = 32
    gives_up: bool = False
    request: Callable[[int], bytes] = cloud_request


class Step(NamedTuple):
    """What came of an offer: `busy_s` is the time until the last answer; latencies are sorted, of the answers 200.

    `late_p99_us` is the generator's own part: how late it saw that a request was due.
    """

    rate: float
    seconds: float
    busy_s: float
    offered: int
    given_up: int
    statuses: Counter[int]
    latencies_us: list[float]
    late_p99_us: float
    server_cpu_s: float = 0.0

    @property
    def wrong(self) -> int:
        """Return how many requests had another answer than 200, or none."""
        return self.offered - self.given_up - self.statuses[200]

    @property
    def achieved(self) -> float:
        """Return requests a second that were answered 200."""
        return self.statuses[200] / max(self.busy_s, self.seconds)

    @property
    def cores(self) -> float:
        """Return the cores that the service used on average."""
        return self.server_cpu_s / max(self.busy_s, self.seconds)

    def quantile_ms(self, share: float) -> float:
        """Return the quantile of latencies, in milliseconds."""
        return quantile(self.latencies_us, share) / 1000


class Generator:
    """One run. Requests that wait for a free connection get one in order."""

    def __init__(self, port: int, offer: Offer) -> None:
        self._offer, self._poll = offer, select.epoll()
        connections = [Connection(port) for _ in range(offer.connections)]
        self._free, self._by_descriptor = deque(connections), dict[int, Connection]()
        for connection in connections:
            self._watch(connection)
        self._latencies: list[float] = []
        self._statuses = Counter[int]()
        self._sent = self._given_up = 0

    def run(self) -> Step:
        """Send all that is due and wait for the answers."""
        coming, waiting, late = arrivals(self._offer.rate, self._offer.seconds), deque[int](), list[int]()
        offered, start = len(coming), perf_counter_ns()
        end = start + coming[-1] + PATIENCE
        while self._given_up + self._statuses.total() < offered and (now := perf_counter_ns()) < end:
            while coming and start + coming[0] <= now:
                waiting.append(start + coming.popleft())
                late.append(now - waiting[-1])
            while waiting and self._free:
                self._send(self._free.popleft(), waiting.popleft())
            if self._offer.gives_up:
                self._given_up += len(waiting)
                waiting.clear()
            for descriptor, _ in self._poll.poll(0):
                self._receive(self._by_descriptor[descriptor])
        busy, late_us = (perf_counter_ns() - start) / 1e9, quantile(sorted(late), 0.99) / 1000
        rate, seconds, *_ = self._offer
        latencies = sorted(self._latencies)
        return Step(rate, seconds, busy, offered, self._given_up, self._statuses, latencies, late_us)

    def _watch(self, connection: Connection) -> None:
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        self._by_descriptor[connection.socket.fileno()] = connection

    def _send(self, connection: Connection, due: int) -> None:
        self._sent += 1
        if not connection.send(self._offer.request(self._sent), due):
            self._lose(connection)

    def _receive(self, connection: Connection) -> None:
        answer = connection.read()
        if answer is None:
            return
        if not answer or not connection.busy:
            self._lose(connection)
            return
        status = int(answer[9:12])
        self._statuses[status] += 1
        if status == 200:
            self._latencies.append((perf_counter_ns() - connection.due) / 1000)
        if b"\r\nconnection: close" in answer.lower():
            self._reopen(connection)
        connection.busy = False
        self._free.append(connection)

    def _lose(self, connection: Connection) -> None:
        """Connect again; a request that was on the connection is lost."""
        self._reopen(connection)
        if connection.busy:
            self._statuses[LOST] += 1
            connection.busy = False
            self._free.append(connection)

    def _reopen(self, connection: Connection) -> None:
        self._poll.unregister(connection.socket.fileno())
        connection.reopen()
        self._watch(connection)


def arrivals(rate: float, seconds: float) -> deque[int]:
    """Return when each request is due, in nanoseconds from the start: a Poisson process, at least one request."""
    random, moment, due = Random(1), 0.0, deque([0])  # noqa: S311  # not a secret
    while (moment := moment + random.expovariate(rate) * 1e9) < seconds * 1e9:
        due.append(int(moment))
    return due


def generate(port: int, offer: Offer) -> Step:
    """Run the generator in this process."""
    generator = Generator(port, offer)
    gc.disable()
    return generator.run()


def send_offer(port: int, offer: Offer) -> Step:
    """Run the generator in a process of its own, on this one's cores."""
    return apart(generate, port, offer)


def measure_offer(server: Started, offer: Offer) -> Step:
    """Run the generator in a process of its own, and measure the server's CPU, too."""
    before = server.cpu_seconds()
    step = send_offer(server.port, offer)
    return step._replace(server_cpu_s=server.cpu_seconds() - before)
