"""python -m benchmarks.memory_limit: the image with less and less memory, and no swap.

Each container is asked 500 single predictions; then four clients at once ask it for 20 batches of 10,000 rows in
JSON, and for 20 of each larger size up to `MAX_BATCH_ROWS` in a binary tensor, answered in JSON, which is longer than
the question. Each load counts what became of its requests: answered 200, refused 503, or broken: with the connection,
or no answer for 10 s. After a load without any answer the others are left out. *Resident* is the most that those
processes had, each at its own time, which still ran after a load; it counts the pages of files, too.
"""

import argparse
import contextlib
import http.client
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from app.protocol import INPUT, MODEL_PATH
from app.rows import HEADER_NAME
from benchmarks.compiled import ROOT
from benchmarks.engine import Engine, engine_here
from benchmarks.machine import heading
from benchmarks.wire.example import BODY
from benchmarks.wire.processes import family
from benchmarks.wire.stage import free_port
from contract.files import write_atomically
from contract.measurements import MEASUREMENTS
from contract.refusal import exit_status

PAGE = ROOT / "docs" / "memory.md"
LIMITS = (2048, 512, 128, 64, 48, 40)  # MiB
PREDICTIONS = 500
CLIENTS, BATCHES = 4, 20  # at once; of all of them
LARGE = (65_536, 262_144, 1_048_576)  # rows
STARTS_WITHIN, ANSWERS_WITHIN = 20.0, 10.0  # seconds
CONFINED = ("--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
KILLED = "(status -9)"  # in the supervisor's log


class Request(NamedTuple):
    """One that is asked again and again."""

    path: str
    body: bytes
    headers: dict[str, str]


class Outcome(NamedTuple):
    """Of one container."""

    limit_mib: int
    workers: int
    loads: list[str]  # what became of each load's requests
    resident_mb: float
    replaced: int  # workers that were killed
    end: str


def prediction() -> Request:
    """A single one."""
    return Request("/predict", BODY, {"Content-Type": "application/json"})


def json_batch(rows: int = 10_000) -> Request:
    """So many penguins as numbers in JSON."""
    row = [measurement.example for measurement in MEASUREMENTS]
    tensor = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": [rows, len(row)], "data": row * rows}
    return Request(f"{MODEL_PATH}/infer", msgspec.json.encode({"inputs": [tensor]}), {})


def binary_batch(rows: int) -> Request:
    """So many rows of zeros in a binary tensor."""
    size = rows * len(MEASUREMENTS) * 4
    shape = [rows, len(MEASUREMENTS)]
    parameters = {"binary_data_size": size}
    tensor = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": shape, "parameters": parameters}
    head = msgspec.json.encode({"inputs": [tensor]})
    return Request(f"{MODEL_PATH}/infer", head + bytes(size), {HEADER_NAME: str(len(head))})


def ask(port: int, request: Request) -> str:
    """The status, or `broken`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERS_WITHIN)
    with contextlib.closing(connection):
        try:
            connection.request("POST", request.path, request.body, request.headers)
            response = connection.getresponse()
            while response.read(1 << 20):
                pass
            return str(response.status)
        except (OSError, http.client.HTTPException):
            return "broken"


def load(port: int, request: Request, clients: int, requests: int) -> str:
    """What became of these requests: statuses with their numbers."""
    with ThreadPoolExecutor(clients) as pool:
        counted = Counter(pool.map(lambda _: ask(port, request), range(requests)))
    return ", ".join(f"{number} x {status}" for status, number in sorted(counted.items()))


class Container:
    """A running one with a limit."""

    def __init__(self, engine: Engine, image: str, limit_mib: int, workers: int) -> None:
        self.engine, self.port = engine, free_port()
        settings = {"PORT": self.port, "WORKERS": workers, "METRICS_PORT": 0, "LOG_LINES_PER_SECOND": 0}
        environment = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
        limit = ("--memory", f"{limit_mib}m", "--memory-swap", f"{limit_mib}m")
        self.name = engine.ask("run", "--detach", *CONFINED, *limit, *environment, image).split()[-1]

    def state(self, field: str) -> str:
        """Of docker inspect."""
        return self.engine.ask("inspect", "--format", "{{.State." + field + "}}", self.name).strip()

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.state("Running") == "true"

    def becomes_ready(self) -> bool:
        """In time, or not at all."""
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self.runs():
            if ask(self.port, prediction()) == "200":
                return True
            time.sleep(0.1)
        return False

    def resident_mb(self) -> float:
        """The most that its processes had, each at its own time; 0 where they have ended."""
        return sum(_most_kb(process) for process in family(int(self.state("Pid")))) * 1024 / 1e6

    def end(self) -> str:
        """Whether it still serves; else how it ended."""
        if self.runs():
            return "serves" if self.becomes_ready() else f"runs, no answer for {STARTS_WITHIN:.0f} s"
        killed = ", killed for memory" if self.state("OOMKilled") == "true" else ""
        return f"exit {self.state('ExitCode')}{killed}"


def _most_kb(process: int) -> int:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
    return 0


@contextlib.contextmanager
def container(engine: Engine, image: str, limit_mib: int, workers: int) -> Iterator[Container]:
    """One that is removed in the end. Raises Refusal."""
    running = Container(engine, image, limit_mib, workers)
    try:
        yield running
    finally:
        engine.ask("rm", "--force", running.name)


def measure(engine: Engine, image: str, limit_mib: int, workers: int) -> Outcome:
    """All loads, until it ends. Raises Refusal."""
    batches = [json_batch(), *map(binary_batch, LARGE)]
    plan = [(prediction(), 1, PREDICTIONS), *((batch, CLIENTS, BATCHES) for batch in batches)]
    with container(engine, image, limit_mib, workers) as running:
        loads, resident = [], 0.0
        ready = running.becomes_ready()
        for request, clients, requests in plan:
            loads.append(load(running.port, request, clients, requests) if ready and running.runs() else "")
            ready = "x 200" in loads[-1]
            resident = max(resident, running.resident_mb())
        replaced = engine.ask("logs", running.name).count(KILLED)
        return Outcome(limit_mib, workers, loads, resident, replaced, running.end())


def page(outcomes: Sequence[Outcome]) -> str:
    """Markdown."""
    sizes = " | ".join(f"batches of {rows:,}" for rows in (10_000, *LARGE))
    lines = [
        *heading("Memory", "make memory-limit"),
        (__doc__ or "").partition("\n\n")[2].strip(),
        "",
        f"| MiB | workers | predictions | {sizes} | resident MB | workers killed | end |",
        f"| --: | --: | --- | {' | '.join('---' for _ in (1, *LARGE))} | --: | --: | --- |",
    ]
    for limit, workers, loads, resident, replaced, end in outcomes:
        cells = (limit, workers, *loads, f"{resident:.0f}" if resident else "", replaced, end)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, ""])


def run(options: argparse.Namespace) -> None:
    """Measure and write. Raises Refusal."""
    engine = engine_here()
    outcomes = []
    for limit_mib in options.limits:
        for workers in (1, 2):
            outcomes.append(measure(engine, options.image, limit_mib, workers))
            print(outcomes[-1], flush=True)
    write_atomically(options.out, page(outcomes).encode())
    print(f"wrote {options.out}")


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_limit")
    parser.add_argument("--limits", type=int, nargs="+", default=LIMITS, metavar="MIB")
    parser.add_argument("--image", default=os.environ.get("IMAGE") or "penguins")
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    return exit_status(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
