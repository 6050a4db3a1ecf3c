"""The profiles of load, as data: how many users there are when, how often each asks, and what has to hold."""

from typing import Literal, NamedTuple

Figure = Literal["p95 ms", "p99 ms", "failure ratio", "requests/s", "achieved/offered"]
Relation = Literal["below", "at most", "at least"]
SHORT_SECONDS = 3.0
SHORT_WARM_UP_SECONDS = 1.0  # the shape is asked once a second, so no warm-up is shorter


class Objective(NamedTuple):
    """One line of a service level objective."""

    figure: Figure
    relation: Relation
    bound: float

    def kept(self, found: float) -> bool:
        """Return whether this value is within the bound."""
        if self.relation == "below":
            return found < self.bound
        return found <= self.bound if self.relation == "at most" else found >= self.bound


REQUIRED = (
    Objective("p95 ms", "below", 200),
    Objective("requests/s", "at least", 10),
    Objective("failure ratio", "at most", 0),
)


class Profile(NamedTuple):
    """A load of `seconds`, from `first` users to `last` in equal steps; the warm-up before it is with `first` users.

    A user asks `asks_per_second` times a second on average.
    """

    name: str
    words: str
    seconds: float
    first: int
    last: int
    asks_per_second: float
    warm_up_seconds: float
    objectives: tuple[Objective, ...]

    @property
    def offered_per_second(self) -> float:
        """Return how many requests the users would make in a second on average, if nobody had to wait."""
        return (self.first + self.last) / 2 * self.asks_per_second

    def users_at(self, second: float) -> int:
        """Return the number of users, that many seconds after the warm-up."""
        return round(self.first + (self.last - self.first) * min(1.0, max(0.0, second / self.seconds)))

    def shortened(self) -> "Profile":
        """Return a few seconds of the profile, for trying: too few to demand more than what is required."""
        seconds = min(self.seconds, SHORT_SECONDS)
        return self._replace(seconds=seconds, warm_up_seconds=SHORT_WARM_UP_SECONDS, objectives=REQUIRED)


def _own(p95_ms: float, p99_ms: float) -> tuple[Objective, ...]:
    """Return what is required, and tighter bounds of our own."""
    own = (Objective("p95 ms", "below", p95_ms), Objective("p99 ms", "below", p99_ms))
    return (*REQUIRED, *own, Objective("achieved/offered", "at least", 0.95))


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("baseline", "1 user, 1 min", 60, 1, 1, 20, 5, _own(10, 25)),
        Profile("normal", "10 users, 5 min", 300, 10, 10, 10, 10, _own(10, 25)),
        Profile("stress", "50 users, 2 min", 120, 50, 50, 10, 10, _own(25, 75)),
        Profile("spike", "1 to 100 users in 1 min", 60, 1, 100, 10, 5, _own(50, 150)),
        Profile("tenfold", "ten times normal: 100 users, 1 min", 60, 100, 100, 10, 10, _own(50, 150)),
        Profile("soak", "20 users, 1 h", 3600, 20, 20, 10, 10, _own(10, 25)),
    )
}
REPORTED = ("baseline", "normal", "stress", "spike", "tenfold")  # soak is for an hour that somebody has
