"""What a new revision must show at a step, compared with the old one, before it gets a larger share.

Each gate tests the hypothesis that the new revision is as good as the old one. Samples count as independent. If
slowness comes in bursts that hit only one revision, the latency gate has more false alarms than the plan says.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from deploy.canary.figures import Figures
from deploy.canary.plan import LOOKS, CanaryPlan
from deploy.canary.probability import (
    binomial_tail,
    fisher_tail,
    homogeneity_tail,
    needed_for_difference,
    needed_for_events,
    needed_for_limit,
    needed_for_share,
    quantile_limit,
)

QUANTILE = 0.99

GateState = Literal["waiting", "passed", "failed", "absent"]


class StepFigures(msgspec.Struct, frozen=True):
    """The figures of both revisions in this step, and the old revision's figures since the canary's start."""

    new: Figures
    old: Figures
    history: Figures


class Reading(msgspec.Struct, frozen=True):
    """What a gate reads from the figures.

    `probability` is that of figures at least as bad as these, if the new revision is as good. `samples` is how many
    samples there are, and `needed` how many the gate needs.
    """

    gate: str
    samples: int
    needed: int
    probability: float
    summary: str


class Gate:
    """One gate at one step. It looks a few times on the way, and passes at the last look."""

    def __init__(
        self, read: Callable[[CanaryPlan, float, StepFigures], Reading | None], plan: CanaryPlan, share: float
    ) -> None:
        self._read, self._plan, self._share = read, plan, share
        self._next = 0  # the number of the next look
        self.reading: Reading | None = None

    def look(self, evidence: StepFigures) -> GateState:
        """Return the gate's state with these figures."""
        reading = self.reading = self._read(self._plan, self._share, evidence)
        if reading is None:
            return "absent"
        if self._next == len(LOOKS):
            return "passed"
        part = reading.samples / reading.needed
        if part < LOOKS[self._next]:
            return "waiting"
        self._next = sum(look <= part for look in LOOKS)
        if reading.probability < self._plan.risk:
            return "failed"
        return "passed" if self._next == len(LOOKS) else "waiting"


def read_errors(plan: CanaryPlan, share: float, seen: StepFigures) -> Reading:
    """Test requests with a status of 400 or more: Fisher's exact test, one-sided."""
    new, old = seen.new, seen.old
    needed = needed_for_events(plan.usual_errors, plan.errors, plan.risk, plan.power, _times(share))
    probability = fisher_tail(new.errors, new.requests, old.errors, old.requests)
    summary = f"{new.errors} of {new.requests} requests failed, of the old {old.errors} of {old.requests}"
    return Reading("errors", _beside(new.requests, old.requests, share), needed, probability, summary)


def read_latency(plan: CanaryPlan, _: float, seen: StepFigures) -> Reading:
    """Test predictions slower than the old revision's 99th percentile times the tolerance: an exact binomial test.

    The percentile is an upper confidence limit. It and the test share the risk. Without such a limit no number of
    samples is enough.
    """
    new, history, risk = seen.new, seen.history, plan.risk / 2
    needed = needed_for_share(1 - QUANTILE, plan.slower, risk, plan.power)
    index = quantile_limit(history.cumulative, QUANTILE, risk)
    if index is None:
        fewest = needed_for_limit(QUANTILE, risk)
        summary = f"{history.answered} predictions of the old revision, {fewest} are needed to know its p99"
        return Reading("latency", 0, needed, 1.0, summary)
    bound = plan.tolerance * history.bounds[index]
    slow = new.slower(bound)
    probability = min(1.0, 2 * binomial_tail(new.answered, slow, 1 - QUANTILE))
    summary = f"{slow} of {new.answered} predictions took longer than {bound * 1000:g} ms"
    return Reading("latency", new.answered, needed, probability, summary)


def read_classes(plan: CanaryPlan, share: float, seen: StepFigures) -> Reading | None:
    """Test how often each class is answered: Pearson's chi-squared test. Return None if the answers are numbers."""
    names = sorted({*seen.new.classes, *seen.old.classes})
    if not names and seen.old.answered:
        return None
    new, old = ([figures.classes.get(name, 0) for name in names] for figures in (seen.new, seen.old))
    usual = 1 / max(len(names), 2) if names else 1 / 3  # before the first prediction
    needed = needed_for_difference(usual, min(plan.classes, 0.99 - usual), plan.risk / 2, plan.power, _times(share))
    counts = ", ".join(f"{name} {a} ({b})" for name, a, b in zip(names, new, old, strict=True))
    samples = _beside(sum(new), sum(old), share)
    return Reading("classes", samples, needed, homogeneity_tail(new, old), f"new (old): {counts}")


def read_challenger(plan: CanaryPlan, _: float, seen: StepFigures) -> Reading | None:
    """Test how many predictions the new revision's challenger answers differently: an exact binomial test.

    Return None if there is no challenger.
    """
    new = seen.new
    if new.compared is None:
        return None
    needed = needed_for_share(plan.disagreement, plan.disagreement_effect, plan.risk, plan.power)
    probability = binomial_tail(new.compared, new.disagreed, plan.disagreement)
    summary = f"{new.disagreed} of {new.compared} predictions were answered otherwise by the challenger"
    return Reading("challenger", new.compared, needed, probability, summary)


READERS = (read_errors, read_latency, read_classes, read_challenger)  # in the order of plan.GATES


def gates(plan: CanaryPlan, share: float) -> list[Gate]:
    """Return the gates of a step."""
    return [Gate(read, plan, share) for read in READERS]


def most_harmed(plan: CanaryPlan, share: float, nothing: Figures) -> int:
    """Return how many requests the new revision gets at a step until its gates decide, if all are predictions.

    The requests that come until the next look at the counters are added to that.
    """
    readings = [read(plan, share, StepFigures(nothing, nothing, nothing)) for read in READERS]
    return max(reading.needed for reading in readings if reading)


def _beside(new: int, old: int, share: float) -> int:
    """Return the number of samples that count.

    The old revision must have at least half as many as its share should give.
    """
    return min(new, int(2 * old / _times(share)))


def _times(share: float) -> float:
    return (100 - share) / share
