"""The counters of one process. A count is a few additions; predictions are collected and counted many at once."""

from collections.abc import Iterable, Mapping

import msgspec

from app.core.prediction_record import PredictionRecord
from app.metrics.cells import Cells
from app.metrics.families import (
    ACTIVE,
    CHANNEL_EXPIRY,
    CONNECTIONS,
    DURATIONS,
    ERRORS,
    FALLBACK,
    FOLLOW_INTERVAL,
    FOLLOW_SUCCESS,
    LOG_LINES,
    OUTCOMES,
    READY,
    REJECTED,
    STARTUP,
    series,
)
from app.metrics.model_cells import ModelCells
from app.metrics.model_counts import ModelCounts
from app.metrics.tallies import tally, tally_one
from app.model.outcomes import FollowState
from contract.drift import DriftBaseline
from contract.metrics import COMPARISONS, DURATION
from contract.schema import Contract

KEPT_MODELS = 2  # models with series: the served one, and the one before it, whose last answers may be counted late
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
STATES = ("first", "idle", "head", "body", "answer", "linger")  # in the order of app/http/deadlines.py
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
OTHER_KINDS = ("domain", "stopping")  # kinds of errors that do not follow from the status
REASONS = ("overload", "connections", "rate", "batches", "pipelined", "held")

_astuple = msgspec.structs.astuple


class Metrics:
    """The counters of one process.

    Call its methods on the event loop's thread only. The methods in the last part may be called on any thread.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.predictions: list[PredictionRecord] = []  # not counted yet
        self.waiting: dict[str, list[float]] = {}  # seconds of 200s, not counted yet, by the operation's route
        self._waiting_cells: dict[str, memoryview] = {}
        self._durations: dict[tuple[str, str, int], memoryview] = {}
        self._models: dict[str, ModelCounts] = {}  # by version; at most KEPT_MODELS
        self._served: str | None = None
        self._contract: Contract | None = None  # of the model that is served; every model has the same
        self._compared: tuple[str, str] | None = None  # champion and challenger
        self._comparisons = ModelCells(cells)
        self._comparison_counts: dict[str, int] = {}  # by result, as of the last set_challenger
        self._connections = [self._take(CONNECTIONS, state=state) for state in STATES]
        self._active = self._take(ACTIVE)
        self._ready = self._take(READY)
        for reason in REASONS:  # so that these series exist, with 0, before the first event
            self._take(REJECTED, reason=reason)
        for kind in sorted({*KINDS.values(), *OTHER_KINDS}):
            self._take(ERRORS, kind=kind)

    def _take(self, family: str, **labels: str) -> memoryview:
        return self.cells.take(series(family, **labels), 1)

    # Requests

    def watch_route(self, method: str, route: str) -> list[float]:
        """Return the list to which the caller appends the seconds of each 200 of this operation."""
        if route not in self.waiting:
            self._waiting_cells[route] = self._duration(method, route, 200)
            self.waiting[route] = []
        return self.waiting[route]

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered. `method` is any text of the client; `route` is one of ours or empty."""
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
        """Count a request that was answered with an error."""
        self._take(ERRORS, kind=kind)[0] += 1

    def rejected(self, reason: str) -> None:
        """Count a request or a connection that was refused because of load."""
        self._take(REJECTED, reason=reason)[0] += 1

    def flush(self) -> None:
        """Count the collected durations and predictions."""
        for route, seconds in self.waiting.items():
            if seconds:
                cells = self._waiting_cells[route]
                tally(seconds, DURATIONS, cells)
                cells[-1] += int(sum(seconds) * 1e9)
                seconds.clear()
        if self.predictions:
            predictions = self.predictions.copy()
            self.predictions.clear()  # before the count: if it fails, it is not tried again
            self._count(predictions)

    def _count(self, predictions: list[PredictionRecord]) -> None:
        """Count each prediction for the model that made it. Nearly always one model made all of them."""
        columns = list(zip(*map(_astuple, predictions), strict=True))
        versions = columns[-1]
        if versions.count(versions[0]) == len(versions):
            self._model(versions[0]).count(columns)
            return
        for version in dict.fromkeys(versions):
            own = [_astuple(each) for each in predictions if each.model_version == version]
            self._model(version).count(list(zip(*own, strict=True)))

    def _model(self, version: str) -> ModelCounts:
        """Return the counters of a model. A new model replaces the oldest one, but never the one that is served."""
        counts = self._models.get(version)
        if counts is None:
            if len(self._models) >= KEPT_MODELS:
                oldest = next(each for each in self._models if each != self._served)
                self._models.pop(oldest).give_up()
            assert self._contract is not None, "set_model comes before the first prediction"
            counts = self._models[version] = ModelCounts(self.cells, version, self._contract)
        return counts

    # Current values: gauges

    def set_connections(self, phases: Iterable[int], active: int, ready: bool) -> None:
        """Set the number of open connections by phase, of active requests, and whether the process is ready.

        `phases` has the phase of each open connection, as numbered in app/http/deadlines.py.
        """
        counts = [0] * len(STATES)
        for phase in phases:
            counts[phase] += 1
        for cell, count in zip(self._connections, counts, strict=True):
            cell[0] = count
        self._active[0] = active
        self._ready[0] = ready

    def set_model(self, version: str, contract: Contract, baseline: DriftBaseline | None = None) -> None:
        """Set the model that is served from now on. `baseline` is what drift is compared with, if known."""
        self._contract = contract
        for counts in self._models.values():
            counts.served[0] = 0
        model = self._model(version)
        model.watch_drift(baseline)
        model.served[0] = 1
        self._models[version] = self._models.pop(version)  # moved to the end: the newest is last
        self._served = version

    def set_startup(self, seconds: float) -> None:
        """Set how long the process took to become ready."""
        self._take(STARTUP)[0] = int(seconds * 1e9)

    # Values that other objects count. Each is set as a whole, on any thread, but always on one thread per series.

    def set_outcome(self, role: str, stage: str, outcome: str, count: int) -> None:
        """Set how many attempts to fetch, load or swap a bundle had this outcome."""
        self._take(OUTCOMES, role=role, stage=stage, outcome=outcome)[0] = count

    def set_followed(self, role: str, state: FollowState) -> None:
        """Set the state of the channel that this role follows."""
        self._take(FOLLOW_SUCCESS, role=role)[0] = int(state.succeeded * 1e9)
        self._take(FOLLOW_INTERVAL, role=role)[0] = int(state.interval * 1e9)
        if state.expires is not None:
            self._take(CHANNEL_EXPIRY, role=role)[0] = max(0, int(state.expires * 1e9))

    def set_fallback(self, in_use: bool) -> None:
        """Set whether a fallback is served instead of the configured bundle."""
        self._take(FALLBACK)[0] = in_use

    def set_challenger(self, champion: str, challenger: str, counts: Mapping[str, int]) -> None:
        """Set how many comparisons of two models had each result: agree, disagree, dropped or failed.

        A count that is lower than before belongs to a new comparison, and is added.
        """
        if self._compared != (champion, challenger):
            self._compared = champion, challenger
            self._comparisons.give_up()
            self._comparisons = ModelCells(self.cells, version=champion, challenger=challenger)
            self._comparison_counts = {}
        for result, count in counts.items():
            before = self._comparison_counts.get(result, 0)
            self._comparisons.take(COMPARISONS, result=result)[0] += count - before if count >= before else count
            self._comparison_counts[result] = count

    def set_log_lines(self, outcome: str, count: int) -> None:
        """Set how many lines of the request log had this outcome: written, left_out or dropped."""
        self._take(LOG_LINES, outcome=outcome)[0] = count
