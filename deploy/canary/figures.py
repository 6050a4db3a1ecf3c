"""What a revision did between two moments, computed from its counters."""

from bisect import bisect_left
from math import inf

import msgspec

from contract.metrics import COMPARISONS, DURATION, PREDICTIONS
from deploy.canary.scrape import Samples, Series

PREDICT = "/predict"
GOLDEN = "/versions/1/infer"  # the end of a path on which only the canary itself asks
UNCOUNTED = ("/health/", "/v2/health/")


class Figures(msgspec.Struct, frozen=True):
    """Counts of requests and failures, and of /predict's answers by duration, class and agreement.

    `failures` are requests with a status of 500 or more, `errors` those of 400 to 499. `cumulative` counts answers up
    to each of `bounds`, in seconds, the last of which is infinite. `classes` is empty if the answers are numbers.
    `compared` is None if the revision has no challenger.
    """

    requests: int
    failures: int
    errors: int
    bounds: tuple[float, ...]
    cumulative: tuple[int, ...]
    classes: dict[str, int]
    compared: int | None
    disagreed: int

    @property
    def answered(self) -> int:
        """Return the number of predictions whose duration is known."""
        return self.cumulative[-1] if self.cumulative else 0

    def slower(self, bound: float) -> int:
        """Return how many predictions took longer than the first bucket whose bound is at least `bound` seconds."""
        index = bisect_left(self.bounds, bound)
        return self.answered - self.cumulative[index] if index < len(self.bounds) else 0


def between(before: Samples, after: Samples, label: str) -> Figures:
    """Return the figures between two totals of the same counters. `label` is as in `figures`."""
    return figures({series: value - before.get(series, 0.0) for series, value in after.items()}, label)


def figures(samples: Samples, label: str) -> Figures:
    """Return the figures of differences of counters.

    `label` is the label of metrics that holds the predicted class, from the contract; empty if the answers are numbers.
    """
    requests = failures = errors = 0.0
    buckets: dict[float, float] = {}
    classes: dict[str, float] = {}
    comparisons: dict[str, float] = {}
    for series, value in samples.items():
        labels = dict(series.labels)
        if series.name == f"{DURATION}_count" and _counted(labels.get("http_route", "")):
            status = labels.get("http_response_status_code", "")
            requests += value
            failures += value if status.startswith("5") else 0
            errors += value if status.startswith("4") else 0
        elif series.name == f"{DURATION}_bucket" and _predicted(series):
            bound = float(labels.get("le", "inf"))
            buckets[bound] = buckets.get(bound, 0) + value
        elif series.name == PREDICTIONS and label in labels:
            classes[labels[label]] = classes.get(labels[label], 0) + value
        elif series.name == COMPARISONS:
            result = labels.get("result", "")
            comparisons[result] = comparisons.get(result, 0) + value
    return Figures(
        requests=round(requests),
        failures=round(failures),
        errors=round(errors),
        bounds=tuple(sorted(buckets)),
        cumulative=tuple(round(buckets[bound]) for bound in sorted(buckets)),
        classes={name: round(count) for name, count in classes.items()},
        compared=round(comparisons.get("agree", 0) + comparisons.get("disagree", 0)) if comparisons else None,
        disagreed=round(comparisons.get("disagree", 0)),
    )


def _counted(route: str) -> bool:
    return bool(route) and not (route.startswith(UNCOUNTED) or route.endswith(GOLDEN))


def _predicted(series: Series) -> bool:
    labels = dict(series.labels)
    return (labels.get("http_route"), labels.get("http_response_status_code")) == (PREDICT, "200")


NOTHING = Figures(0, 0, 0, (inf,), (0,), {}, None, 0)
