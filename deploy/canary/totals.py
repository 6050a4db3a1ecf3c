"""Counters added up over restarts and instances, and how often a process was started again."""

from contract.metrics import STARTED, WORKER_ENDS
from deploy.canary.scrape import Samples, Series

INSTANCE = ("job", "instance")  # the labels that a scraper adds; a page that was read directly has none


class CounterTotals:
    """What one revision counted since the first page.

    `began` is when that was, in seconds since 1970. An instance may appear later than it began, because it was scraped
    late. Then what it had counted before it appeared does not count, unless it was started after `began`.
    """

    def __init__(self) -> None:
        self.restarts = 0  # processes that were started again under the same instance, and workers that ended
        self._began: float | None = None
        self._last: Samples = {}
        self._total: Samples = {}
        self._seen: set[tuple[str, tuple[str, ...]]] = set()  # metrics and the instances that have shown them

    def add(self, samples: Samples, now: float) -> None:
        """Add a newer page, read at `now`, in seconds since 1970. A counter that went back was restarted at 0."""
        first, began = self._began is None, now if self._began is None else self._began
        self._began = began
        starts = {instance_of(series): value for series, value in samples.items() if series.name == STARTED}
        for series, value in samples.items():
            if series.name == STARTED:
                self.restarts += self._last.get(series, value) != value
            else:
                young = starts.get(instance_of(series), 0.0) >= began
                more = self._more(series, value, first, young)
                self._total[series] = self._total.get(series, 0.0) + more
                self.restarts += round(more) if series.name == WORKER_ENDS else 0
            self._last[series] = value
        self._seen |= {(series.name, instance_of(series)) for series in samples}

    def _more(self, series: Series, value: float, first: bool, young: bool) -> float:
        """Return what this value adds. A label that a known instance shows for the first time began at 0."""
        if first:
            return 0.0
        if series in self._last:
            before = self._last[series]
            return value - before if value >= before else value
        instance = instance_of(series)
        page = not any(instance)  # everything on it is of one moment
        return value if page or young or (series.name, instance) in self._seen else 0.0

    def total(self) -> Samples:
        """Return everything that was counted so far."""
        return dict(self._total)

    def lifetime(self) -> Samples:
        """Return the counters as they were read last, with what they had counted before the first page."""
        return {series: value for series, value in self._last.items() if series.name != STARTED}


def instance_of(series: Series) -> tuple[str, ...]:
    """Return the labels that say which instance a series is of; empty texts if it was read directly."""
    labels = dict(series.labels)
    return tuple(labels.get(name, "") for name in INSTANCE)
