"""Compare the answers of two models: the challenger predicts the same rows after the champion has answered them.

A request only appends its row to a list. A timer of the event loop passes all rows of the list to the challenger in one
native call. Rows that come too fast are dropped and counted, so the challenger does not slow requests down.
"""

import asyncio
import logging
import operator
import struct
import time
from math import nan
from typing import Protocol

import msgspec

from app.explanation.scales import exact, float32
from app.model.outcomes import Outcomes
from binding.library import FLOAT_BYTES, Batch
from contract.schema import Contract
from score.inputs import Row

MAX_ROWS = 256  # rows that wait; to compare them takes the event loop about 256 microseconds
PAUSE_SECONDS = 0.02  # between two comparisons; with MAX_ROWS, at most 12,800 rows a second

logger = logging.getLogger("uvicorn.error")


class ComparisonReport(msgspec.Struct):
    """How far a challenger agrees with the champion, the model that answers requests, counted in this process.

    `champion` and `version` are the versions of the champion and of the challenger. `state` says whether they are
    compared, or why not. `compared` counts rows, `agreed` those with the same class, or with numbers that differ by at
    most the contract's tolerance. A row's distance is the largest difference between two probabilities of a class, or
    between two numbers. `microseconds_per_row` is the challenger's time.
    `dropped` rows came too fast to be compared; `failed` ones raised an exception.
    """

    champion: str | None = None
    version: str | None = None
    state: str = "it is being loaded"
    compared: int = 0
    agreed: int = 0
    agreement: float | None = None
    mean_distance: float | None = None
    largest_distance: float = 0.0
    microseconds_per_row: float | None = None
    dropped: int = 0
    failed: int = 0

    def results(self) -> dict[str, int]:
        """Return how many predictions had each result, for metrics."""
        disagreed = self.compared - self.agreed
        return {"agree": self.agreed, "disagree": disagreed, "dropped": self.dropped, "failed": self.failed}


class ChallengerLibrary(Protocol):
    """The part of binding.library.Library that a comparison uses."""

    inputs: int
    values: int

    def predict_rows(self, data: bytes, offset: int, rows: int) -> Batch:
        """Return the answers to `rows` rows of float32 measurements in `data`, from byte `offset` on."""
        ...


class Comparison:
    """The comparison of one challenger with one champion. Only `offer_rows` may be called off the event loop's thread.

    A single is one prediction of POST /predict; a block is the first rows of one inference request.
    """

    def __init__(
        self, model: ChallengerLibrary, contract: Contract, version: str, champion: str | None, outcomes: Outcomes
    ) -> None:
        self._model = model
        self._tolerance = None if contract.output.classed else contract.output.tolerance
        self._outcomes = outcomes
        self._pack = struct.Struct(f"={model.inputs}f").pack
        self._singles: list[tuple[Row, int, dict[str, float]]] = []  # row, label, values
        self._block: tuple[bytes, Batch, int] | None = None  # rows, the champion's answers, number of rows
        self._distance = 0.0  # sum over all rows
        self._seconds = 0.0  # time spent in the challenger's library
        self._summary = ComparisonReport(champion=champion, version=version, state="it is compared")

    def offer(self, row: Row, label: int, values: dict[str, float]) -> None:
        """Queue one row, with the champion's answer, for comparison. Never raises and never blocks."""
        singles = self._singles
        if len(singles) >= MAX_ROWS:
            self._summary.dropped += 1
            return
        singles.append((row, label, values))
        if len(singles) == 1 and not self._later():
            singles.clear()
            self._summary.dropped += 1

    def offer_rows(self, data: bytes, offset: int, rows: int, batch: Batch) -> None:
        """Queue the first rows of a batch for comparison, unless another block waits. Never blocks.

        `data` and `offset` are those of Library.predict_rows. On a thread without an event loop all rows are dropped.
        """
        taken = 0 if self._block or not rows else min(rows, MAX_ROWS)
        if taken and self._later():
            size = self._model.inputs * FLOAT_BYTES
            self._block = (data[offset : offset + taken * size], batch, taken)
        else:
            taken = 0
        self._summary.dropped += rows - taken

    def _later(self) -> bool:
        """Schedule `_compare`. Return False on a thread that has no event loop."""
        try:
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._compare)
        except RuntimeError:
            return False
        return True

    def _compare(self) -> None:
        singles, block = self._singles, self._block
        self._singles, self._block = [], None
        rows = len(singles) + (block[2] if block else 0)
        try:
            data = b"".join([self._packed(row) for row, _, _ in singles])
            labels = [label for _, label, _ in singles]
            expected = [value for _, _, values in singles for value in values.values()]
            if block:
                data += block[0]
                labels += memoryview(block[1].labels).cast("i")[: block[2]]
                expected += memoryview(block[1].values).cast("f")[: block[2] * self._model.values]
            self._compare_rows(data, labels, expected, rows)
        except Exception as error:  # any exception: requests are still answered
            if not self._summary.failed:
                logger.error("Exception in the challenger; further ones are only counted", exc_info=error)
            self._summary.failed += rows
            self._outcomes.count("challenger", "compare", "error")

    def _packed(self, row: Row) -> bytes:
        values = [nan if value is None else value for value in row]
        try:
            return self._pack(*values)
        except OverflowError:  # of a number too large for float32, which is infinite for the library
            return self._pack(*[exact(float32(float(value))) for value in values])

    def _compare_rows(self, data: bytes, labels: list[int], expected: list[float], rows: int) -> None:
        """Predict `rows` rows with the challenger and add up the differences.

        `labels` and `expected` are the champion's labels and values; `expected` has `values` of them a row.
        """
        start = time.perf_counter()
        batch = self._model.predict_rows(data, 0, rows)
        self._seconds += time.perf_counter() - start
        differences = map(abs, map(operator.sub, expected, memoryview(batch.values).cast("f")))
        distances = list(map(max, zip(*[differences] * self._model.values, strict=True)))
        summary = self._summary
        if self._tolerance is None:
            summary.agreed += sum(map(operator.eq, labels, memoryview(batch.labels).cast("i")))
        else:
            summary.agreed += sum(distance <= self._tolerance for distance in distances)
        summary.largest_distance = max(summary.largest_distance, *distances)
        self._distance += sum(distances)
        summary.compared += rows

    def summary(self) -> ComparisonReport:
        """Return how far the two models agree so far."""
        rows = self._summary.compared
        if not rows:
            return self._summary
        return msgspec.structs.replace(
            self._summary,
            agreement=self._summary.agreed / rows,
            mean_distance=self._distance / rows,
            microseconds_per_row=self._seconds / rows * 1e6,
        )
