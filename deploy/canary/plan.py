"""The plan of a canary: its steps, what it must notice, and how sure it must be. These numbers are only here."""

from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from contract.refusal import Refusal

# The statistical tests. A golden answer is right or wrong, and a process that was started again is a failure.
GATES = ("failures", "front", "errors", "latency", "classes", "challenger")
LOOKS = (0.125, 0.25, 0.5, 1.0)  # parts of the needed samples; early looks find large effects sooner

Part = Annotated[float, Meta(gt=0, lt=1)]
Seconds = Annotated[float, Meta(gt=0)]


class CanaryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the new revision are in whole percent. Effects are shares of requests.

    An effect of this size is found at any step with probability `power`. A new revision that is as good as the old one
    is rolled back in one canary with a probability of at most `false_alarms`.
    """

    steps: tuple[Annotated[int, Meta(ge=1, le=100)], ...] = (1, 5, 25, 50, 100)
    false_alarms: Part = 0.01
    power: Part = 0.9
    usual: Part = 0.001  # the least share of failures, and of errors, that the number of samples is planned for
    failures: Part = 0.02  # so many more requests have a status of 5xx
    errors: Part = 0.05  # so many more requests have a status of 4xx
    tolerance: Annotated[float, Meta(ge=1)] = 2.0  # factor on the old revision's 99th percentile
    slower: Part = 0.04  # so many more predictions are slower than that
    classes: Part = 0.1  # so many more predictions are of one class
    disagreement: Part = 0.05  # predictions that a challenger may answer differently
    disagreement_effect: Part = 0.05  # so many more answers differ
    poll_seconds: Seconds = 10.0
    rate_seconds: Seconds = 60.0  # how long the old revision's rate of requests is measured
    within_seconds: Seconds | None = None  # the longest time for the whole canary; steps are left out to keep it
    deadline_seconds: Seconds | None = None  # the longest time for one step; by default twice the expected time

    @property
    def risk(self) -> float:
        """Return the risk of a false alarm for each look of each gate at each step (Bonferroni correction)."""
        return self.false_alarms / (len(GATES) * len(self.gated) * len(LOOKS))

    @property
    def gated(self) -> tuple[int, ...]:
        """Return the steps at which there is an old revision to compare with."""
        return tuple(step for step in self.steps if step < 100)

    def after(self, share: float) -> int:
        """Return the next step."""
        return next((step for step in self.steps if step > share), 100)


def checked(plan: CanaryPlan) -> CanaryPlan:
    """Return the plan. Raises Refusal if the steps do not rise to 100, or if an effect is of more than all requests."""
    steps = plan.steps
    if len(steps) < 2 or steps[-1] != 100 or any(a >= b for a, b in pairwise(steps)):
        raise Refusal(f"--steps: expected rising shares that end in 100, such as 1,5,25,50,100; found {steps}")
    sums = {"failures": plan.usual, "errors": plan.usual, "slower": 0.01, "disagreement_effect": plan.disagreement}
    for name, usual in sums.items():
        if usual + getattr(plan, name) >= 1:
            raise Refusal(f"--{name.replace('_', '-')}: expected less than {1 - usual:g}, found {getattr(plan, name)}")
    return plan
