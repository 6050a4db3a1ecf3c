"""A second model that is asked what the first was asked, once that has been answered: how far do they agree?

A prediction costs its answer one append. A timer of the event loop asks the challenger about all that has come since,
in one native call on many rows. What is too much is dropped and counted: the challenger slows nobody down.
"""

import asyncio
import logging
import operator
import struct
import time
from typing import Protocol

import msgspec

from app.answer import Answer, json_answer
from app.bundle import Bundle
from app.library import FLOAT_BYTES, Batch
from app.outcomes import Outcomes
from app.serving import Serving

MOST_ROWS = 256  # that wait; comparing them takes the event loop about as many microseconds
PAUSE_SECONDS = 0.02  # between two comparisons: 12,800 rows a second at most

logger = logging.getLogger("uvicorn.error")


class ChallengerAnswer(msgspec.Struct, kw_only=True):
    """Of this process. `version` is the challenger's, `champion` what answers; `state` says why there is none.

    A row's distance is the largest difference of its probabilities. `dropped` rows came too fast.
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


class Model(Protocol):
    """What is asked of a challenger's library."""

    measurements: int
    outputs: int

    def predict_rows(self, data: bytes, offset: int, rows: int) -> Batch:
        """The answers to many rows."""
        ...


class Comparison:
    """One challenger beside one champion. All is called on the event loop's thread, but for `offer_rows`."""

    def __init__(self, model: Model, version: str, champion: str | None, outcomes: Outcomes) -> None:
        self._model = model
        self._outcomes = outcomes
        self._pack = struct.Struct(f"={model.measurements}f").pack
        self._singles: list[tuple[tuple[float, ...], int, dict[str, float]]] = []
        self._block: tuple[bytes, Batch, int] | None = None  # rows, their answers, how many
        self._distance = 0.0  # of all rows together
        self._seconds = 0.0  # in the challenger's library
        self._summary = ChallengerAnswer(champion=champion, version=version, state="it is compared")

    def offer(self, row: tuple[float, ...], label: int, probabilities: dict[str, float]) -> None:
        """What was answered to one row. It never raises, and never waits."""
        singles = self._singles
        if len(singles) >= MOST_ROWS:
            self._summary.dropped += 1
            return
        singles.append((row, label, probabilities))
        if len(singles) == 1 and not self._later():
            singles.clear()
            self._summary.dropped += 1

    def offer_rows(self, data: bytes, offset: int, rows: int, batch: Batch) -> None:
        """The same of a batch, from any thread: its first rows, where none waits. Off the event loop it is dropped."""
        taken = 0 if self._block or not rows else min(rows, MOST_ROWS)
        if taken and self._later():
            size = self._model.measurements * FLOAT_BYTES
            self._block = (data[offset : offset + taken * size], batch, taken)
        else:
            taken = 0
        self._summary.dropped += rows - taken

    def _later(self) -> bool:
        """Have `_compare` called; False on a thread that has no event loop."""
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
            data = b"".join([self._pack(*row) for row, _, _ in singles])
            labels = [label for _, label, _ in singles]
            shares = [share for _, _, probabilities in singles for share in probabilities.values()]
            if block:
                data += block[0]
                labels += memoryview(block[1].labels).cast("i")[: block[2]]
                shares += memoryview(block[1].probabilities).cast("f")[: block[2] * self._model.outputs]
            self._compare_rows(data, labels, shares, rows)
        except Exception as error:  # whatever it is, requests go on
            if not self._summary.failed:
                logger.error("Exception in the challenger; further ones are only counted", exc_info=error)
            self._summary.failed += rows
            self._outcomes.count("challenger", "compare", "error")

    def _compare_rows(self, data: bytes, labels: list[int], shares: list[float], rows: int) -> None:
        start = time.perf_counter()
        batch = self._model.predict_rows(data, 0, rows)
        self._seconds += time.perf_counter() - start
        differences = map(abs, map(operator.sub, shares, memoryview(batch.probabilities).cast("f")))
        distances = list(map(max, zip(*[differences] * self._model.outputs, strict=True)))
        summary = self._summary
        summary.agreed += sum(map(operator.eq, labels, memoryview(batch.labels).cast("i")))
        summary.largest_distance = max(summary.largest_distance, *distances)
        self._distance += sum(distances)
        summary.compared += rows

    def summary(self) -> ChallengerAnswer:
        """How far they agree."""
        rows = self._summary.compared
        if not rows:
            return self._summary
        return msgspec.structs.replace(
            self._summary,
            agreement=self._summary.agreed / rows,
            mean_distance=self._distance / rows,
            microseconds_per_row=self._seconds / rows * 1e6,
        )


class Challenger:
    """Who is compared with what `serving` answers; a new comparison begins with every new model of either."""

    def __init__(self, serving: Serving, outcomes: Outcomes) -> None:
        self._serving = serving
        self._outcomes = outcomes
        self._bundle: Bundle | None = None
        self._comparison: Comparison | None = None
        self._absent = ChallengerAnswer()
        self.fallback = False
        serving.on_swap = self._begin

    @property
    def version(self) -> str | None:
        """What it has."""
        return self._bundle.version if self._bundle else None

    def swap(self, bundle: Bundle) -> None:
        """Be this model from now on."""
        self._bundle = bundle
        self._begin()

    def refused(self, why: str, retry_seconds: float | None) -> None:  # noqa: ARG002  # it is not a client's to retry
        """There is none yet."""
        self._absent = ChallengerAnswer(champion=self._serving.version, state=why)

    def _begin(self) -> None:
        bundle = self._bundle
        if bundle:
            comparison = Comparison(bundle.library, bundle.version, self._serving.version, self._outcomes)
            self._comparison = comparison
            self._serving.offer, self._serving.offer_rows = comparison.offer, comparison.offer_rows

    def summary(self) -> ChallengerAnswer:
        """How far they agree, or why there is nothing to compare."""
        return self._comparison.summary() if self._comparison else self._absent

    def answer(self) -> Answer:
        """GET /challenger."""
        return json_answer(self.summary())
