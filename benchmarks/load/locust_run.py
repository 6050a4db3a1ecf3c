"""The result of one run of Locust, and whether it kept the objectives."""

import msgspec

from benchmarks.latency import Latency
from benchmarks.load.profiles import PROFILES, Figure, Objective, Profile


class LocustRun(msgspec.Struct):
    """One profile without its warm-up. `began` is the end of the warm-up, in seconds since 1970.

    `offered` counts the requests that the users would have made if nobody had to wait.
    """

    profile: str
    short: bool = False
    began: float = 0.0
    seconds: float = 0.0
    offered: float = 0.0
    latencies: dict[str, Latency] = {}  # by name of question
    failures: dict[str, dict[str, int]] = {}  # by name of question, by reason

    def add(self, name: str, microseconds: float, failure: str) -> None:
        """Add one request; `failure` is empty if the answer was right."""
        self.latencies.setdefault(name, Latency()).add(microseconds)
        if failure:
            reasons = self.failures.setdefault(name, {})
            reasons[failure] = reasons.get(failure, 0) + 1

    def failed(self, name: str) -> int:
        """Return how many questions of this name had a wrong answer or none."""
        return sum(self.failures.get(name, {}).values())

    def latency(self) -> Latency:
        """Return the latencies of all questions in one histogram."""
        total = Latency()
        for latency in self.latencies.values():
            total.counts.add(latency.counts)
        return total

    @property
    def requests(self) -> int:
        """Return the number of requests that were answered or failed."""
        return sum(latency.requests for latency in self.latencies.values())

    def planned(self) -> Profile:
        """Return the profile that was run."""
        profile = PROFILES[self.profile]
        return profile.shortened() if self.short else profile

    def figures(self) -> dict[Figure, float]:
        """Return the figures that objectives bound."""
        latency, requests = self.latency(), self.requests
        return {
            "p95 ms": latency.quantile(0.95) / 1000,
            "p99 ms": latency.quantile(0.99) / 1000,
            "failure ratio": sum(map(self.failed, self.failures)) / requests if requests else 1.0,
            "requests/s": requests / self.seconds if self.seconds else 0.0,
            "achieved/offered": requests / self.offered if self.offered else 0.0,
        }

    def judgement(self) -> list[tuple[Objective, float, bool]]:
        """Return each objective, what was found, and whether it was kept; without requests none is kept."""
        found = self.figures()
        return [
            (one, found[one.figure], bool(self.requests) and one.kept(found[one.figure]))
            for one in self.planned().objectives
        ]

    def verdict(self) -> str:
        """Return a line for each objective, and the reasons of failures, for a terminal."""
        head = f"profile {self.profile}{', short' * self.short}: {self.requests:,} requests in {self.seconds:.1f} s"
        rows = [
            f"{one.figure:17} {one.relation:9} {one.bound:<6g} {found:<9.4g} {'kept' if kept else 'MISSED'}"
            for one, found, kept in self.judgement()
        ]
        failures = self.failures.items()
        reasons = [f"{count:,} x {name}: {why}" for name, found in failures for why, count in found.items()]
        return "\n".join([head, *rows, *reasons])
