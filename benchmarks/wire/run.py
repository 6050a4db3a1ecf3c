"""One run: fresh starts, then rounds of load on servers that stay up."""

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.wire.contenders import CONTENDERS, HttpContender
from benchmarks.wire.openloop import Offer, Step, measure_offer
from benchmarks.wire.processes import Server, naming, on
from benchmarks.wire.question import fill
from benchmarks.wire.stage import Stage, awake
from benchmarks.wire.wrk import Closed, closed, refuse_errors
from contract.refusal import Refusal

SHARE = 0.5  # of the rate that the closed loop has reached, for the open loop


class HttpPlan(NamedTuple):
    """How much one run measures. A turn takes `seconds` for the closed loop, and again for the open one."""

    rounds: int
    seconds: int  # wrk takes whole ones
    starts: int  # of a fresh process


FULL, QUICK = HttpPlan(rounds=5, seconds=3, starts=7), HttpPlan(rounds=1, seconds=1, starts=1)


class Measured(NamedTuple):
    """One contender: a closed and an open loop a round, and resident 10^6 bytes after all rounds.

    Round i of all contenders ran within the same moment.
    """

    first_answer_ms: list[float]  # from exec to the first 200
    closed: list[Closed]
    open: list[Step]
    memory_mb: float


def run(plan: HttpPlan, artifacts: Path) -> dict[str, Measured]:
    """Measure all contenders, saying on stderr how far it is. Raises Refusal."""
    if not (artifacts / "bundle").exists():
        raise Refusal(f"no bundle in {artifacts}; make it: make compile")
    stage = Stage(artifacts)
    with on(stage.generator_core):
        starts = [
            {name: stage.first_answer_ms(contender) for name, contender in CONTENDERS.items()}
            for _ in _counted(plan.starts, "starts")
        ]
        return _measure(stage, {name: [one[name] for one in starts] for name in CONTENDERS}, plan)


def _measure(stage: Stage, starts: dict[str, list[float]], plan: HttpPlan) -> dict[str, Measured]:
    """Measure all rounds. All servers stay up; only the one whose turn it is has work."""
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(stage.ready(contender)) for name, contender in CONTENDERS.items()}
        turns: dict[str, list[tuple[Closed, Step]]] = {name: [] for name in servers}
        for _ in _counted(plan.rounds, "rounds"):
            for name, server in servers.items():
                turns[name].append(_turn(server, CONTENDERS[name], plan.seconds))
        return {
            name: Measured(
                starts[name], [turn[0] for turn in turns[name]], [turn[1] for turn in turns[name]], server.memory_mb()
            )
            for name, server in servers.items()
        }


def _turn(server: Server, contender: HttpContender, seconds: int) -> tuple[Closed, Step]:
    """Run a closed loop, then an open one at half of the rate that it has reached. Raises NotServed."""
    with naming(contender.words), awake(server, contender):
        found = closed(server, seconds, contender.request)
        step = measure_offer(server, Offer(found.rate * SHARE, seconds, request=partial(fill, contender.request)))
        refuse_errors(step.wrong, step.offered)
    return found, step


def _counted(rounds: int, what: str) -> Iterator[int]:
    """Count rounds, and say how far it is."""
    for done in range(rounds):
        print(f"{done + 1} of {rounds} {what}", file=sys.stderr, flush=True)
        yield done
