"""The document of one run: every round of every contender. Round i of all contenders ran within the same moment."""

from collections.abc import Callable
from statistics import median

import msgspec

from benchmarks.machine import Made
from benchmarks.wire.openloop import Step


class Closed(msgspec.Struct, frozen=True):
    """One run of wrk: each connection sends its next request when it has its answer.

    `server_cpu_s` and `generator_cpu_s` are seconds of all their threads and processes during the run.
    """

    requests: int
    seconds: float
    server_cpu_s: float
    generator_cpu_s: float
    p50_us: float
    p99_us: float

    @property
    def rate(self) -> float:
        """Return requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Return the server's CPU for one request."""
        return self.server_cpu_s / self.requests * 1e6


class Shared(msgspec.Struct, frozen=True):
    """One run of ours with as many workers as it had `cores`, on each of which a generator ran too.

    `generator_cpu_s` is what the generators took of those cores.
    """

    requests: int
    seconds: float
    cores: int
    server_cpu_s: float
    generator_cpu_s: float

    @property
    def rate(self) -> float:
        """Return requests a second, while the cores were shared."""
        return self.requests / self.seconds

    @property
    def unshared(self) -> float:
        """Return requests a second, if the server had had all of its cores."""
        return self.rate * self.cores / (self.cores - self.generator_cpu_s / self.seconds)


class Measured(msgspec.Struct, frozen=True):
    """One contender. `closed` is by the number of connections; memory is in 10^6 bytes after the load."""

    closed: dict[int, tuple[Closed, ...]]
    open: tuple[Step, ...]
    first_answer_ms: tuple[float, ...]  # from exec to the first 200
    rss_mb: float
    pss_mb: float  # a shared page is divided by the number of its sharers


class HttpResults(msgspec.Struct, frozen=True):
    """Everything that the tables and pictures are made from. `workers` has rounds of one worker and of two."""

    made: Made
    complete: bool
    measured: dict[str, Measured]
    workers: tuple[tuple[Shared, Shared], ...]


def ratio(results: HttpResults, name: str, other: str, connections: int, value: Callable[[Closed], float]) -> float:
    """Return the median over the rounds of one contender's value over the other's within the same round."""
    rounds = zip(*(results.measured[each].closed[connections] for each in (name, other)), strict=True)
    return median(value(mine) / value(theirs) for mine, theirs in rounds)
