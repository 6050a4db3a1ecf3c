"""python -m benchmarks.overload [--quick]: ten times more work than the service can do, and how it comes out of it.

A batch of 1,000 rows in JSON, asked for by a generator that never waits; the server and it have a core each. Arrivals
are due at ten times the rate that the service can answer, each takes a free connection of 256, and one that finds none
within a second is given up, as a client would. Clients ignore Retry-After: the worst case. Of five rounds of peak,
storm and recovery the one is shown that kept the median share of its peak.
"""

import argparse
import multiprocessing
import selectors
import socket
import sys
import time
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from app.protocol import INPUT, MODEL_PATH
from benchmarks.machine import heading
from benchmarks.wire.openloop import answer_length, percentiles
from benchmarks.wire.processes import Server, on, two_cores
from benchmarks.wire.stage import free_port
from contract.files import write_atomically
from contract.measurements import MEASUREMENTS
from contract.refusal import exit_status

ROWS = 1_000
CONNECTIONS = 256
FACTOR = 10
PATIENCE_SECONDS = 1.0  # of a client that finds no free connection
PAGE = Path("docs/overload.md")


class Outcome(msgspec.Struct):
    """What became of the requests of one run. Latencies are of those answered 200, from when they were sent."""

    seconds: float
    offered: int = 0
    given_up: int = 0  # before they were sent
    accepted: int = 0
    refused: int = 0  # 503
    failed: int = 0  # anything else
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def accepted_rate(self) -> float:
        """Answers of status 200 a second."""
        return self.accepted / self.seconds


class Client:
    """A connection with at most one request on it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sent_at = 0
        self.connect()

    def connect(self) -> None:
        """Anew."""
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def read(self) -> int | None:
        """The status of a whole answer, 0 where the connection broke, or None before."""
        try:
            data = self.socket.recv(262_144)
        except OSError:
            return 0
        self.received += data
        length = answer_length(self.received)
        if length is None or len(self.received) < length:
            return None if data else 0
        status = int(self.received[9:12])
        self.received = b""
        return status


class Storm:
    """Requests due at a fixed rate over a fixed number of connections; `rate` infinite keeps every connection busy."""

    def __init__(self, port: int, request: bytes, connections: int) -> None:
        self.request = request
        self.clients = [Client(port) for _ in range(connections)]
        self.selector = selectors.DefaultSelector()
        for client in self.clients:
            self.selector.register(client.socket, selectors.EVENT_READ, client)
        self.free = deque(self.clients)

    def blow(self, rate: float, seconds: float) -> Outcome:
        """One run."""
        outcome, latencies = Outcome(seconds), list[int]()
        due: deque[float] = deque()
        begun = time.perf_counter()
        while (now := time.perf_counter() - begun) < seconds:
            arrived = len(self.free) if rate == float("inf") else int(now * rate) - outcome.offered
            outcome.offered += arrived
            due.extend([now] * arrived)
            while due and due[0] < now - PATIENCE_SECONDS:
                due.popleft()
                outcome.given_up += 1
            while due and self.free:
                due.popleft()
                self.send(self.free.popleft(), outcome)
            for key, _ in self.selector.select(0):
                self.receive(key.data, outcome, latencies)
        outcome.given_up += len(due)
        p50, p99 = percentiles(latencies)
        outcome.p50_ms, outcome.p99_ms = p50 / 1000, p99 / 1000
        return outcome

    def send(self, client: Client, outcome: Outcome) -> None:
        """A request that has its turn."""
        client.sent_at = time.perf_counter_ns()
        try:
            client.socket.sendall(self.request)
        except OSError:
            self.again(client, outcome)

    def receive(self, client: Client, outcome: Outcome, latencies: list[int]) -> None:
        """What came on a connection."""
        status = client.read()
        if status == 200:
            outcome.accepted += 1
            latencies.append(time.perf_counter_ns() - client.sent_at)
        elif status == 503:
            outcome.refused += 1
        elif status == 0:
            self.again(client, outcome)
            return
        elif status is not None:
            outcome.failed += 1
        if status is not None:
            self.free.append(client)

    def again(self, client: Client, outcome: Outcome) -> None:
        """A broken connection."""
        outcome.failed += 1
        self.selector.unregister(client.socket)
        client.socket.close()
        client.connect()
        self.selector.register(client.socket, selectors.EVENT_READ, client)
        self.free.append(client)


def blow(port: int, connections: int, rate: float, seconds: float) -> Outcome:
    """A storm in a process of its own, on this one's cores."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_storm, args=(there, port, connections, rate, seconds)
    )
    process.start()
    there.close()
    outcome: Outcome = here.recv()
    process.join()
    return outcome


