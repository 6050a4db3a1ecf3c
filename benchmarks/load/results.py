"""The document of a report: everything that its tables, pictures and conclusions are made from."""

from itertools import pairwise
from pathlib import Path

import msgspec

from benchmarks.compiled import ROOT
from benchmarks.load.histogram import Histogram
from benchmarks.load.outcome import Outcome
from benchmarks.results import Machine
from contract.files import write_atomically
from contract.refusal import Refusal

RESULTS = ROOT / "benchmarks" / "load" / "results" / "report.json"  # of the published report


class Start(msgspec.Struct, frozen=True):
    """One start of the service, in milliseconds.

    `first_ms` is from exec, or `docker run`, to the first 200; `warm_ms` from there until it is as quick as later.
    """

    first_ms: float
    warm_ms: float


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """The service at one moment, `second` after the warm-up: CPU seconds since it began, resident megabytes (10^6)."""

    second: float
    cpu_s: float
    rss_mb: float


class Run(msgspec.Struct, frozen=True):
    """One profile. `generator_cpu_s` is all that Locust took, start and warm-up included, in `generator_s` seconds."""

    outcome: Outcome
    samples: tuple[Sample, ...]
    generator_cpu_s: float
    generator_s: float

    @property
    def cores(self) -> float:
        """Of the service, on average: CPU seconds a second."""
        first, last = self.samples[0], self.samples[-1]
        return (last.cpu_s - first.cpu_s) / (last.second - first.second) if last.second > first.second else 0.0

    @property
    def cpu_us(self) -> float:
        """Microseconds of the service's CPU for one request."""
        return self.cores * self.outcome.seconds / max(1, self.outcome.requests) * 1e6

    @property
    def busy(self) -> list[tuple[float, float]]:
        """Cores over time: second and CPU seconds a second since the sample before."""
        return [
            (after.second, (after.cpu_s - before.cpu_s) / (after.second - before.second))
            for before, after in pairwise(self.samples)
        ]

    @property
    def peak_mb(self) -> float:
        """The most that was resident."""
        return max(sample.rss_mb for sample in self.samples)


class Step(msgspec.Struct, frozen=True):
    """The open loop at `rate` requests a second for `seconds`; it was `busy_s` until the last answer.

    `answered` were so with status 200, `wrong` otherwise or not at all. `latency` is empty for a step of the search.
    `late_p99_us` is the generator's own part: how late it saw that a request was due.
    """

    rate: float
    seconds: float
    busy_s: float
    offered: int
    answered: int
    wrong: int
    mean_us: float
    p99_us: float
    latency: Histogram
    late_p99_us: float
    server_cpu_s: float

    @property
    def achieved(self) -> float:
        """Requests a second that were answered 200."""
        return self.answered / max(self.busy_s, self.seconds)

    @property
    def cores(self) -> float:
        """Of the service, on average."""
        return self.server_cpu_s / max(self.busy_s, self.seconds)

    @property
    def cpu_us(self) -> float:
        """Microseconds of the service's CPU for one request."""
        return self.server_cpu_s / max(1, self.offered) * 1e6


class Ceiling(msgspec.Struct, frozen=True):
    """The closed loop: as many requests a second as there can be, over `connections`; `cores` of the service."""

    connections: int
    rate: float
    cores: float


class Results(msgspec.Struct, frozen=True):
    """One report. `service` says what was measured; what is absent was not measured (yet).

    `search` has the steps that looked for the capacity, in order; `steady` those of the headline.
    """

    date: str
    commit: str
    command: str
    short: bool
    machine: Machine
    versions: dict[str, str]
    service: str
    starts: tuple[Start, ...] = ()
    runs: dict[str, Run] = {}
    ceiling: Ceiling | None = None
    search: tuple[Step, ...] = ()
    steady: tuple[Step, ...] = ()


def write_results(results: Results, path: Path) -> None:
    """Raises Refusal where the file system refuses. Each member on a line of its own, so that changes can be seen."""
    members = msgspec.to_builtins(results, str_keys=True)
    lines = [f"{msgspec.json.encode(name).decode()}: {_lines(value)}" for name, value in members.items()]
    write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def _lines(value: object) -> str:
    encoded: str = msgspec.json.encode(value).decode()
    return encoded


def read_results(path: Path) -> Results:
    """A stored document. Raises Refusal."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: no stored results ({error}); measure first: make load-report") from error
