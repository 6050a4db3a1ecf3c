"""The counters of all workers, kept by their supervisor: what a worker had counted before it died is not lost."""

import asyncio
import threading
from collections.abc import Callable

from app.cells import Cells
from app.exposition import Counts, add_up, exposition
from app.families import READY, WORKER_ENDS, WORKERS, series
from app.process import figures
from app.scrape import listen_for_scrapers
from app.settings import Settings

UNREADY: Counts = {READY: [0]}  # a worker that has said nothing yet, or is not there


class Totals:
    """Written by the supervisor's thread, read by that of the metrics' port."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._alive: dict[int, Cells] = {}  # by process
        self._ended: Counts = {}
        self._ends = 0

    def begin(self, process: int, descriptor: int) -> None:
        """A worker has been started that counts in this memory."""
        with self._lock:
            self._alive[process] = Cells(descriptor)

    def end(self, process: int) -> None:
        """It has ended."""
        with self._lock:
            self._ended = add_up([self._ended, self._alive.pop(process).read()])
            self._ends += 1

    def render(self) -> bytes:
        """All there is to tell."""
        with self._lock:
            counts = [UNREADY | cells.read() for cells in self._alive.values()]
            counts += [UNREADY] * (self._wanted - len(counts))
            ended, processes = self._ended, list(self._alive)
            own = {
                series(WORKERS, state="wanted"): [self._wanted],
                series(WORKERS, state="alive"): [len(processes)],
                WORKER_ENDS: [self._ends],
            }
        return exposition(add_up([*counts, own, figures(processes)], ended))


def expose(settings: Settings, render: Callable[[], bytes]) -> None:
    """In a thread of its own, for as long as the process lives."""
    if settings.metrics_port:
        serving = listen_for_scrapers(settings.metrics_host, settings.metrics_port, render)
        threading.Thread(target=asyncio.run, args=(serving,), name="metrics", daemon=True).start()
