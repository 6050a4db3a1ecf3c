"""How long a canary takes at the measured rate of requests, and which steps fit into the time that there is."""

from math import inf
from typing import NamedTuple

import msgspec

from contract.refusal import Refusal
from deploy.canary.figures import NOTHING, Figures
from deploy.canary.gates import most_harmed
from deploy.canary.plan import CanaryPlan

SPARE = 2.0  # a step may take so many times as long as expected
FEWEST_SECONDS = 600.0  # and at least this long: the front end's figures are minutes late


class Pace(NamedTuple):
    """Requests to the service a second, as measured, and what is known of the old revision.

    `late` is how many seconds later the front end shows its figures.
    """

    rate: float
    late: float = 0.0
    earlier: Figures = NOTHING

    def seconds(self, plan: CanaryPlan, share: float) -> float:
        """Return how long a step takes: until the new revision has had its samples at this rate."""
        requests = most_harmed(plan, share, self.earlier)
        return requests / (self.rate * share / 100) + self.late if self.rate else inf

    def whole(self, plan: CanaryPlan, share: float = 0) -> float:
        """Return how long all steps take that are left, from the share of now."""
        return sum(self.seconds(plan, step) for step in _left(plan, share))

    def deadline(self, plan: CanaryPlan, share: float) -> float:
        """Return the longest time for one step, in seconds."""
        if plan.deadline_seconds is not None:
            return plan.deadline_seconds
        expected = max(FEWEST_SECONDS, SPARE * self.seconds(plan, share)) if self.rate else 3600.0
        return min(expected, plan.within_seconds or inf)

    def fitted(self, plan: CanaryPlan, share: float = 0) -> CanaryPlan:
        """Return the plan without the first steps that are too slow for `within_seconds`.

        Small steps are the slow ones: at 1 % the service needs a hundred times as many requests as the gates need
        samples. Raises Refusal if not even the last step fits.
        """
        limit = plan.within_seconds
        if limit is None or not self.rate:
            return plan
        shorter = plan
        while self.whole(shorter, share) > limit:
            steps = shorter.steps[1:]
            if len(steps) < 2:
                raise Refusal(self._too_slow(shorter, share, limit))
            shorter = msgspec.structs.replace(shorter, steps=steps)
        return shorter

    def _too_slow(self, plan: CanaryPlan, share: float, limit: float) -> str:
        return (
            f"at {self.rate:.3g} requests a second the shortest canary takes {duration(self.whole(plan, share))}, and "
            f"--within-seconds allows {duration(limit)}: give it more time, or look for larger effects only "
            f"(--failures {plan.failures:g}, --slower {plan.slower:g}, --classes {plan.classes:g})"
        )


def _left(plan: CanaryPlan, share: float) -> list[int]:
    """Return the steps to measure, if the new revision has `share` percent now: that share itself and what follows."""
    now = [round(share)] if 0 < share < 100 else []
    return [*now, *(step for step in plan.gated if step > share)]


def duration(seconds: float) -> str:
    """Return a time for people: seconds, minutes or hours."""
    if seconds == inf:
        return "an unknown time"
    for size, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"
