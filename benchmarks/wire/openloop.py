"""An open-loop load generator, a process of its own: requests leave when they are due, whatever the server does.

A request's latency counts from the moment it was due, so a server that stalls is charged for every request that would
have come meanwhile. Arrivals are a Poisson process: gaps are exponential, from a fixed seed. The loop never sleeps, as
an event loop's timers are as coarse as a millisecond: it wants a core of its own. `python -m benchmarks.wire.openloop`
reads a Load from stdin and writes an Outcome to stdout, both in JSON.
"""

import gc
import select
import socket
import sys
from collections import deque
from random import Random
from time import perf_counter_ns

import msgspec

OK = b"HTTP/1.1 200 "
PATIENCE = 30_000_000_000  # ns, for answers after the last request was due


class Load(msgspec.Struct, frozen=True):
    """What to send, where and how often. `request` is a whole HTTP request; `rate` is per second."""

    port: int
    request: bytes
    rate: float
    seconds: float
    connections: int = 32
    seed: int = 1
    new_heads: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """Latencies in microseconds. `late_p99_us` is the generator's own part: how late it saw that a request was due.

    `wrong` counts answers other than 200, broken connections with a request on them, and answers that never came.
    """

    requests: int
    wrong: int
    p50_us: float
    p99_us: float
    late_p99_us: float


class Connection:
    """A socket and the request on it, `due` at a nanosecond of perf_counter. `length` is that of its last answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.busy, self.due = False, 0
        self.open()

    def open(self) -> None:
        """Connect; again where the server has closed."""
        self.received, self.length = b"", -1
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes | None:
        """The whole answer; b"" where the server has closed; None before."""
        try:
            data = self.socket.recv(65_536)
        except OSError:
            return b""
        if not data or (len(data) == self.length and data.startswith(OK)):
            return data
        self.received += data
        length = answer_length(self.received)
        if length is None or len(self.received) < length:
            return None
        data, self.received, self.length = self.received, b"", length
        return data


def answer_length(data: bytes) -> int | None:
    """The length of an answer with a content-length, once its head is there."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return len(head) + len(end) + int(length or b"0")


class Generator:
    """One run. Requests that are due wait for a free connection in order."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}  # by file descriptor
        self._free: deque[Connection] = deque()
        self._waiting: deque[int] = deque()  # for a free connection
        self.latencies: list[int] = []  # nanoseconds, of all that were answered 200
        self._lateness: list[int] = []
        self._wrong = 0
        self._sent = 0
        for _ in range(load.connections):
            connection = Connection(load.port)
            self._watch(connection)
            self._free.append(connection)

    def run(self) -> Outcome:
        """Send all that is due and wait for the answers."""
        coming, waiting = arrivals(self._load), self._waiting
        total, start = len(coming), perf_counter_ns()
        end = start + coming[-1] + PATIENCE
        while len(self.latencies) + self._wrong < total:
            now = perf_counter_ns()
            if now > end:
                self._wrong = total - len(self.latencies)
            while coming and start + coming[0] <= now:
                waiting.append(start + coming.popleft())
                self._lateness.append(now - waiting[-1])
            while waiting and self._free:
                self._send(self._free.popleft(), waiting.popleft())
            for descriptor, _ in self._poll.poll(0):
                self._receive(self._connections[descriptor])
        p50, p99 = percentiles(self.latencies)
        return Outcome(total, self._wrong, p50, p99, percentiles(self._lateness)[1])

    def _send(self, connection: Connection, due: int) -> None:
        connection.busy, connection.due = True, due
        try:
            connection.socket.send(self._request())
        except OSError:
            self._replace(connection)

    def _request(self) -> bytes:
        if not self._load.new_heads:
            return self._load.request
        self._sent += 1
        line, end, rest = self._load.request.partition(b"\r\n")
        return b"%b%btraceparent: 00-%032x-%016x-01%b%b" % (line, end, self._sent, self._sent, end, rest)

    def _receive(self, connection: Connection) -> None:
        answer = connection.read()
        if answer is None:
            return
        if not answer or not connection.busy:
            self._replace(connection)
            return
        if answer.startswith(OK):
            self.latencies.append(perf_counter_ns() - connection.due)
        else:
            self._wrong += 1
        connection.busy = False
        if b"\r\nconnection: close" in answer.lower():
            self._replace(connection)
        self._free.append(connection)

    def _watch(self, connection: Connection) -> None:
        descriptor = connection.socket.fileno()
        self._connections[descriptor] = connection
        self._poll.register(descriptor, select.EPOLLIN)

    def _replace(self, connection: Connection) -> None:
        """A new socket; a request on the old one is lost."""
        self._poll.unregister(connection.socket.fileno())
        connection.socket.close()
        if connection.busy:
            self._wrong += 1
            connection.busy = False
            self._free.append(connection)
        connection.open()
        self._watch(connection)


def arrivals(load: Load) -> deque[int]:
    """When each request is due, in nanoseconds from the start: a Poisson process, of one request at least."""
    random, moment, end = Random(load.seed), 0.0, load.seconds * 1e9  # noqa: S311  # not a secret
    due = deque([0])
    while (moment := moment + random.expovariate(load.rate) * 1e9) < end:
        due.append(int(moment))
    return due


def percentiles(nanoseconds: list[int]) -> tuple[float, float]:
    """The median and the 99th percentile, in microseconds; 0 of none."""
    if not nanoseconds:
        return 0.0, 0.0
    ordered = sorted(nanoseconds)
    return ordered[len(ordered) // 2] / 1000, ordered[len(ordered) * 99 // 100] / 1000


def main() -> None:
    """One run, as stdin says."""
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    generator = Generator(load)
    gc.disable()
    sys.stdout.buffer.write(msgspec.json.encode(generator.run()))


if __name__ == "__main__":
    main()
