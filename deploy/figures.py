"""What a revision did between two moments, from the counters that were read."""

from bisect import bisect_left
from math import inf

import msgspec

from contract.species import SPECIES
from deploy.scrape import Samples, Series

DURATION = "http_server_request_duration_seconds"
PREDICTIONS = "penguins_predictions_total"
COMPARISONS = "penguins_challenger_comparisons_total"
PREDICT = "/predict"
GOLDEN = "/v2/models/penguin/versions/1/infer"  # what the canary itself asks, and by this path only it
UNCOUNTED = ("/health/", "/v2/health/", GOLDEN)


class Figures(msgspec.Struct, frozen=True):
    """Requests, those with a status of 400 or more, and /predict's answers by duration, species and agreement.

    `cumulative` counts answers up to each of `bounds`, in seconds, the last of which is infinite. `compared` is None
    where the revision has no challenger.
    """

    requests: int
    errors: int
    bounds: tuple[float, ...]
    cumulative: tuple[int, ...]
    species: tuple[int, ...]
    compared: int | None
    disagreed: int

    @property
    def answered(self) -> int:
        """Predictions whose duration is known."""
        return self.cumulative[-1] if self.cumulative else 0

    def slower(self, bound: float) -> int:
        """Predictions that took longer than the first bucket whose bound is this or more."""
        index = bisect_left(self.bounds, bound)
        return self.answered - self.cumulative[index] if index < len(self.bounds) else 0


class Tally:
    """Counters added up over restarts and instances: what has been counted since the first page."""

    def __init__(self) -> None:
        self._last: Samples | None = None
        self._total: Samples = {}

    def add(self, samples: Samples) -> None:
        """A newer page. A counter that has gone back began anew; one that was not there before began with 0."""
        if self._last is None:
            self._last = dict(samples)
            self._total = dict.fromkeys(samples, 0.0)
            return
        for series, value in samples.items():
            before = self._last.get(series, 0.0)
            self._total[series] = self._total.get(series, 0.0) + (value - before if value >= before else value)
            self._last[series] = value

    def total(self) -> Samples:
        """Everything so far."""
        return dict(self._total)


def between(before: Samples, after: Samples) -> Figures:
    """Of two totals of one tally."""
    return figures({series: value - before.get(series, 0.0) for series, value in after.items()})


def figures(samples: Samples) -> Figures:
    """Figures of differences."""
    requests = errors = 0.0
    buckets: dict[float, float] = {}
    species: dict[str, float] = dict.fromkeys(SPECIES, 0.0)
    comparisons: dict[str, float] = {}
    for series, value in samples.items():
        labels = dict(series.labels)
        if series.name == f"{DURATION}_count" and not labels["http_route"].startswith(UNCOUNTED):
            requests += value
            errors += value if int(labels["http_response_status_code"]) >= 400 else 0
        elif series.name == f"{DURATION}_bucket" and _predicted(series):
            bound = float(labels["le"])
            buckets[bound] = buckets.get(bound, 0) + value
        elif series.name == PREDICTIONS and labels["species"] in species:
            species[labels["species"]] += value
        elif series.name == COMPARISONS:
            comparisons[labels["result"]] = comparisons.get(labels["result"], 0) + value
    return Figures(
        requests=round(requests),
        errors=round(errors),
        bounds=tuple(sorted(buckets)),
        cumulative=tuple(round(buckets[bound]) for bound in sorted(buckets)),
        species=tuple(round(count) for count in species.values()),
        compared=round(comparisons.get("agree", 0) + comparisons.get("disagree", 0)) if comparisons else None,
        disagreed=round(comparisons.get("disagree", 0)),
    )


def _predicted(series: Series) -> bool:
    labels = dict(series.labels)
    return labels["http_route"] == PREDICT and labels["http_response_status_code"] == "200"


NOTHING = Figures(0, 0, (inf,), (0,), (0,) * len(SPECIES), None, 0)
