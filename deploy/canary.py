"""A new revision gets its share step by step, as long as it is as good as the old one.

Where it stands is what the splitter says, and the audit log says what was decided. A canary that is killed leaves the
share as it is; another one measures that step anew.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from contract.refusal import Refusal
from deploy.audit import Audit, Event
from deploy.figures import NOTHING, Tally, between
from deploy.gates import Evidence, Gate, Reading, gates, most_harmed
from deploy.golden import Golden
from deploy.plan import Plan
from deploy.scrape import Samples, Source
from deploy.splitter import Splitter, send_and_see, share_of

PROMOTED, ROLLED_BACK, HELD = 0, 1, 3  # exit statuses, besides that of a user's mistake
ATTEMPTS = 3  # to take requests away from a revision that is not as good


class Outcome(NamedTuple):
    """How a canary ended."""

    status: int
    said: str


class Pair(NamedTuple):
    """The old and the new revision, and where their counters are."""

    old: str
    new: str
    old_source: Source
    new_source: Source


class Canary:
    """One run. `tell` gets a line for a person."""

    def __init__(
        self, plan: Plan, splitter: Splitter, pair: Pair, golden: Golden, audit: Audit, tell: Callable[[str], None]
    ) -> None:
        self._plan, self._splitter, self._pair, self._golden = plan, splitter, pair, golden
        self._audit, self._tell = audit, tell
        self._old, self._new = Tally(), Tally()
        self._failure = ""  # to read counters, the last time

    def run(self, again: bool = False) -> Outcome:
        """To the end. Raises Refusal where it cannot begin, or the splitter cannot be set."""
        share = share_of(self._splitter, self._pair.old, self._pair.new)
        last = self._audit.last(self._pair.old, self._pair.new)
        if last and last.event == "rolling back":
            return self._roll_back(share, last.why)
        if last and last.event == "rolled back" and not again:
            raise Refusal(f"{self._pair.new} was rolled back at {last.at:%F %T}: {last.why}; to try it again: --again")
        if share >= 100:
            return self._promoted()
        before = self._pair.old_source.read()
        if not before:
            raise Refusal(f"there are no counters of {self._pair.old}; expected those of a service that serves")
        self._add(before, self._pair.new_source.read())
        self._log("started", share)
        if mistake := self._golden.mistake():
            return self._roll_back(share, mistake)
        while share < 100:
            share = self._shift(share) if share == 0 else share
            ended = self._measure(share)
            if ended:
                return ended
            share = self._shift(share)
        return self._promoted()

    def _shift(self, share: float) -> float:
        wanted = self._plan.after(share)
        self._log("shifting", wanted)
        send_and_see(self._splitter, self._pair.old, self._pair.new, wanted)
        self._log("shifted", wanted)
        return wanted

    def _measure(self, share: float) -> Outcome | None:
        """Nothing where the next step may come."""
        self._tell(
            f"{share:g} % to {self._pair.new}: until it is decided it gets at most "
            f"{most_harmed(self._plan, share, NOTHING)} predictions, and those of one poll"
        )
        self._poll()
        step = gates(self._plan, share)
        old, new, before = self._old.total(), self._new.total(), NOTHING.requests
        until = time.monotonic() + self._plan.deadline_seconds
        while time.monotonic() < until:
            time.sleep(self._plan.poll_seconds)
            self._poll()
            evidence = Evidence(
                between(new, self._new.total()), between(old, self._old.total()), between({}, self._old.total())
            )
            states = [gate.look(evidence) for gate in step]
            if "failed" in states:
                return self._roll_back(share, _said(step[states.index("failed")]), _readings(step))
            decided = "waiting" not in states
            quiet = evidence.new.requests == before or self._failure
            if (decided or quiet) and (mistake := self._golden.mistake()):
                return self._roll_back(share, mistake, _readings(step))
            if decided:
                self._log("measured", share, figures=_readings(step))
                return None
            before = evidence.new.requests
        return self._held(share, step)

    def _poll(self) -> None:
        """Counters, where they can be had; where not, there are no new samples."""
        try:
            self._add(self._pair.old_source.read(), self._pair.new_source.read())
            self._failure = ""
        except Refusal as refusal:
            self._failure = str(refusal)

    def _add(self, old: Samples, new: Samples) -> None:
        self._old.add(old)
        self._new.add(new)

    def _held(self, share: float, step: list[Gate]) -> Outcome:
        few = [gate.reading for gate in step if gate.reading and gate.reading.samples < gate.reading.needed]
        missing = "; ".join(f"{reading.gate}: {reading.samples} of {reading.needed}" for reading in few)
        why = f"too few samples within {self._plan.deadline_seconds:g} s ({missing or 'none'})"
        why += f"; {self._failure}" if self._failure else ""
        self._log("held", share, why, _readings(step))
        return Outcome(HELD, f"held at {share:g} %: {why}; run it again when there is more to measure, or roll back")

    def _roll_back(self, share: float, why: str, figures: dict[str, object] | None = None) -> Outcome:
        self._log("rolling back", share, why, figures)
        for attempt in range(ATTEMPTS):
            try:
                send_and_see(self._splitter, self._pair.old, self._pair.new, 0)
                break
            except Refusal as refusal:
                if attempt == ATTEMPTS - 1:
                    raise Refusal(
                        f"NOT rolled back from {share:g} %, though {why}: {refusal}; run it again"
                    ) from refusal
        self._log("rolled back", 0, why)
        return Outcome(ROLLED_BACK, f"rolled back from {share:g} %: {why}")

    def _promoted(self) -> Outcome:
        last = self._audit.last(self._pair.old, self._pair.new)
        if not last or last.event != "promoted":
            self._log("promoted", 100)
        return Outcome(PROMOTED, f"promoted: all requests go to {self._pair.new}")

    def _log(self, event: Event, share: float, why: str = "", figures: dict[str, object] | None = None) -> None:
        entry = self._audit.write(event, self._pair.old, self._pair.new, share, why, figures)
        self._tell(f"{entry.at:%T} {event} {share:g} %{': ' if why else ''}{why}")


def _said(gate: Gate) -> str:
    reading = gate.reading
    assert reading
    return f"{reading.gate}: {reading.said}; as bad by chance: {reading.probability:.1g}"


def _readings(step: list[Gate]) -> dict[str, object]:
    readings: list[Reading] = [gate.reading for gate in step if gate.reading]
    return {reading.gate: msgspec.structs.asdict(reading) for reading in readings}
