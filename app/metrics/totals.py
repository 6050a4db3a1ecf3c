"""The counters of all workers, combined by their supervisor. It keeps the counts of workers that have ended."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterable

from app.core.settings import Settings
from app.metrics.cells import Cells
from app.metrics.exposition import Counts, add_up, exposition
from app.metrics.families import MODEL_LABELS, READY
from app.metrics.process import figures, workers
from app.metrics.scrape import listen_for_scrapers

_MODEL = re.compile(rf'[{{,](?:{"|".join(MODEL_LABELS)})="((?:[^"\\]|\\.)*)"')
UNREADY: Counts = {READY: [0]}  # the cells of a worker that has counted nothing yet, or does not run


class Totals:
    """The counters of `wanted` workers. The supervisor's thread writes, the thread of the metrics' port reads."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._alive: dict[int, Cells] = {}  # by process
        self._ended: Counts = {}
        self._ends = 0

    def begin(self, process: int, descriptor: int) -> None:
        """Add a worker that counts in the shared memory of this file descriptor. `process` is its process id."""
        with self._lock:
            self._alive[process] = Cells(descriptor)

    def end(self, process: int) -> None:
        """Keep the counts of a worker that has ended.

        Counts of models that no worker knows any more are dropped: otherwise their number would grow without limit.
        """
        with self._lock:
            last = self._alive.pop(process).read()
            current = models([last, *(cells.read() for cells in self._alive.values())])
            if current:
                self._ended = {name: each for name, each in self._ended.items() if models([{name: each}]) <= current}
            self._ended = add_up([self._ended, last])
            self._ends += 1

    def render(self) -> bytes:
        """Return the page of metrics for all workers, including those that have ended."""
        with self._lock:
            counts = [UNREADY | cells.read() for cells in self._alive.values()]
            counts += [UNREADY] * (self._wanted - len(counts))
            ended, processes = self._ended, list(self._alive)
            own = workers(self._wanted, len(processes), self._ends)
        return exposition(add_up([*counts, own, figures(processes)], ended))


def models(pages: Iterable[Counts]) -> set[str]:
    """Return the versions of all models that are named in these counts."""
    return {version for counts in pages for name in counts for version in _MODEL.findall(name)}


def expose(settings: Settings, render: Callable[[], bytes]) -> None:
    """Serve the page on the metrics' port, on a separate thread, until the process ends. Do nothing if it is 0."""
    if settings.metrics_port:
        serving = listen_for_scrapers(settings.metrics_host, settings.metrics_port, render)
        threading.Thread(target=asyncio.run, args=(serving,), name="metrics", daemon=True).start()
