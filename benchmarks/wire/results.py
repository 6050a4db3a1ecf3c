"""The document of one run: every round of every contender. Round i of all contenders ran within the same moment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.results import Machine
from benchmarks.wire.openloop import Outcome
from contract.refusal import Refusal


class Closed(msgspec.Struct, frozen=True):
    """One run of wrk: each connection sends its next request when it has its answer.

    `server_cpu_s` and `generator_cpu_s` are seconds of all their threads and processes during the run.
    """

    requests: int
    seconds: float
    errors: int
    server_cpu_s: float
    generator_cpu_s: float
    p50_us: float
    p99_us: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """The server's, for one request."""
        return self.server_cpu_s / self.requests * 1e6


class Open(msgspec.Struct, frozen=True):
    """One run of the open loop at `rate` requests a second."""

    rate: float
    outcome: Outcome


class Memory(msgspec.Struct, frozen=True):
    """Megabytes (10^6 bytes) of all its processes after the load: resident; the same with shared pages divided."""

    rss_mb: float
    pss_mb: float


class Measured(msgspec.Struct, frozen=True):
    """One contender. `closed` is by the number of connections; `first_answer_ms` from exec to the first 200."""

    closed: dict[int, tuple[Closed, ...]]
    open: tuple[Open, ...]
    first_answer_ms: tuple[float, ...]
    memory: Memory


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
        """Requests a second, as they came."""
        return self.requests / self.seconds

    @property
    def unshared(self) -> float:
        """Requests a second, had the server had all of its cores."""
        return self.rate * self.cores / (self.cores - self.generator_cpu_s / self.seconds)

    @property
    def per_cpu_second(self) -> float:
        """Requests for a second of the server's CPU."""
        return self.requests / self.server_cpu_s


class Scaling(msgspec.Struct, frozen=True):
    """One worker and two, in turn."""

    one: tuple[Shared, ...]
    two: tuple[Shared, ...]


class Results(msgspec.Struct, frozen=True):
    """Everything that the tables and pictures are made from. `contenders` maps names to words.

    `repeated` has a line for each round that was measured again.
    """

    date: str
    commit: str
    command: str
    seconds: float
    machine: Machine
    versions: dict[str, str]
    contenders: dict[str, str]
    measured: dict[str, Measured]
    scaling: Scaling | None  # of ours
    skipped: dict[str, str]
    repeated: tuple[str, ...] = ()


Value = Callable[[Closed], float]


def middle(runs: Sequence[Closed], value: Value) -> float:
    """The median of the rounds."""
    return median(map(value, runs))


def ratio(results: Results, name: str, other: str, connections: int, value: Value) -> float:
    """The median over the rounds of one contender's value over the other's within the same round."""
    rounds = zip(*(results.measured[each].closed[connections] for each in (name, other)), strict=True)
    return median(value(mine) / value(theirs) for mine, theirs in rounds)


def scaling_ratio(scaling: Scaling, value: Callable[[Shared], float]) -> float:
    """Two workers against one: the median of the ratios within a round."""
    return median(value(two) / value(one) for one, two in zip(scaling.one, scaling.two, strict=True))


def read_results(path: Path) -> Results:
    """A stored document. Raises Refusal."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: no stored results ({error}); measure first: make bench-http") from error
