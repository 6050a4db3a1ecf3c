"""Counts of all attempts to get a bundle, by their outcome, and the state of followed channels: for metrics and tests.

Lifetime: process.
"""

import threading
import time
from typing import NamedTuple

import msgspec

OK = "ok"


class Event(NamedTuple):
    """A kind of event. `outcome` is OK or the reason of a failure: bundle/refusal.py lists most reasons."""

    role: str  # bundle or challenger
    stage: str  # fetch, poll, load, last_good, baked, cache, compare
    outcome: str


class EventCount(msgspec.Struct):
    """How often an event happened, and when it last did, in seconds since 1970."""

    count: int = 0
    last: float = 0.0


class FollowState(msgspec.Struct, frozen=True):
    """The state of a channel that is followed. Times are in seconds since 1970.

    `succeeded` is the time of the last successful poll, or the start of following before the first one. `expires` is
    the expiry of the newest pointer that was accepted, None before the first one.
    """

    interval: float  # seconds between two polls
    succeeded: float
    expires: float | None = None


class Outcomes:
    """The counts of one process. Safe to use from any thread."""

    def __init__(self) -> None:
        self._follow_states: dict[str, FollowState] = {}
        self._counts: dict[Event, EventCount] = {}
        self._lock = threading.Lock()

    def count(self, role: str, stage: str, outcome: str = OK) -> None:
        """Add one to the count of this event."""
        with self._lock:
            event_count = self._counts.setdefault(Event(role, stage, outcome), EventCount())
            event_count.count += 1
            event_count.last = time.time()

    def follow(self, role: str, state: FollowState) -> None:
        """Record the state of the channel that `role` follows."""
        with self._lock:
            self._follow_states[role] = state

    def followed(self) -> dict[str, FollowState]:
        """Return a copy of the states of all followed channels, by role."""
        with self._lock:
            return dict(self._follow_states)

    def all(self) -> dict[Event, EventCount]:
        """Return a copy of all counts."""
        with self._lock:
            return {event: msgspec.structs.replace(event_count) for event, event_count in self._counts.items()}
