"""What a new revision has to show beside the old one at a step, before it gets a larger share.

Each gate tests that the new revision is as good. Samples count as independent: where slowness comes in bursts that hit
one revision alone, the latency's false alarms are more than the plan says.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from contract.species import SPECIES
from deploy.figures import Figures
from deploy.plan import LOOKS, Plan
from deploy.probability import (
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

State = Literal["waiting", "passed", "failed", "absent"]


class Evidence(msgspec.Struct, frozen=True):
    """Figures of the step, and the old revision's since the canary's start."""

    new: Figures
    old: Figures
    history: Figures


class Reading(msgspec.Struct, frozen=True):
    """`probability` of figures as bad as these where the new revision is as good; `samples` of it, and how many of
    those needed."""

    gate: str
    samples: int
    needed: int
    probability: float
    said: str


class Gate:
    """One gate at one step: looks a few times on the way, and passes with the last look."""

    def __init__(self, read: Callable[[Plan, float, Evidence], Reading | None], plan: Plan, share: float) -> None:
        self._read, self._plan, self._share = read, plan, share
        self._next = 0  # look
        self.reading: Reading | None = None

    def look(self, evidence: Evidence) -> State:
        """What is known now."""
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


def read_errors(plan: Plan, share: float, seen: Evidence) -> Reading:
    """Requests with a status of 400 or more: Fisher's exact test, one-sided."""
    new, old = seen.new, seen.old
    needed = needed_for_events(plan.usual_errors, plan.errors, plan.risk, plan.power, _times(share))
    probability = fisher_tail(new.errors, new.requests, old.errors, old.requests)
    said = f"{new.errors} of {new.requests} requests failed, of the old {old.errors} of {old.requests}"
    return Reading("errors", _beside(new.requests, old.requests, share), needed, probability, said)


def read_latency(plan: Plan, _: float, seen: Evidence) -> Reading:
    """Predictions slower than the old revision's 99th percentile times the tolerance: an exact binomial test.

    The percentile is an upper confidence limit; it and the test share the risk. Without a limit nothing is enough.
    """
    new, history, risk = seen.new, seen.history, plan.risk / 2
    needed = needed_for_share(1 - QUANTILE, plan.slower, risk, plan.power)
    index = quantile_limit(history.cumulative, QUANTILE, risk)
    if index is None:
        fewest = needed_for_limit(QUANTILE, risk)
        said = f"{history.answered} predictions of the old revision, {fewest} are needed to know its p99"
        return Reading("latency", 0, needed, 1.0, said)
    bound = plan.tolerance * history.bounds[index]
    slow = new.slower(bound)
    probability = min(1.0, 2 * binomial_tail(new.answered, slow, 1 - QUANTILE))
    said = f"{slow} of {new.answered} predictions took longer than {bound * 1000:g} ms"
    return Reading("latency", new.answered, needed, probability, said)


def read_species(plan: Plan, share: float, seen: Evidence) -> Reading:
    """How often each species is answered: chi squared."""
    new, old = seen.new.species, seen.old.species
    usual = 1 / len(SPECIES)
    needed = needed_for_difference(usual, min(plan.species, 0.99 - usual), plan.risk / 2, plan.power, _times(share))
    counts = ", ".join(f"{name} {a} ({b})" for name, a, b in zip(SPECIES, new, old, strict=True))
    samples = _beside(sum(new), sum(old), share)
    return Reading("species", samples, needed, homogeneity_tail(new, old), f"new (old): {counts}")


def read_challenger(plan: Plan, _: float, seen: Evidence) -> Reading | None:
    """Predictions that the new revision's challenger answers otherwise: an exact binomial test. None without one."""
    new = seen.new
    if new.compared is None:
        return None
    needed = needed_for_share(plan.disagreement, plan.disagreement_effect, plan.risk, plan.power)
    probability = binomial_tail(new.compared, new.disagreed, plan.disagreement)
    said = f"{new.disagreed} of {new.compared} predictions were answered otherwise by the challenger"
    return Reading("challenger", new.compared, needed, probability, said)


READERS = (read_errors, read_latency, read_species, read_challenger)  # in the order of plan.GATES


def gates(plan: Plan, share: float) -> list[Gate]:
    """Those of a step."""
    return [Gate(read, plan, share) for read in READERS]


def most_harmed(plan: Plan, share: float, nothing: Figures) -> int:
    """Requests that the new revision gets at a step until its gates are decided, where all are predictions.

    What comes until the next look at the counters is added to that.
    """
    readings = [read(plan, share, Evidence(nothing, nothing, nothing)) for read in READERS]
    return max(reading.needed for reading in readings if reading)


def _beside(new: int, old: int, share: float) -> int:
    """Samples that count: of the old revision there have to be at least half as many as its share should give."""
    return min(new, int(2 * old / _times(share)))


def _times(share: float) -> float:
    return (100 - share) / share
