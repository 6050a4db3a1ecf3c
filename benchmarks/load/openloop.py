"""The open loop of benchmarks.wire, with all its latencies: a process of its own, a Load on stdin, a Step on stdout."""

import gc
import subprocess
import sys
import time

import msgspec

from benchmarks.compiled import ROOT
from benchmarks.load.histogram import Histogram
from benchmarks.load.results import Step
from benchmarks.wire.example import request
from benchmarks.wire.openloop import Generator, Load
from benchmarks.wire.processes import Started


def step(server: Started, rate: float, seconds: float) -> Step:
    """Offer so many requests a second for so long. Every head is new, as behind a proxy that numbers requests."""
    load = Load(server.port, request(server.port), rate, seconds, new_heads=True)
    before = sum(server.cpu_seconds().values())
    command = [sys.executable, "-m", "benchmarks.load.openloop"]
    printed = subprocess.run(command, cwd=ROOT, input=msgspec.json.encode(load), stdout=subprocess.PIPE, check=True)
    spent = sum(server.cpu_seconds().values()) - before
    return msgspec.structs.replace(msgspec.json.decode(printed.stdout, type=Step), server_cpu_s=round(spent, 3))


def run(load: Load) -> Step:
    """One run, in this process."""
    generator = Generator(load)
    began = time.perf_counter()
    outcome = generator.run()
    busy = time.perf_counter() - began
    latency = Histogram()
    for nanoseconds in generator.latencies:
        latency.add(nanoseconds / 1000)
    return Step(
        rate=round(load.rate, 1),
        seconds=load.seconds,
        busy_s=round(busy, 3),
        offered=outcome.requests,
        answered=latency.requests,
        wrong=outcome.wrong,
        mean_us=round(latency.mean(), 1),
        p99_us=latency.quantile(0.99),
        latency=latency,
        late_p99_us=round(outcome.late_p99_us, 1),
        server_cpu_s=0.0,
    )


if __name__ == "__main__":
    found = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    gc.disable()
    sys.stdout.buffer.write(msgspec.json.encode(run(found)))
