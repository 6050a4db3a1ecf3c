"""What the front end counted of a revision: where users are, a revision that dies has failures."""

from bisect import bisect_left
from collections.abc import Callable
from math import inf, isfinite
from typing import Protocol

import msgspec

from deploy.canary.scrape import Prometheus

# Cloud Run's own metrics, as PromQL names them (cloud.google.com/monitoring/promql/promql-mapping). Durations are in
# milliseconds, and include no network between the user and Google.
REQUESTS = "run_googleapis_com:request_count"
LATENCIES = "run_googleapis_com:request_latencies_bucket"
RESOURCE = 'monitored_resource="cloud_run_revision"'


class FrontFigures(msgspec.Struct, frozen=True):
    """Requests, those that failed because of the revision, and answers by duration.

    `cumulative` counts answers up to each of `bounds`, in seconds, the last of which is infinite. Without durations it
    has only that one.
    """

    requests: int
    failures: int
    bounds: tuple[float, ...] = (inf,)
    cumulative: tuple[int, ...] = (0,)

    @property
    def answered(self) -> int:
        """Return the number of answers whose duration is known."""
        return self.cumulative[-1]

    def slower(self, bound: float) -> int:
        """Return how many answers took longer than the first bucket whose bound is at least `bound` seconds."""
        index = bisect_left(self.bounds, bound)
        return self.answered - self.cumulative[index] if index < len(self.bounds) else 0


NO_FRONT = FrontFigures(0, 0)


class FrontSource(Protocol):
    """Where the front end's figures of one revision are read. They may be `late_seconds` late."""

    late_seconds: float

    def read(self, since: float) -> FrontFigures:
        """Return what was counted since a moment, in seconds since 1970. Raises Refusal."""
        ...


class CloudRunFront:
    """Cloud Run's counts of a revision's requests, in Cloud Monitoring.

    They come once a minute, and minutes late. An instance that cannot answer, or is gone, is a 5xx here. `now` returns
    seconds since 1970.
    """

    late_seconds = 240.0  # sampled each minute, and shown up to two or three minutes later

    def __init__(self, prometheus: Prometheus, revision: str, now: Callable[[], float]) -> None:
        self._prometheus, self._now = prometheus, now
        self._selector = f'{RESOURCE},revision_name="{revision}"'

    def read(self, since: float) -> FrontFigures:
        """Return what was counted since a moment, as far as it is shown. Raises Refusal."""
        window = f"[{max(60, round(self._now() - since))}s]"
        counted = self._prometheus.query(
            f"sum by (response_code_class) (increase({REQUESTS}{{{self._selector}}}{window}))"
        )
        by_class = {labels.get("response_code_class", ""): value for labels, value in counted}
        latencies = self._prometheus.query(f"sum by (le) (increase({LATENCIES}{{{self._selector}}}{window}))")
        bounds, cumulative = _buckets([(labels.get("le", ""), value) for labels, value in latencies])
        return FrontFigures(round(sum(by_class.values())), round(by_class.get("5xx", 0.0)), bounds, cumulative)


def _buckets(found: list[tuple[str, float]]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return bounds in seconds and cumulative counts that never fall. Estimated increases may fall a little."""
    pairs = sorted((float(bound) if bound else inf, value) for bound, value in found)
    bounds = [bound / 1000 if isfinite(bound) else inf for bound, _ in pairs]
    most, counts = 0, []
    for _, value in pairs:
        most = max(most, round(value))
        counts.append(most)
    if not bounds or bounds[-1] != inf:
        bounds, counts = [*bounds, inf], [*counts, most]
    return tuple(bounds), tuple(counts)
