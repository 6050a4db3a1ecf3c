"""How a canary goes: its steps, what it must notice, how sure it must be. The one place of these numbers."""

from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from contract.refusal import Refusal

GATES = ("errors", "latency", "species", "challenger")  # that are tests; golden answers are right or wrong
LOOKS = (0.125, 0.25, 0.5, 1.0)  # parts of the needed samples: what is clear is seen sooner

Part = Annotated[float, Meta(gt=0, lt=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the new revision in whole percent, and effects as shares of requests.

    An effect that large is found at any step with probability `power`. A new revision that is as good as the old one
    is rolled back in one canary with a probability of at most `false_alarms`.
    """

    steps: tuple[Annotated[int, Meta(ge=1, le=100)], ...] = (1, 5, 25, 50, 100)
    false_alarms: Part = 0.01
    power: Part = 0.9
    usual_errors: Part = 0.001  # an assumption for the number of samples, not a bound
    errors: Part = 0.02  # more requests that fail
    tolerance: Annotated[float, Meta(ge=1)] = 2.0  # times the old revision's 99th percentile
    slower: Part = 0.04  # more predictions beyond that than the one in a hundred
    species: Part = 0.1  # more predictions of one species
    disagreement: Part = 0.05  # predictions that a challenger may answer otherwise
    disagreement_effect: Part = 0.05  # more of them
    poll_seconds: Seconds = 10.0
    deadline_seconds: Seconds = 3600.0  # for one step to get its samples

    @property
    def risk(self) -> float:
        """Of a false alarm, for each look of each gate at each step (Bonferroni)."""
        return self.false_alarms / (len(GATES) * len(self.gated) * len(LOOKS))

    @property
    def gated(self) -> tuple[int, ...]:
        """Steps at which there is an old revision to compare with."""
        return tuple(step for step in self.steps if step < 100)

    def after(self, share: float) -> int:
        """The next step."""
        return next((step for step in self.steps if step > share), 100)


def checked(plan: Plan) -> Plan:
    """Raises Refusal where the steps do not rise to 100, or an effect is of more than all requests."""
    steps = plan.steps
    if len(steps) < 2 or steps[-1] != 100 or any(a >= b for a, b in pairwise(steps)):
        raise Refusal(f"--steps: expected rising shares that end in 100, such as 1,5,25,50,100; found {steps}")
    sums = {"errors": plan.usual_errors, "slower": 0.01, "disagreement_effect": plan.disagreement}
    for name, usual in sums.items():
        if usual + getattr(plan, name) >= 1:
            raise Refusal(f"--{name.replace('_', '-')}: expected less than {1 - usual:g}, found {getattr(plan, name)}")
    return plan
