"""One run: fresh starts, then rounds of load on servers that stay up, then two workers against one."""

import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.compiled import load_library
from benchmarks.machine import commit, this_machine, versions
from benchmarks.wire.example import Wrong
from benchmarks.wire.load import closed, open_loop, require_wrk, shared
from benchmarks.wire.plan import CONNECTIONS, CONTENDERS, MANY, OURS, SHARE, Contender, Plan
from benchmarks.wire.processes import Server, on
from benchmarks.wire.results import Closed, Measured, Open, Results, Scaling, Shared
from benchmarks.wire.stage import Stage
from contract.refusal import Refusal

PACKAGES = (
    "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "orjson", "fastapi", "pydantic", "xgboost", "numpy",
)  # fmt: skip


class Turn(NamedTuple):
    """What one contender showed in one round; `closed` by the number of connections."""

    closed: dict[int, Closed]
    open: Open


def run(plan: Plan, command: str) -> Results:
    """Measure the plan, saying how far it is on stderr. Raises Refusal."""
    wrk = require_wrk()
    library = load_library(plan.artifacts / "bundle")
    started = time.monotonic()
    repeated: list[str] = []
    contenders, skipped = installed(plan.contenders)
    with _naming(OURS):
        stage = Stage(plan)
    with on(stage.generator_core):
        starts = _starts(stage, contenders, plan.effort.starts)
        measured = _rounds(stage, contenders, starts, plan, repeated)
        scaling = _scaling(stage, plan, skipped) if OURS in contenders and plan.effort.worker_rounds else None
    return Results(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit(),
        command=command,
        seconds=round(time.monotonic() - started, 1),
        machine=this_machine(library.instruction_sets),
        versions={**versions(PACKAGES), "wrk": wrk},
        contenders={name: contender.words for name, contender in contenders.items()},
        measured=measured,
        scaling=scaling,
        skipped=skipped,
        repeated=tuple(repeated),
    )


def installed(names: tuple[str, ...]) -> tuple[dict[str, Contender], dict[str, str]]:
    """The contenders, and why others are left out. Raises Refusal where none remains."""
    missing = {name: CONTENDERS[name].missing for name in names}
    skipped = {
        name: f"not installed: {', '.join(packages)}; make .venv/.bench"
        for name, packages in missing.items()
        if packages
    }
    for name, why in skipped.items():
        print(f"{name} is left out: {why}", file=sys.stderr)
    found = {name: CONTENDERS[name] for name in CONTENDERS if name in names and name not in skipped}
    if not found:
        raise Refusal("no contender remains; make .venv/.bench installs what they need")
    return found, skipped


def _starts(stage: Stage, contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Milliseconds from exec to the first 200, by contender."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in _counted(rounds, "starts"):
        for name, contender in contenders.items():
            with _naming(name):
                found[name].append(stage.first_answer_ms(contender))
    return found


def _rounds(
    stage: Stage, contenders: dict[str, Contender], starts: dict[str, list[float]], plan: Plan, repeated: list[str]
) -> dict[str, Measured]:
    """All servers stay up; only the one whose turn it is has work."""
    with contextlib.ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name, contender in contenders.items():
            with _naming(name):
                servers[name] = stack.enter_context(stage.ready(contender))
        rounds: list[dict[str, Turn]] = []
        for _ in _counted(plan.effort.rounds, "rounds"):
            rounds.append(_round(stage, servers, plan, repeated))
        return {
            name: _measured([turns[name] for turns in rounds], starts[name], server) for name, server in servers.items()
        }


def _round(stage: Stage, servers: dict[str, Server], plan: Plan, repeated: list[str]) -> dict[str, Turn]:
    """One turn of each; again where one did not answer, as a starved server may. Raises Refusal where that is usual."""
    while True:
        turns: dict[str, Turn] = {}
        try:
            for name, server in servers.items():
                turns[name] = _turn(server, stage, plan.effort.seconds)
        except Wrong as reason:
            repeated.append(f"{name}: {reason}")
            if len(repeated) > plan.effort.rounds:
                raise Refusal(f"{repeated[-1]}; mend it, leave it out, or give the machine some rest") from None
        else:
            return turns


def _turn(server: Server, stage: Stage, seconds: int) -> Turn:
    """Closed, then open at half of what the closed one has just reached. Raises Wrong."""
    runs = {connections: closed(server, connections, seconds, stage.generator_core) for connections in CONNECTIONS}
    return Turn(runs, open_loop(server.port, runs[MANY].rate * SHARE, seconds, server.new_heads))


def _measured(turns: list[Turn], starts: list[float], server: Server) -> Measured:
    return Measured(
        closed={connections: tuple(turn.closed[connections] for turn in turns) for connections in CONNECTIONS},
        open=tuple(turn.open for turn in turns),
        first_answer_ms=tuple(round(milliseconds, 2) for milliseconds in starts),
        memory=server.memory(),
    )


def _scaling(stage: Stage, plan: Plan, skipped: dict[str, str]) -> Scaling | None:
    """One worker on one core and two on two, where the app has workers: what was measured before is not lost."""
    rounds: dict[int, list[Shared]] = {1: [], 2: []}
    cores = (stage.server_core, stage.generator_core)
    try:
        with contextlib.ExitStack() as stack:
            servers = {workers: stack.enter_context(stage.workers(workers, cores[:workers])) for workers in rounds}
            for server in servers.values():
                closed(server, MANY, 1, stage.generator_core)  # not counted: all workers are up after it
            for _ in _counted(plan.effort.worker_rounds, "rounds of workers"):
                for workers, found in rounds.items():
                    found.append(shared(servers[workers], workers, plan.effort.seconds, cores))
    except Wrong as reason:
        skipped["two workers"] = str(reason)
        return None
    return Scaling(one=tuple(rounds[1]), two=tuple(rounds[2]))


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """What goes wrong with a contender ends the run: it would be missed in the rounds that are compared."""
    try:
        yield
    except Wrong as reason:
        raise Refusal(f"{name}: {reason}; mend it, or leave it out with --contenders") from None


def _counted(rounds: int, what: str) -> Iterator[int]:
    """Says how far it is."""
    for done in range(rounds):
        print(f"\r{done} of {rounds} {what}", end="", file=sys.stderr, flush=True)
        yield done
    print(f"\r{rounds} {what}     ", file=sys.stderr, flush=True)
