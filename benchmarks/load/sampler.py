"""CPU and memory of the service through a run, from a thread that looks once a second."""

import threading
import time
from typing import NamedTuple

from benchmarks.load.outcome import POINTS
from benchmarks.load.results import Sample
from benchmarks.wire.processes import Started

EVERY_SECONDS = 1.0


class Look(NamedTuple):
    """What was seen at a time of day, in seconds since 1970."""

    at: float
    cpu_s: float
    rss_mb: float


class Sampler:
    """A context: samples while it is entered."""

    def __init__(self, server: Started) -> None:
        self._server = server
        self._looks: list[Look] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._looks.append(Look(time.time(), sum(self._server.cpu_seconds().values()), self._server.rss_mb()))
            if self._done.wait(EVERY_SECONDS):
                return

    def samples(self, began: float, seconds: float) -> tuple[Sample, ...]:
        """Those of a run's own seconds, no more than a picture shows."""
        within = [look for look in self._looks if 0 <= look.at - began <= seconds]
        step = len(within) // POINTS + 1
        kept = within[::step] + ([within[-1]] if within and (len(within) - 1) % step else [])
        return tuple(Sample(round(look.at - began, 2), round(look.cpu_s, 2), round(look.rss_mb, 2)) for look in kept)