def _storm(answer: Connection, port: int, connections: int, rate: float, seconds: float) -> None:
    answer.send(Storm(port, batch_request(), connections).blow(rate, seconds))


def batch_request(rows: int = ROWS) -> bytes:
    """An inference request of so many rows, in JSON."""
    row = [measurement.example for measurement in MEASUREMENTS]
    tensor = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": [rows, len(row)], "data": row * rows}
    body = msgspec.json.encode({"inputs": [tensor]})
    return b"POST %b/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (MODEL_PATH.encode(), len(body), body)


class Results(msgspec.Struct):
    """Of one run: at its peak, under the storm, and after it."""

    peak: Outcome
    storm: Outcome
    after: Outcome
    recovered_seconds: float
    memory_mb: tuple[float, float, float]  # after the peak, after the storm, at the end

    @property
    def kept(self) -> float:
        """Accepted throughput under the storm over that at the peak."""
        return self.storm.accepted_rate / self.peak.accepted_rate


def measure(server: Server, seconds: float, rounds: int) -> Results:
    """Rounds of peak, storm and recovery on one server; the one that kept the median share of its peak.

    This process runs where the generator shall.
    """
    measured = [_round(server, seconds) for _ in range(rounds)]
    return sorted(measured, key=lambda results: results.kept)[rounds // 2]


def _round(server: Server, seconds: float) -> Results:
    port = server.port
    blow(port, 16, float("inf"), seconds / 4)  # warm
    peak = blow(port, 16, float("inf"), seconds)
    memory = [server.memory().rss_mb]
    storm = blow(port, CONNECTIONS, FACTOR * peak.accepted_rate, seconds)
    memory.append(server.memory().rss_mb)
    begun = time.perf_counter()
    while (after := blow(port, 4, peak.accepted_rate / 5, 0.5)).refused + after.failed + after.given_up:
        if time.perf_counter() - begun > 30:
            break
    recovered = time.perf_counter() - begun
    memory.append(server.memory().rss_mb)
    return Results(peak, storm, after, recovered, (memory[0], memory[1], memory[2]))


def page(results: Results, command: str) -> str:
    """Markdown."""
    lines = [
        *heading("Ten times more than it can do", command),
        (__doc__ or "").partition("\n\n")[2].strip(),
        "",
        "| | offered/s | answered 200/s | refused 503/s | given up/s | other | p50 ms | p99 ms |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name, outcome in (("peak", results.peak), ("ten times the peak", results.storm), ("after", results.after)):
        rates = (outcome.offered, outcome.accepted, outcome.refused, outcome.given_up)
        cells = [f"{count / outcome.seconds:,.0f}" for count in rates]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {outcome.failed} | {outcome.p50_ms:.3g} | {outcome.p99_ms:.3g} |"
        )
    before, during, end = results.memory_mb
    lines += [
        "",
        f"Accepted throughput under the storm is {results.kept:.0%} of the peak's. Resident memory:",
        f"{before:.0f} MB after the peak, {during:.0f} MB after the storm, {end:.0f} MB at the end. Half a second at a",
        f"fifth of the peak without a single refusal had passed {results.recovered_seconds:.1f} s after the storm.",
        "",
        "A request is refused at its head, before its body is read, where it has waited for its turn of the event loop",
        "for longer than MAX_LAG_MILLISECONDS or where MAX_IN_FLIGHT others are being answered; then its connection is",
        "not read for half a second. So a client that does not wait as told is made to, and refusing costs",
        "little. A request sent meanwhile waits as long: that bounds p99.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page. Raises Refusal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload")
    parser.add_argument("--quick", action="store_true", help="a few seconds; prints instead of writing the page")
    options = parser.parse_args()
    server_cores, generator_cores = two_cores()
    server = Server(("app",), free_port(), {}, server_cores)
    try:
        with on(generator_cores):
            time.sleep(2)
            results = measure(server, *((2, 1) if options.quick else (8, 5)))
    finally:
        server.stop()
    text = page(results, "make bench-overload")
    print(text)
    if not options.quick:
        write_atomically(PAGE, text.encode())


if __name__ == "__main__":
    sys.exit(exit_status(main))
