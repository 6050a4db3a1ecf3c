"""What both revisions did since the canary began and since its step began, read from their counters and the front."""

import time
from typing import NamedTuple

import msgspec

from contract.refusal import Refusal
from deploy.canary.figures import Figures, between, figures
from deploy.canary.front import NO_FRONT, FrontFigures, FrontSource
from deploy.canary.gates import StepFigures
from deploy.canary.scrape import CounterSource, Samples
from deploy.canary.totals import CounterTotals


class Pair(NamedTuple):
    """The old and the new revision, and where their counters and the front end's figures are read."""

    old: str
    new: str
    old_source: CounterSource
    new_source: CounterSource
    old_front: FrontSource | None = None
    new_front: FrontSource | None = None


class Evidence:
    """The figures of one canary. `failure` is why the last reading failed, or empty."""

    def __init__(self, pair: Pair, label: str) -> None:
        self._pair, self._label = pair, label
        self._old, self._new = CounterTotals(), CounterTotals()
        self._began = self._step_began = 0.0
        self._old_before: Samples = {}
        self._new_before: Samples = {}
        self._seen = StepFigures()
        self.failure = ""

    def begin(self) -> None:
        """Read the first figures. Raises Refusal if they cannot be read, or if the old revision has none."""
        before = self._pair.old_source.read()
        if not before:
            raise Refusal(f"there are no counters of {self._pair.old}; expected those of a service that serves")
        now = time.time()
        self._old.add(before, now)
        self._new.add(self._pair.new_source.read(), now)
        self._began = self._step_began = now
        self._fronts(now)

    def rate(self, seconds: float) -> float:
        """Return how many requests a second both revisions get, measured for so long."""
        start, before = time.monotonic(), self._requests()
        time.sleep(seconds)
        self.poll()
        return (self._requests() - before) / (time.monotonic() - start)

    @property
    def late(self) -> float:
        """Return how many seconds late the front end's figures are."""
        return self._pair.new_front.late_seconds if self._pair.new_front else 0.0

    def _requests(self) -> int:
        return sum(between({}, each.total(), self._label).requests for each in (self._old, self._new))

    def earlier(self) -> Figures:
        """Return the old revision's figures until now, with those of before the canary."""
        return figures(self._old.lifetime(), self._label)

    def step(self) -> StepFigures:
        """Begin a step. Return its figures, which are empty."""
        self.poll()
        self._step_began = time.time()
        self._old_before, self._new_before = self._old.total(), self._new.total()
        new_front, old_front, front_history = self._fronts(self._step_began)
        self._seen = StepFigures(
            earlier=self.earlier(), new_front=new_front, old_front=old_front, front_history=front_history
        )
        return self._seen

    def poll(self) -> StepFigures:
        """Read everything again, and return the step's figures. What cannot be read adds no samples."""
        try:
            old, new, now = self._pair.old_source.read(), self._pair.new_source.read(), time.time()
            self._old.add(old, now)
            self._new.add(new, now)
            new_front, old_front, front_history = self._fronts(self._step_began)
            self.failure = ""
        except Refusal as refusal:
            self.failure = str(refusal)
            return self._seen
        olds, label = self._old.total(), self._label
        self._seen = msgspec.structs.replace(
            self._seen,
            new=between(self._new_before, self._new.total(), label),
            old=between(self._old_before, olds, label),
            history=between({}, olds, label),
            new_front=new_front,
            old_front=old_front,
            front_history=front_history,
        )
        return self._seen

    def _fronts(self, since: float) -> tuple[FrontFigures, FrontFigures, FrontFigures]:
        """Return the front end's figures: of the new and the old revision since then, of the old since the start."""
        old, new = self._pair.old_front, self._pair.new_front
        if old is None or new is None:
            return NO_FRONT, NO_FRONT, NO_FRONT
        return new.read(since), old.read(since), old.read(self._began)

    def restarted(self) -> str:
        """Return that a process of the new revision was started again since the canary began, or nothing."""
        times = self._new.restarts
        return f"restarts: processes of {self._pair.new} ended and were started again, {times} in all" if times else ""
