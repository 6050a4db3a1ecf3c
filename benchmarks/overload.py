"""python -m benchmarks.overload [--quick]: ten times more work than the service can do, and how it comes out of it."""

import argparse
import contextlib
import select
import sys
import time
from collections import Counter, deque

import msgspec

from app.core.protocol import INPUT, MODEL_PATH
from benchmarks.latency import Latency
from benchmarks.machine import heading
from benchmarks.page import DOCS, PARTIAL, write_page
from benchmarks.tables import table
from benchmarks.wire.openloop import Connection
from benchmarks.wire.processes import Server, apart, free_port, on, two_cores
from contract.measurements import MEASUREMENTS
from contract.refusal import exit_status

CONNECTIONS = 256
FACTOR = 10
PATIENCE_SECONDS = 1.0  # how long a client waits for a free connection


class Outcome(msgspec.Struct, frozen=True):
    """What became of the requests of one run. Latencies are those of answers 200, from when they were sent."""

    seconds: float
    offered: int
    given_up: int  # before they were sent
    accepted: int
    refused: int  # 503
    failed: int  # anything else
    p50_ms: float
    p99_ms: float

    @property
    def accepted_rate(self) -> float:
        """Return answers of status 200 a second."""
        return self.accepted / self.seconds


def blow(port: int, connections: int, rate: float, seconds: float) -> Outcome:
    """Run a storm in a process of its own, on this one's cores."""
    return apart(storm, port, connections, rate, seconds)


def storm(port: int, connections: int, rate: float, seconds: float) -> Outcome:
    """Send requests at a fixed rate; if it is infinite, every connection is kept busy."""
    poll, watched, request = select.epoll(), dict[int, Connection](), batch_request()
    free = deque(Connection(port, poll, watched) for _ in range(connections))
    latency, due, statuses, offered, given_up = Latency(), deque[float](), Counter[int](), 0, 0
    begun = time.perf_counter()
    while (now := time.perf_counter() - begun) < seconds:
        arrived = len(free) if rate == float("inf") else int(now * rate) - offered
        offered += arrived
        due.extend([now] * arrived)
        while due and due[0] < now - PATIENCE_SECONDS:
            due.popleft()
            given_up += 1
        while due and free:
            due.popleft()
            connection = free.popleft()
            connection.due = time.perf_counter_ns()
            with contextlib.suppress(OSError):  # reading sees that it broke
                connection.socket.sendall(request)
        for descriptor, _ in poll.poll(0):
            connection = watched[descriptor]
            if (answer := connection.read()) is None:
                continue
            status = int(answer[9:12] or 0)
            statuses[status] += 1
            if status == 200:
                latency.add((time.perf_counter_ns() - connection.due) / 1000)
            if not answer:
                connection.reopen()
            free.append(connection)
    failed = statuses.total() - statuses[200] - statuses[503]
    quantiles = (latency.quantile(share) / 1000 for share in (0.5, 0.99))
    return Outcome(seconds, offered, given_up + len(due), statuses[200], statuses[503], failed, *quantiles)


def batch_request(rows: int = 1_000) -> bytes:
    """Return an inference request of so many rows, in JSON."""
    row = [measurement.example for measurement in MEASUREMENTS]
    tensor = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": [rows, len(row)], "data": row * rows}
    body = msgspec.json.encode({"inputs": [tensor]})
    return f"POST {MODEL_PATH}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Recovery(msgspec.Struct, frozen=True):
    """One round: at the peak, under the storm, and after it; resident memory at the end of each."""

    outcomes: tuple[Outcome, Outcome, Outcome]
    recovered_seconds: float
    memory_mb: tuple[float, float, float]

    @property
    def kept(self) -> float:
        """Return accepted throughput under the storm over that at the peak."""
        return self.outcomes[1].accepted_rate / self.outcomes[0].accepted_rate


def measure(server: Server, seconds: float) -> Recovery:
    """Measure one round. This process runs on the generator's core."""
    port = server.port
    blow(port, 16, float("inf"), seconds / 4)  # warm
    peak = blow(port, 16, float("inf"), seconds)
    before = server.memory_mb()
    flood = blow(port, CONNECTIONS, FACTOR * peak.accepted_rate, seconds)
    during, begun = server.memory_mb(), time.perf_counter()
    while (after := blow(port, 4, peak.accepted_rate / 5, 0.5)).refused + after.failed + after.given_up:
        if time.perf_counter() - begun > 30:
            break
    return Recovery((peak, flood, after), time.perf_counter() - begun, (before, during, server.memory_mb()))


def rates(found: Recovery) -> str:
    """Return the table of one round."""
    rows = []
    for name, outcome in zip(("peak", "ten times the peak", "after"), found.outcomes, strict=True):
        counts = (outcome.offered, outcome.accepted, outcome.refused, outcome.given_up)
        cells = [f"{count / outcome.seconds:,.0f}" for count in counts]
        rows.append([name, *cells, f"{outcome.failed}", f"{outcome.p50_ms:.3g}", f"{outcome.p99_ms:.3g}"])
    head = ["offered/s", "answered 200/s", "refused 503/s", "given up/s", "other", "p50 ms", "p99 ms"]
    return table(["", *head], rows)


def main() -> None:
    """Measure and write the page. Raises Refusal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload")
    parser.add_argument("--quick", action="store_true", help="a few seconds; the page is not published")
    quick = parser.parse_args().quick
    server_cores, generator_cores = two_cores()
    server = Server(("app",), free_port(), {}, server_cores)
    try:
        server.first_answer()
        with on(generator_cores):
            rounds = [measure(server, 2 if quick else 8) for _ in range(1 if quick else 5)]
    finally:
        server.stop()
    found = sorted(rounds, key=lambda each: each.kept)[len(rounds) // 2]
    memory = zip(("before", "during", "end"), found.memory_mb, strict=True)
    write_page(
        (PARTIAL if quick else DOCS) / "overload.md",
        heading="\n".join(heading("Ten times more than it can do", "make bench-overload")),
        rates=rates(found),
        kept=f"{found.kept:.0%}",
        recovered=f"{found.recovered_seconds:.1f}",
        **{when: f"{megabytes:.0f}" for when, megabytes in memory},
    )


if __name__ == "__main__":
    sys.exit(exit_status(main))
