"""A new revision gets its share step by step, as long as it is as good as the old one.

The splitter knows the current share, and the audit log knows what was decided. A canary that is killed leaves the share
as it is. The next canary measures that step again.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from contract.refusal import Refusal
from deploy.canary.audit import Audit, AuditEntry, CanaryEvent
from deploy.canary.evidence import Evidence, Pair
from deploy.canary.gates import Gate, Reading, gates, most_harmed
from deploy.canary.golden import GoldenCheck
from deploy.canary.pace import Pace, duration
from deploy.canary.plan import CanaryPlan
from deploy.splitter import Splitter, back_and_see, send_and_see, share_of

PROMOTED, ROLLED_BACK, HELD = 0, 1, 3  # exit statuses; USER_MISTAKE is another one
ATTEMPTS = 3  # to take requests away from a worse revision


class CanaryResult(NamedTuple):
    """How a canary ended: its exit status, and a line for a person."""

    status: int
    summary: str


class Canary:
    """One run. It calls `tell` with lines for a person."""

    def __init__(
        self,
        plan: CanaryPlan,
        splitter: Splitter,
        pair: Pair,
        golden: GoldenCheck,
        audit: Audit,
        tell: Callable[[str], None],
    ) -> None:
        self._plan, self._splitter, self._pair, self._golden = plan, splitter, pair, golden
        self._audit, self._tell = audit, tell
        self._evidence = Evidence(pair, golden.label)
        self._pace = Pace(0)

    def run(self, again: bool = False) -> CanaryResult:
        """Run to the end and return how it ended. Raises Refusal if it cannot begin, or if the splitter fails."""
        share = share_of(self._splitter, self._pair.old, self._pair.new)
        last = self._audit.last(self._pair.old, self._pair.new)
        if last and last.event == "rolling back":
            return self._roll_back(share, last.why)
        if not again and share == 0 and (why := self._refused_before(last)):
            return CanaryResult(ROLLED_BACK, f"{self._pair.new} was rolled back {why}; to try it again: --again")
        if share >= 100:
            return self._promoted()
        self._evidence.begin()
        self._log("started", share)
        if mistake := self._golden.mistake():
            return self._roll_back(share, mistake)
        self._choose(share)
        while share < 100:
            share = self._shift(share) if share == 0 else share
            ended = self._measure(share)
            if ended:
                return ended
            share = self._shift(share)
        return self._promoted()

    def _refused_before(self, last: AuditEntry | None) -> str:
        """Return when and why this revision was rolled back, or nothing. The platform's mark is enough."""
        if last and last.event == "rolled back":
            return f"at {last.at:%F %T}: {last.why}"
        return "before, as its tag says" if self._splitter.rolled_back() == self._pair.new else ""

    def _shift(self, share: float) -> float:
        wanted = self._plan.after(share)
        self._log("shifting", wanted)
        send_and_see(self._splitter, self._pair.old, self._pair.new, wanted)
        self._log("shifted", wanted)
        return wanted

    def _choose(self, share: float) -> None:
        """Measure the rate of requests, leave out steps that are too slow, and say how long it will take."""
        self._pace = Pace(self._evidence.rate(self._plan.rate_seconds), self._evidence.late, self._evidence.earlier())
        self._plan = self._pace.fitted(self._plan, share)
        self._tell(
            f"{self._pace.rate:.3g} requests a second: steps {', '.join(map(str, self._plan.steps))} %, "
            f"expected to take {duration(self._pace.whole(self._plan, share))}"
        )

    def _measure(self, share: float) -> CanaryResult | None:
        """Measure one step. Return None if the next step may begin."""
        evidence = self._evidence.step()
        self._tell(
            f"{share:g} % to {self._pair.new}: until it is decided it gets at most "
            f"{most_harmed(self._plan, share, evidence.earlier)} predictions, and those of one poll; "
            f"expected to take {duration(self._pace.seconds(self._plan, share))}"
        )
        step, before = gates(self._plan, share), 0
        until = time.monotonic() + self._pace.deadline(self._plan, share)
        while time.monotonic() < until:
            time.sleep(self._plan.poll_seconds)
            seen = self._evidence.poll()
            states = [gate.look(seen) for gate in step]
            if worse := self._evidence.restarted():
                return self._roll_back(share, worse, _readings(step))
            if "failed" in states:
                return self._roll_back(share, _reason(step[states.index("failed")]), _readings(step))
            decided = "waiting" not in states
            quiet = seen.new.requests == before or self._evidence.failure
            if (decided or quiet) and (mistake := self._golden.mistake()):
                return self._roll_back(share, mistake, _readings(step))
            if decided:
                self._log("measured", share, figures=_readings(step))
                return None
            before = seen.new.requests
        return self._held(share, step)

    def _held(self, share: float, step: list[Gate]) -> CanaryResult:
        few = [gate.reading for gate in step if gate.reading and gate.reading.samples < gate.reading.needed]
        missing = "; ".join(f"{reading.gate}: {reading.samples} of {reading.needed}" for reading in few)
        why = f"too few samples within {self._pace.deadline(self._plan, share):g} s ({missing or 'none'})"
        why += f"; {self._evidence.failure}" if self._evidence.failure else ""
        self._log("held", share, why, _readings(step))
        return CanaryResult(
            HELD, f"held at {share:g} %: {why}; run it again when there is more to measure, or roll back"
        )

    def _roll_back(self, share: float, why: str, figures: dict[str, object] | None = None) -> CanaryResult:
        self._log("rolling back", share, why, figures)
        for attempt in range(ATTEMPTS):
            try:
                back_and_see(self._splitter, self._pair.old, self._pair.new)
                break
            except Refusal as refusal:
                if attempt == ATTEMPTS - 1:
                    raise Refusal(
                        f"NOT rolled back from {share:g} %, though {why}: {refusal}; run it again"
                    ) from refusal
        self._log("rolled back", 0, why)
        return CanaryResult(ROLLED_BACK, f"rolled back from {share:g} %: {why}")

    def _promoted(self) -> CanaryResult:
        last = self._audit.last(self._pair.old, self._pair.new)
        if not last or last.event != "promoted":
            self._log("promoted", 100)
        return CanaryResult(PROMOTED, f"promoted: all requests go to {self._pair.new}")

    def _log(self, event: CanaryEvent, share: float, why: str = "", figures: dict[str, object] | None = None) -> None:
        entry = self._audit.write(event, self._pair.old, self._pair.new, share, why, figures)
        self._tell(f"{entry.at:%T} {event} {share:g} %{': ' if why else ''}{why}")


def _reason(gate: Gate) -> str:
    reading = gate.reading
    assert reading
    return f"{reading.gate}: {reading.summary}; as bad by chance: {reading.probability:.1g}"


def _readings(step: list[Gate]) -> dict[str, object]:
    readings: list[Reading] = [gate.reading for gate in step if gate.reading]
    return {reading.gate: msgspec.structs.asdict(reading) for reading in readings}
