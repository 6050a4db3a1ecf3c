"""The profiles of load, as data: how many users there are when, how often each asks, and what has to hold."""

from typing import Literal

import msgspec
from msgspec.structs import replace

Figure = Literal["p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "failure ratio", "requests/s", "achieved/offered"]
Relation = Literal["below", "at most", "at least"]
SHORT_SECONDS = 3.0  # of a stage in a short run
SHORT_WARM_UP_SECONDS = 1.0


class Objective(msgspec.Struct, frozen=True):
    """One line of a service level objective."""

    figure: Figure
    relation: Relation
    bound: float

    def kept(self, found: float) -> bool:
        """Whether this value is as wanted."""
        if self.relation == "below":
            return found < self.bound
        return found <= self.bound if self.relation == "at most" else found >= self.bound


class Stage(msgspec.Struct, frozen=True):
    """So many seconds, from `first` users to `last` in equal steps."""

    seconds: float
    first: int
    last: int


REQUIRED = (
    Objective("p95 ms", "below", 200),
    Objective("requests/s", "at least", 10),
    Objective("failure ratio", "at most", 0),
)
ALL_OFFERED = Objective("achieved/offered", "at least", 0.95)


class Profile(msgspec.Struct, frozen=True):
    """A load. A user asks `asks_per_second` times a second on average; warm-up is with the first stage's users.

    The shape is asked once a second, so no warm-up is shorter.
    """

    name: str
    words: str
    stages: tuple[Stage, ...]
    asks_per_second: float
    warm_up_seconds: float
    objectives: tuple[Objective, ...]
    short: bool = False

    @property
    def seconds(self) -> float:
        """Without the warm-up."""
        return sum(stage.seconds for stage in self.stages)

    def users_at(self, second: float) -> int:
        """How many users there are, that many seconds after the warm-up; before it and after the end the nearest."""
        for stage in self.stages:
            if second < stage.seconds:
                share = max(0.0, second) / stage.seconds
                return round(stage.first + (stage.last - stage.first) * share)
            second -= stage.seconds
        return self.stages[-1].last

    def shortened(self) -> "Profile":
        """A few seconds of it, for trying and for CI: too few to hold it to more than what is required."""
        stages = tuple(replace(stage, seconds=min(stage.seconds, SHORT_SECONDS)) for stage in self.stages)
        return replace(self, stages=stages, warm_up_seconds=SHORT_WARM_UP_SECONDS, objectives=REQUIRED, short=True)


def _steady(users: int, seconds: float) -> tuple[Stage, ...]:
    return (Stage(seconds, users, users),)


def _own(p95_ms: float, p99_ms: float) -> tuple[Objective, ...]:
    """What is required, and tighter bounds of our own."""
    return (*REQUIRED, Objective("p95 ms", "below", p95_ms), Objective("p99 ms", "below", p99_ms), ALL_OFFERED)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("baseline", "1 user, 1 min", _steady(1, 60), 20, 5, _own(10, 25)),
        Profile("normal", "10 users, 5 min", _steady(10, 300), 10, 10, _own(10, 25)),
        Profile("stress", "50 users, 2 min", _steady(50, 120), 10, 10, _own(25, 75)),
        Profile("spike", "1 to 100 users in 1 min", (Stage(60, 1, 100),), 10, 5, _own(50, 150)),
        Profile("tenfold", "ten times normal: 100 users, 1 min", _steady(100, 60), 10, 10, _own(50, 150)),
        Profile("soak", "20 users, 1 h", _steady(20, 3600), 10, 10, _own(10, 25)),
    )
}
REPORTED = ("baseline", "normal", "stress", "spike", "tenfold")  # soak is for an hour that somebody has
