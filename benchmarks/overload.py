"""python -m benchmarks.overload [--quick]: ten times more work than the service can do, and how it comes out of it."""

import sys
import time
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import msgspec

from app.core.protocol import INPUT, MODEL_PATH
from benchmarks.machine import heading
from benchmarks.page import options, write_page
from benchmarks.tables import figure, table
from benchmarks.wire.openloop import Offer, Step, send_offer
from benchmarks.wire.processes import Server, on, serving, two_cores
from contract.refusal import exit_status
from train.contract import CONTRACT

FACTOR = 10
ROWS = 1_000  # of a batch
RATE = 20_000  # more than any service can do
FEW, MANY = 16, 256  # connections
RECOVERS_WITHIN = 30.0  # seconds


@cache
def batch_request(rows: int) -> bytes:
    """Return an inference request of so many rows, in JSON."""
    row = CONTRACT.sample_numbers
    tensor = {"name": INPUT, "datatype": "FP32", "shape": [rows, len(row)], "data": row * rows}
    body = msgspec.json.encode({"inputs": [tensor]})
    path = MODEL_PATH.format(model=CONTRACT.name)
    return f"POST {path}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _batch(_number: int) -> bytes:
    return batch_request(ROWS)


def peak(port: int, seconds: float, connections: int = FEW) -> Step:
    """Keep some connections busy all the time."""
    return send_offer(port, Offer(RATE, seconds, connections, gives_up=True, request=_batch))


def storm(port: int, rate: float, seconds: float, connections: int = MANY) -> Step:
    """Offer ten times this rate on many connections."""
    return send_offer(port, Offer(FACTOR * rate, seconds, connections, gives_up=True, request=_batch))


def calm(port: int, rate: float) -> Step:
    """Offer a fifth of this rate for half a second; nobody gives up."""
    return send_offer(port, Offer(rate / 5, 0.5, FEW, request=_batch))


class Recovery(NamedTuple):
    """One round: at the peak, under the storm, and after it; resident memory at the end of each."""

    steps: tuple[Step, Step, Step]
    recovered_seconds: float
    memory_mb: tuple[float, float, float]

    @property
    def kept(self) -> float:
        """Return accepted throughput under the storm over that at the peak."""
        return self.steps[1].achieved / self.steps[0].achieved


def measure(server: Server, seconds: float) -> Recovery:
    """Measure one round. This process runs on the generator's core."""
    peak(server.port, seconds / 4)  # warm
    highest = peak(server.port, seconds)
    before = server.memory_mb()
    flood = storm(server.port, highest.achieved, seconds)
    during, begun = server.memory_mb(), time.perf_counter()
    while (after := calm(server.port, highest.achieved)).wrong:
        if time.perf_counter() - begun > RECOVERS_WITHIN:
            break
    return Recovery((highest, flood, after), time.perf_counter() - begun, (before, during, server.memory_mb()))


def rates(found: Recovery) -> str:
    """Return the table of one round."""
    rows = []
    for name, step in zip(("peak", "ten times the peak", "after"), found.steps, strict=True):
        refused = step.statuses[503]
        counts = (step.offered, step.statuses[200], refused, step.given_up)
        cells = [f"{count / step.busy_s:,.0f}" for count in counts]
        rows.append([name, *cells, f"{step.wrong - refused}", *(figure(step.quantile_ms(q)) for q in (0.5, 0.99))])
    head = ["offered/s", "answered 200/s", "refused 503/s", "given up/s", "other", "p50 ms", "p99 ms"]
    return table(["", *head], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, and write the page. Returns the exit status."""
    quick, out = options("overload", arguments)

    def run() -> None:
        server_core, generator_core = two_cores()
        with serving(("app",), {}, server_core) as server, on(generator_core):
            rounds = [measure(server, 2 if quick else 8) for _ in range(1 if quick else 5)]
        found = sorted(rounds, key=lambda each: each.kept)[len(rounds) // 2]
        memory = zip(("before", "during", "end"), found.memory_mb, strict=True)
        write_page(
            out / "overload.md",
            heading("Ten times more than it can do", "make bench-overload"),
            rates=rates(found),
            kept=f"{found.kept:.0%}",
            recovered=f"{found.recovered_seconds:.1f}",
            **{when: f"{megabytes:.0f}" for when, megabytes in memory},
        )

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
