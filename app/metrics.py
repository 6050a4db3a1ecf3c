"""What the process counts. Each count is a few additions; what a prediction gives is counted many at once."""

from collections.abc import Iterable

import msgspec

from app.cells import Cells
from app.drift_counts import DriftCounts
from app.families import (
    ACTIVE,
    CHALLENGER,
    CONFIDENCE,
    CONFIDENCES,
    CONNECTIONS,
    DISTANCE,
    DISTANCES,
    DURATION,
    DURATIONS,
    ERRORS,
    FALLBACK,
    LOG_LINES,
    MODEL,
    OUTCOMES,
    OUTSIDE,
    PREDICTIONS,
    READY,
    REJECTED,
    SET_SIZE,
    SET_SIZES,
    STARTUP,
    series,
)
from app.observed import Prediction
from app.tallies import tally, tally_one
from contract.drift import Reference
from contract.species import SPECIES

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
STATES = ("first", "head", "body", "answer", "idle", "linger")  # in the order of app/deadlines.py
KINDS = {
    400: "malformed",
    404: "path",
    405: "method",
    408: "timeout",
    413: "body_too_large",
    414: "target_too_large",
    415: "media_type",
    417: "expectation",
    422: "invalid",
    429: "rate",
    431: "headers_too_large",
    500: "internal",
    501: "not_implemented",
    503: "overload",
    505: "version",
}

_astuple = msgspec.structs.astuple


class Metrics:
    """The counters of one process. Methods are for the event loop's thread, but those that set what others counted."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.predictions: list[Prediction] = []  # not counted yet
        self.waiting: dict[str, list[float]] = {}  # seconds of 200s, not counted yet, by the operation's route
        self._waiting_cells: dict[str, memoryview] = {}
        self._durations: dict[tuple[str, str, int], memoryview] = {}
        self._models: dict[str, memoryview] = {}
        self._species = [self._take(PREDICTIONS, species=name) for name in SPECIES]
        self._confidence = cells.take(CONFIDENCE, len(CONFIDENCES) + 2)
        self._distance = cells.take(DISTANCE, len(DISTANCES) + 2)
        self._set_size = cells.take(SET_SIZE, len(SET_SIZES) + 2)
        self._outside = self._take(OUTSIDE)
        self._connections = [self._take(CONNECTIONS, state=state) for state in STATES]
        self._active = self._take(ACTIVE)
        self._ready = self._take(READY)
        self._drift: DriftCounts | None = None
        for reason in ("overload", "connections", "rate", "batches", "pipelined"):  # there before the first one
            self._take(REJECTED, reason=reason)
        for kind in sorted(set(KINDS.values())):
            self._take(ERRORS, kind=kind)

    def _take(self, family: str, **labels: str) -> memoryview:
        return self.cells.take(series(family, **labels), 1)

    # Requests

    def watch_route(self, method: str, route: str) -> list[float]:
        """Where to put the seconds of this operation's 200s from now on."""
        if route not in self.waiting:
            self._waiting_cells[route] = self._duration(method, route, 200)
            self.waiting[route] = []
        return self.waiting[route]

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One that was answered. `method` is not to be trusted, `route` is one of ours or empty."""
        cells = self._duration(method if method in METHODS else "_OTHER", route, status)
        tally_one(seconds, DURATIONS, cells)
        cells[-1] += int(seconds * 1e9)

    def _duration(self, method: str, route: str, status: int) -> memoryview:
        key = method, route, status
        if key not in self._durations:
            name = series(DURATION, http_request_method=method, http_route=route, http_response_status_code=str(status))
            self._durations[key] = self.cells.take(name, len(DURATIONS) + 2)
        return self._durations[key]

    def error(self, kind: str) -> None:
        """A request that was not answered with success."""
        self._take(ERRORS, kind=kind)[0] += 1

    def rejected(self, reason: str) -> None:
        """A request or a connection that was turned away."""
        self._take(REJECTED, reason=reason)[0] += 1

    def flush(self) -> None:
        """Count what waits to be counted."""
        for route, seconds in self.waiting.items():
            if seconds:
                cells = self._waiting_cells[route]
                tally(seconds, DURATIONS, cells)
                cells[-1] += int(sum(seconds) * 1e9)
                seconds.clear()
        if self.predictions:
            predictions = self.predictions.copy()
            self.predictions.clear()  # counted or not: what cannot be counted is not tried again
            self._count(predictions)

    def _count(self, predictions: list[Prediction]) -> None:
        rows, labels, confidences, distances, inside, sizes, _ = zip(*map(_astuple, predictions), strict=True)
        for label, cell in enumerate(self._species):
            cell[0] += labels.count(label)
        sure = list(confidences)
        tally(sure, CONFIDENCES, self._confidence)
        self._confidence[-1] += int(sum(sure) * 1e6)
        if self._drift is not None:
            self._drift.count(rows, labels, sure)
        if all(sizes):
            self._count_domain(list(distances), sizes, inside)

    def _count_domain(self, distances: list[float], sizes: tuple[int, ...], inside: tuple[bool, ...]) -> None:
        """Of a model that knows what it was trained on."""
        tally(distances, DISTANCES, self._distance)
        self._distance[-1] += int(sum(distances) * 1e6)
        for size in range(len(SET_SIZES)):  # which are the buckets' bounds
            self._set_size[size] += sizes.count(size)
        self._set_size[-1] += sum(sizes) * 1_000_000
        self._outside[0] += inside.count(False)

    # What is so at the moment

    def set_connections(self, phases: Iterable[int], active: int, ready: bool) -> None:
        """Phases of the open connections, as app/deadlines.py numbers them."""
        counts = [0] * len(STATES)
        for phase in phases:
            counts[phase] += 1
        for cell, count in zip(self._connections, counts, strict=True):
            cell[0] = count
        self._active[0] = active
        self._ready[0] = ready

    def set_model(self, version: str, reference: Reference | None = None, **labels: str) -> None:
        """This model is served from now on; with what it was trained on, where that is known."""
        for cell in self._models.values():
            cell[0] = 0
        self._models[version] = self._take(MODEL, version=version, **labels)
        self._models[version][0] = 1
        self.flush()
        self._drift = DriftCounts(self.cells, reference) if reference else None

    def set_startup(self, seconds: float) -> None:
        """It took so long to be ready."""
        self._take(STARTUP)[0] = int(seconds * 1e9)

    # What others count: absolute values. For any thread, one thread a series

    def set_outcome(self, role: str, stage: str, outcome: str, count: int) -> None:
        """So many attempts to fetch, load or swap a bundle came out this way."""
        self._take(OUTCOMES, role=role, stage=stage, outcome=outcome)[0] = count

    def set_fallback(self, in_use: bool) -> None:
        """Whether another bundle is served than the one that should be."""
        self._take(FALLBACK)[0] = in_use

    def set_challenger(self, result: str, count: int) -> None:
        """So many comparisons had this result: agree, disagree, or why there was none."""
        self._take(CHALLENGER, result=result)[0] = count

    def set_log_lines(self, outcome: str, count: int) -> None:
        """Lines of the request log: written, left_out, dropped."""
        self._take(LOG_LINES, outcome=outcome)[0] = count
