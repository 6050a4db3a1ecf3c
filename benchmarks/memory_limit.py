"""python -m benchmarks.memory_limit [--limits MIB ...]: the image with less and less memory, and no swap."""

import argparse
import contextlib
import http.client
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from app.core.protocol import HEADER_NAME, INPUT, MODEL_PATH
from benchmarks.engine import Engine
from benchmarks.machine import heading
from benchmarks.page import DOCS, write_page
from benchmarks.tables import table
from benchmarks.wire.processes import family, free_port
from benchmarks.wire.question import BODY
from contract.measurements import MEASUREMENTS
from contract.refusal import exit_status

LIMITS = (2048, 512, 128, 64, 48, 40)  # MiB
PREDICTIONS = 500
CLIENTS, BATCHES = 4, 20  # at once; of all of them
LARGE = (65_536, 262_144, 1_048_576)  # rows
STARTS_WITHIN, ANSWERS_WITHIN = 20.0, 10.0  # seconds
CONFINED = ("--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
KILLED = "(status -9)"  # in the supervisor's log


class Request(NamedTuple):
    """A request that is sent again and again."""

    path: str
    body: bytes
    headers: dict[str, str]


PREDICTION = Request("/predict", BODY, {"Content-Type": "application/json"})


def json_batch(rows: int = 10_000) -> Request:
    """Return a batch of so many penguins as numbers in JSON."""
    row = [measurement.example for measurement in MEASUREMENTS]
    tensor = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": [rows, len(row)], "data": row * rows}
    return Request(f"{MODEL_PATH}/infer", msgspec.json.encode({"inputs": [tensor]}), {})


def binary_batch(rows: int) -> Request:
    """Return a batch of so many rows of zeros in a binary tensor."""
    shape, parameters = [rows, len(MEASUREMENTS)], {"binary_data_size": rows * len(MEASUREMENTS) * 4}
    tensor = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": shape, "parameters": parameters}
    head = msgspec.json.encode({"inputs": [tensor]})
    zeros = bytes(parameters["binary_data_size"])
    return Request(f"{MODEL_PATH}/infer", head + zeros, {HEADER_NAME: str(len(head))})


def ask(port: int, request: Request) -> str:
    """Return the status, or `broken`."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERS_WITHIN)) as connection:
        try:
            connection.request("POST", request.path, request.body, request.headers)
            response = connection.getresponse()
            while response.read(1 << 20):
                pass
            return str(response.status)
        except (OSError, http.client.HTTPException):
            return "broken"


def load(port: int, request: Request, clients: int, requests: int) -> str:
    """Return what became of these requests: statuses with their numbers."""
    with ThreadPoolExecutor(clients) as pool:
        counted = Counter(pool.map(lambda _: ask(port, request), range(requests)))
    return ", ".join(f"{number} x {status}" for status, number in sorted(counted.items()))


class Container(NamedTuple):
    """A running container with a limit."""

    engine: Engine
    name: str
    port: int

    def state(self, field: str) -> str:
        """Return a field of docker inspect."""
        return self.engine.ask("inspect", "--format", "{{.State." + field + "}}", self.name).strip()

    def becomes_ready(self) -> bool:
        """Return whether it answers in time."""
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self.state("Running") == "true":
            if ask(self.port, PREDICTION) == "200":
                return True
            time.sleep(0.1)
        return False

    def resident_mb(self) -> float:
        """Return the most that its processes had, each at its own time; 0 if they have ended."""
        most = 0
        for process in family(int(self.state("Pid"))):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{process}/status").read_text().splitlines()
                most += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return most * 1024 / 1e6

    def end(self) -> str:
        """Return whether it still serves, or how it ended."""
        if self.state("Running") == "true":
            return "serves" if self.becomes_ready() else f"runs, no answer for {STARTS_WITHIN:.0f} s"
        killed = ", killed for memory" if self.state("OOMKilled") == "true" else ""
        return f"exit {self.state('ExitCode')}{killed}"


def measure(engine: Engine, image: str, limit_mib: int, workers: int) -> list[str]:
    """Return a line of the table: all loads, until the container ends. Raises Refusal."""
    batches = [json_batch(), *map(binary_batch, LARGE)]
    plan = [(PREDICTION, 1, PREDICTIONS), *((batch, CLIENTS, BATCHES) for batch in batches)]
    port, limit = free_port(), ("--memory", f"{limit_mib}m", "--memory-swap", f"{limit_mib}m")
    settings = {"PORT": port, "WORKERS": workers, "METRICS_PORT": 0, "LOG_LINES_PER_SECOND": 0}
    environment = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    name = engine.ask("run", "--detach", *CONFINED, *limit, *environment, image).split()[-1]
    running, loads, resident = Container(engine, name, port), list[str](), 0.0
    try:
        ready = running.becomes_ready()
        for request, clients, requests in plan:
            ready = ready and running.state("Running") == "true"
            loads.append(load(port, request, clients, requests) if ready else "")
            ready = "x 200" in loads[-1]
            resident = max(resident, running.resident_mb())
        replaced = engine.ask("logs", name).count(KILLED)
        megabytes = f"{resident:.0f}" if resident else ""
        return [f"{limit_mib}", f"{workers}", *loads, megabytes, f"{replaced}", running.end()]
    finally:
        engine.ask("rm", "--force", name)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, measure and write. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_limit")
    parser.add_argument("--limits", type=int, nargs="+", default=LIMITS, metavar="MIB")
    parser.add_argument("--out", type=Path, default=DOCS / "memory.md")
    options = parser.parse_args(arguments)
    engine, image = Engine(os.environ.get("DOCKER") or "docker"), os.environ.get("IMAGE") or "penguins"

    def run() -> None:
        rows = [measure(engine, image, limit_mib, workers) for limit_mib in options.limits for workers in (1, 2)]
        sizes = [f"batches of {count:,}" for count in (10_000, *LARGE)]
        head = ["MiB", "workers", "predictions", *sizes, "resident MB", "workers killed", "end"]
        write_page(options.out, heading="\n".join(heading("Memory", "make memory-limit")), limits=table(head, rows))

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
