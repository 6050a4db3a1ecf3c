"""The result of one run of Locust, and whether it kept the objectives."""

from pathlib import Path

import msgspec

from benchmarks.latencies import quantile
from benchmarks.load.profiles import PROFILES, Figure, Objective, Profile
from contract.files import write_atomically


class LocustRun(msgspec.Struct):
    """One profile without its warm-up. `began` is the end of the warm-up, in seconds since 1970."""

    profile: str
    short: bool = False
    began: float = 0.0
    seconds: float = 0.0
    latencies_ms: dict[str, list[float]] = {}  # by name of question
    failures: dict[str, dict[str, int]] = {}  # by name of question, by reason

    def add(self, name: str, milliseconds: float, failure: str) -> None:
        """Add one request; `failure` is empty if the answer was right."""
        self.latencies_ms.setdefault(name, []).append(milliseconds)
        if failure:
            reasons = self.failures.setdefault(name, {})
            reasons[failure] = reasons.get(failure, 0) + 1

    def failed(self, name: str) -> int:
        """Return how many questions of this name had a wrong answer or none."""
        return sum(self.failures.get(name, {}).values())

    def latencies(self) -> list[float]:
        """Return the latencies of all questions, sorted: one of each request, answered or failed."""
        return sorted(latency for found in self.latencies_ms.values() for latency in found)

    def planned(self) -> Profile:
        """Return the profile that was run."""
        profile = PROFILES[self.profile]
        return profile.shortened() if self.short else profile

    def figures(self) -> dict[Figure, float]:
        """Return the figures that objectives bound."""
        latencies = self.latencies()
        requests, rate = len(latencies), len(latencies) / self.seconds if self.seconds else 0.0
        return {
            "p95 ms": quantile(latencies, 0.95),
            "p99 ms": quantile(latencies, 0.99),
            "failure ratio": sum(map(self.failed, self.failures)) / requests if requests else 1.0,
            "requests/s": rate,
            "achieved/offered": rate / self.planned().offered_per_second,
        }

    def judgement(self) -> list[tuple[Objective, float, bool]]:
        """Return each objective, what was found, and whether it was kept; without requests none is kept."""
        found, asked = self.figures(), bool(self.latencies_ms)
        return [(one, found[one.figure], asked and one.kept(found[one.figure])) for one in self.planned().objectives]

    def verdict(self) -> str:
        """Return a line for each objective, and the reasons of failures, for a terminal."""
        requests = len(self.latencies())
        head = f"profile {self.profile}{', short' * self.short}: {requests:,} requests in {self.seconds:.1f} s"
        rows = [
            f"{one.figure:17} {one.relation:9} {one.bound:<6g} {found:<9.4g} {'kept' if kept else 'MISSED'}"
            for one, found, kept in self.judgement()
        ]
        failures = self.failures.items()
        reasons = [f"{count:,} x {name}: {why}" for name, found in failures for why, count in found.items()]
        return "\n".join([head, *rows, *reasons])

    def store(self, path: Path) -> None:
        """Write it to a file, in JSON."""
        write_atomically(path, msgspec.json.encode(self))


def read_run(path: Path) -> LocustRun:
    """Return what was stored. Raises OSError."""
    return msgspec.json.decode(path.read_bytes(), type=LocustRun)
