"""The outcome of one profile: what a run of Locust leaves behind, and whether its objectives were kept."""

import math
from pathlib import Path

import msgspec

from benchmarks.load.histogram import Histogram, merged
from benchmarks.load.profiles import PROFILES, Figure, Objective, Profile
from benchmarks.load.recorder import Recording
from contract.refusal import Refusal

POINTS = 60  # of a line over time, at most


class Point(msgspec.Struct, frozen=True, array_like=True):
    """Some seconds of a run, from `second` on; `users` at their end. Times in milliseconds."""

    second: int
    users: int
    requests: int
    p50_ms: float
    p99_ms: float


class Group(msgspec.Struct, frozen=True):
    """All requests of one name. Times in milliseconds."""

    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    highest_ms: float


class Outcome(msgspec.Struct, frozen=True):
    """Without the warm-up. `began` is the time of day at its end, in seconds since 1970; `offered` counts requests.

    `generators` is how many processes asked; `reasons` says why answers were failures, with their number.
    """

    profile: str
    short: bool
    host: str
    began: float
    seconds: float
    offered: float
    generators: int
    latency: Histogram
    groups: dict[str, Group]
    points: tuple[Point, ...]
    reasons: dict[str, int]

    @property
    def requests(self) -> int:
        """All that were answered or failed."""
        return self.latency.requests

    @property
    def failures(self) -> int:
        """Wrong answers, other statuses than the right one, and none at all."""
        return sum(group.failures for group in self.groups.values())

    def figures(self) -> dict[Figure, float]:
        """What objectives are about."""
        found: dict[Figure, float] = {
            "p50 ms": self.latency.quantile(0.5) / 1000,
            "p95 ms": self.latency.quantile(0.95) / 1000,
            "p99 ms": self.latency.quantile(0.99) / 1000,
            "p99.9 ms": self.latency.quantile(0.999) / 1000,
            "failure ratio": self.failures / self.requests if self.requests else 1.0,
            "requests/s": self.requests / self.seconds if self.seconds else 0.0,
            "achieved/offered": self.requests / self.offered if self.offered else 0.0,
        }
        return found

    @property
    def planned(self) -> Profile:
        """The profile that was run."""
        profile = PROFILES[self.profile]
        return profile.shortened() if self.short else profile

    def judgement(self) -> list[tuple[Objective, float, bool]]:
        """Each objective, what was found, and whether it was kept; of no request none is."""
        found = self.figures()
        return [
            (objective, found[objective.figure], bool(self.requests) and objective.kept(found[objective.figure]))
            for objective in self.planned.objectives
        ]

    @property
    def kept(self) -> bool:
        """All objectives."""
        return all(kept for _, _, kept in self.judgement())


def points(seconds: dict[int, Histogram], users: dict[int, int]) -> tuple[Point, ...]:
    """A line over time, from histograms and users by second; a second without requests has no latency."""
    if not seconds:
        return ()
    step = math.ceil((max(seconds) + 1) / POINTS)
    found = []
    for start in range(0, max(seconds) + 1, step):
        within = range(start, start + step)
        latency = merged([seconds[second] for second in within if second in seconds])
        present = max((users.get(second, 0) for second in within), default=0)
        found.append(Point(start, present, latency.requests, _ms(latency, 0.5), _ms(latency, 0.99)))
    return tuple(found)


def groups(recording: Recording) -> dict[str, Group]:
    """By name, in alphabetical order."""
    return {
        name: Group(
            requests=latency.requests,
            failures=recording.failures.get(name, 0),
            p50_ms=_ms(latency, 0.5),
            p95_ms=_ms(latency, 0.95),
            p99_ms=_ms(latency, 0.99),
            highest_ms=latency.highest_us / 1000,
        )
        for name, latency in sorted(recording.latencies.items())
    }


def _ms(latency: Histogram, share: float) -> float:
    return round(latency.quantile(share) / 1000, 4)


def read_outcome(path: Path) -> Outcome:
    """As Locust has left it. Raises Refusal."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: expected the outcome of a run of locustfile.py ({error}); run it again") from error


def verdict(outcome: Outcome) -> str:
    """What a person at a terminal reads at the end: a line for each objective, and why answers were failures."""
    head = (
        f"profile {outcome.profile}{', short' if outcome.short else ''}: {outcome.requests:,} requests "
        f"in {outcome.seconds:.1f} s, {outcome.failures:,} failures"
    )
    rows = [("objective", "wanted", "found", "")] + [
        (objective.figure, f"{objective.relation} {objective.bound:g}", f"{found:.4g}", "kept" if kept else "MISSED")
        for objective, found, kept in outcome.judgement()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    reasons = [f"{count:,} x {reason}" for reason, count in outcome.reasons.items()]
    return "\n".join([head, *table, *reasons])
