"""What a new revision must show at a step, compared with the old one, before it gets a larger share.

Each gate tests the hypothesis that the new revision is as good as the old one. Samples count as independent. If
slowness comes in bursts that hit only one revision, the latency gate has more false alarms than the plan says.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from deploy.canary.figures import NOTHING, Figures
from deploy.canary.front import NO_FRONT, FrontFigures
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
    usual_share,
)

QUANTILE = 0.99

GateState = Literal["waiting", "passed", "failed", "absent"]


class StepFigures(msgspec.Struct, frozen=True):
    """The figures of both revisions in this step, and the old revision's figures since the canary's start.

    `earlier` are the old revision's figures of before this step, also of before the canary. They only say how many
    samples are needed, so that this does not depend on what is tested. The `front` figures are what the front end
    counted; NO_FRONT if there is none.
    """

    new: Figures = NOTHING
    old: Figures = NOTHING
    history: Figures = NOTHING
    earlier: Figures = NOTHING
    new_front: FrontFigures = NO_FRONT
    old_front: FrontFigures = NO_FRONT
    front_history: FrontFigures = NO_FRONT


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


def read_failures(plan: CanaryPlan, share: float, seen: StepFigures) -> Reading:
    """Test requests with a status of 5xx, by themselves: Fisher's exact test, one-sided."""
    earlier, new, old = seen.earlier, seen.new, seen.old
    needed = _needed(plan, share, earlier.failures, earlier.requests, plan.failures)
    return _compared(
        "failures", share, needed, (new.failures, new.requests), (old.failures, old.requests), "failed with 5xx"
    )


def read_front(plan: CanaryPlan, share: float, seen: StepFigures) -> Reading | None:
    """Test the failures that the front end counted: also those of a process that did not live to count them.

    Return None if there is no front end.
    """
    new, old = seen.new_front, seen.old_front
    if new is NO_FRONT or old is NO_FRONT:
        return None
    needed = _needed(plan, share, seen.earlier.failures, seen.earlier.requests, plan.failures)
    pair = (new.failures, new.requests), (old.failures, old.requests)
    return _compared("front", share, needed, *pair, "failed at the front end")


def read_errors(plan: CanaryPlan, share: float, seen: StepFigures) -> Reading:
    """Test requests with a status of 4xx: Fisher's exact test, one-sided."""
    earlier, new, old = seen.earlier, seen.new, seen.old
    needed = _needed(plan, share, earlier.errors, earlier.requests, plan.errors)
    return _compared(
        "errors", share, needed, (new.errors, new.requests), (old.errors, old.requests), "were refused with 4xx"
    )


def _compared(gate: str, share: float, needed: int, new: tuple[int, int], old: tuple[int, int], what: str) -> Reading:
    """Return the reading of events among requests, of the new and the old revision."""
    summary = f"{new[0]} of {new[1]} requests {what}, of the old {old[0]} of {old[1]}"
    return Reading(gate, _beside(new[1], old[1], share), needed, fisher_tail(*new, *old), summary)


def _needed(plan: CanaryPlan, share: float, events: int, requests: int, effect: float) -> int:
    """Return how many samples find the effect, if the old revision's share of events is the one that was measured."""
    usual = min(usual_share(events, requests, plan.usual), 0.99 - effect)
    return needed_for_events(usual, effect, plan.risk, plan.power, _times(share))


def read_latency(plan: CanaryPlan, _: float, seen: StepFigures) -> Reading:
    """Test answers slower than the old revision's 99th percentile times the tolerance: an exact binomial test.

    The front end's durations are used if it has any, because they are what users see. The percentile is an upper
    confidence limit. It and the test share the risk. Without such a limit no number of samples is enough.
    """
    front = len(seen.front_history.bounds) > 1
    new, history = (seen.new_front, seen.front_history) if front else (seen.new, seen.history)
    what = "answers at the front end" if front else "predictions"
    risk = plan.risk / 2
    needed = needed_for_share(1 - QUANTILE, plan.slower, risk, plan.power)
    index = quantile_limit(history.cumulative, QUANTILE, risk)
    if index is None:
        fewest = needed_for_limit(QUANTILE, risk)
        summary = f"{history.answered} {what} of the old revision, {fewest} are needed to know its p99"
        return Reading("latency", 0, needed, 1.0, summary)
    bound = plan.tolerance * history.bounds[index]
    slow = new.slower(bound)
    probability = min(1.0, 2 * binomial_tail(new.answered, slow, 1 - QUANTILE))
    summary = f"{slow} of {new.answered} {what} took longer than {bound * 1000:g} ms"
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


# In the order of plan.GATES.
READERS = (read_failures, read_front, read_errors, read_latency, read_classes, read_challenger)


def gates(plan: CanaryPlan, share: float) -> list[Gate]:
    """Return the gates of a step."""
    return [Gate(read, plan, share) for read in READERS]


def most_harmed(plan: CanaryPlan, share: float, earlier: Figures = NOTHING) -> int:
    """Return how many requests the new revision gets at a step until its gates decide, if all are predictions.

    `earlier` are the old revision's figures of before the step. The requests that come until the next look at the
    counters are added to that, and at a front end that shows its figures later those until then.
    """
    seen = StepFigures(earlier=earlier)
    return max(reading.needed for read in READERS if (reading := read(plan, share, seen)))


def _beside(new: int, old: int, share: float) -> int:
    """Return the number of samples that count.

    The old revision must have at least half as many as its share should give.
    """
    return min(new, int(2 * old / _times(share)))


def _times(share: float) -> float:
    return (100 - share) / share
