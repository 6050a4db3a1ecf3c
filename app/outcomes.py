"""What became of every attempt to get a bundle: counted since the start of the process, for metrics and tests."""

import threading
import time
from typing import NamedTuple

import msgspec

OK = "ok"


class Event(NamedTuple):
    """A kind of event. `outcome` is OK, or one of a few words: bundle/refusal.py has most of them."""

    role: str  # bundle or challenger
    stage: str  # fetch, poll, load, last_good, baked, cache, compare
    outcome: str


class Tally(msgspec.Struct):
    """How often, and when last, in seconds since 1970."""

    count: int = 0
    last: float = 0.0


class Outcomes:
    """Safe on any thread."""

    def __init__(self) -> None:
        self._tallies: dict[Event, Tally] = {}
        self._lock = threading.Lock()

    def count(self, role: str, stage: str, outcome: str = OK) -> None:
        """One more."""
        with self._lock:
            tally = self._tallies.setdefault(Event(role, stage, outcome), Tally())
            tally.count += 1
            tally.last = time.time()

    def all(self) -> dict[Event, Tally]:
        """A copy."""
        with self._lock:
            return {event: msgspec.structs.replace(tally) for event, tally in self._tallies.items()}
