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
    latencies_ms: list[float] = []  # one of each request, answered or failed
    failures: dict[str, int] = {}  # by reason

    def add(self, milliseconds: float, failure: str) -> None:
        """Add one request; `failure` is empty if the answer was right."""
        self.latencies_ms.append(milliseconds)
        if failure:
            self.failures[failure] = self.failures.get(failure, 0) + 1

    def planned(self) -> Profile:
        """Return the profile that was run."""
        profile = PROFILES[self.profile]
        return profile.shortened() if self.short else profile

    def figures(self) -> dict[Figure, float]:
        """Return the figures that objectives bound."""
        latencies, requests = sorted(self.latencies_ms), len(self.latencies_ms)
        rate = requests / self.seconds if self.seconds else 0.0
        return {
            "p95 ms": quantile(latencies, 0.95),
            "p99 ms": quantile(latencies, 0.99),
            "failure ratio": sum(self.failures.values()) / requests if requests else 1.0,
            "requests/s": rate,
            "achieved/offered": rate / self.planned().offered_per_second,
        }

    def judgement(self) -> list[tuple[Objective, float, bool]]:
        """Return each objective, what was found, and whether it was kept; without requests none is kept."""
        found, asked = self.figures(), bool(self.latencies_ms)
        return [(one, found[one.figure], asked and one.kept(found[one.figure])) for one in self.planned().objectives]

    def verdict(self) -> str:
        """Return a line for each objective, and the reasons of failures, for a terminal."""
        requests = f"{len(self.latencies_ms):,} requests in {self.seconds:.1f} s"
        head = f"profile {self.profile}{', short' * self.short}: {requests}"
        rows = [
            f"{one.figure:17} {one.relation:9} {one.bound:<6g} {found:<9.4g} {'kept' if kept else 'MISSED'}"
            for one, found, kept in self.judgement()
        ]
        return "\n".join([head, *rows, *(f"{count:,} x {reason}" for reason, count in self.failures.items())])

    def store(self, path: Path) -> None:
        """Write it to a file, in JSON."""
        write_atomically(path, msgspec.json.encode(self))


def read_run(path: Path) -> LocustRun:
    """Return what was stored. Raises OSError."""
    return msgspec.json.decode(path.read_bytes(), type=LocustRun)
