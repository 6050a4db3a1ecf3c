from typing import get_args

import pytest

from benchmarks.load.profiles import PROFILES, REPORTED, REQUIRED, Figure, Objective, Profile


def test_profiles_are_as_published() -> None:
    """Users and seconds are as published."""
    found = {name: (p.users_at(0), p.users_at(p.seconds), p.seconds) for name, p in PROFILES.items()}
    assert found == {
        "baseline": (1, 1, 60),
        "normal": (10, 10, 300),
        "stress": (50, 50, 120),
        "spike": (1, 100, 60),
        "tenfold": (100, 100, 60),
        "soak": (20, 20, 3600),
    }
    assert set(REPORTED) <= set(PROFILES)


def test_tenfold_is_ten_times_normal() -> None:
    """Ten times as many requests are offered."""
    normal, tenfold = PROFILES["normal"], PROFILES["tenfold"]
    assert tenfold.offered_per_second == 10 * normal.offered_per_second


def test_a_spike_grows_evenly() -> None:
    """The number of users grows evenly; in the warm-up it is the first."""
    spike = PROFILES["spike"]
    assert [spike.users_at(second) for second in (-3, 0, 20, 40, 59.9)] == [1, 1, 34, 67, 100]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_profile_can_be_kept(profile: Profile) -> None:
    """It warms up for at least one look at the shape, demands what is required, and offers more than it demands."""
    for one in (profile, profile.shortened()):
        assert one.warm_up_seconds >= 1
        assert set(REQUIRED) <= set(one.objectives)
        assert {objective.figure for objective in one.objectives} <= set(get_args(Figure))
    least = next(objective.bound for objective in profile.objectives if objective.figure == "requests/s")
    assert profile.offered_per_second >= 1.5 * least


@pytest.mark.parametrize(("relation", "kept"), [("below", [True, False, False]), ("at most", [True, True, False])])
def test_bounds_are_kept_to_the_letter(relation: str, kept: list[bool]) -> None:
    """`below` is not kept by the bound itself."""
    objective = Objective("p95 ms", relation, 200)  # type: ignore[arg-type]
    assert [objective.kept(found) for found in (199.9, 200.0, 200.1)] == kept
    assert [Objective("requests/s", "at least", 10).kept(found) for found in (9.9, 10.0)] == [False, True]
