"""How long a canary takes, and which steps fit."""

from math import inf

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.refusal import Refusal
from deploy.canary.gates import most_harmed
from deploy.canary.pace import Pace, duration
from deploy.canary.plan import CanaryPlan

PLAN = CanaryPlan()
THREE_HOURS = msgspec.structs.replace(PLAN, within_seconds=9000.0)


def test_the_time_is_that_of_the_samples() -> None:
    """A step takes as long as its share of the rate needs for the samples, and the front end is late."""
    assert Pace(100, 240).seconds(PLAN, 1) == pytest.approx(most_harmed(PLAN, 1) + 240)
    assert Pace(0).seconds(PLAN, 1) == inf
    assert Pace(1).whole(PLAN) > 18 * 3600  # which is why steps are left out


def test_a_three_hour_workflow_has_a_plan_that_fits() -> None:
    """At 1 request a second the small steps are left out, at 1000 none is, and at a hundredth nothing fits."""
    assert Pace(1, 240).fitted(THREE_HOURS).steps == (25, 50, 100)
    assert Pace(1000, 240).fitted(THREE_HOURS).steps == PLAN.steps
    assert Pace(1).fitted(PLAN).steps == PLAN.steps  # nobody said how long
    with pytest.raises(Refusal, match=r"at 0\.01 requests a second the shortest canary takes .* h, and --within"):
        Pace(0.01).fitted(THREE_HOURS)


def test_a_canary_that_goes_on_measures_its_share_again() -> None:
    """The share of now is part of the time, and no step before it is."""
    assert Pace(1).whole(PLAN, 25) == Pace(1).seconds(PLAN, 25) + Pace(1).seconds(PLAN, 50)
    assert Pace(1).whole(PLAN, 100) == 0


@given(st.floats(0.01, 1e4), st.sampled_from([0, 1, 5, 25, 50]), st.floats(600, 1e5))
def test_what_is_chosen_fits(rate: float, share: int, limit: float) -> None:
    """A chosen plan fits into the time, ends in 100 %, and is refused only if the last step alone is too long."""
    plan = msgspec.structs.replace(PLAN, within_seconds=limit)
    pace = Pace(rate)
    try:
        chosen = pace.fitted(plan, share)
    except Refusal:
        assert share or pace.whole(msgspec.structs.replace(plan, steps=(50, 100))) > limit
        return
    assert pace.whole(chosen, share) <= limit
    assert chosen.steps[-1] == 100
    assert set(chosen.steps) <= set(PLAN.steps)


def test_deadlines() -> None:
    """A step may take twice the expected time, at most what the whole may; what was asked for is kept."""
    assert Pace(1).deadline(PLAN, 50) == 2 * Pace(1).seconds(PLAN, 50)
    assert Pace(1).deadline(THREE_HOURS, 1) == 9000
    assert Pace(0).deadline(PLAN, 1) == 3600
    assert Pace(1).deadline(msgspec.structs.replace(PLAN, deadline_seconds=7.0), 1) == 7


@pytest.mark.parametrize(("seconds", "text"), [(9, "9 s"), (600, "10.0 min"), (86_400, "24.0 h"), (inf, "an unknown")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    """A time has a unit that fits."""
    assert duration(seconds).startswith(text)
