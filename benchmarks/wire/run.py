"""One run: fresh starts, then rounds of load on servers that stay up, then two workers against one."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from benchmarks.machine import made_here
from benchmarks.wire.openloop import Step, offer
from benchmarks.wire.plan import CONNECTIONS, CONTENDERS, MANY, OURS, SHARE, HttpPlan
from benchmarks.wire.processes import NotServed, Server, on
from benchmarks.wire.results import Closed, HttpResults, Measured, Shared
from benchmarks.wire.stage import Stage, awake
from benchmarks.wire.wrk import closed, refuse_errors, require_wrk, shared
from contract.refusal import Refusal

PACKAGES = (
    "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "orjson", "fastapi", "pydantic", "xgboost", "numpy",
)  # fmt: skip


def run(plan: HttpPlan, artifacts: Path) -> HttpResults:
    """Measure the plan, saying on stderr how far it is. Raises Refusal."""
    wrk, names = require_wrk(), plan.contenders
    if not (artifacts / "bundle").exists():
        raise Refusal(f"no bundle in {artifacts}; make it: make compile")
    for name in names:
        if missing := ", ".join(CONTENDERS[name].missing):
            raise Refusal(f"{name} needs {missing}; install it (make .venv/.bench), or leave {name} out: --contenders")
    with _naming(OURS):
        stage = Stage(artifacts)
    with on(stage.generator_core):
        starts = [{name: _start(stage, name) for name in names} for _ in _counted(plan.starts, "starts")]
        first = {name: tuple(one[name] for one in starts) for name in names}
        measured = _measure(stage, first, plan)
        workers = _workers(stage, plan) if OURS in names else ()
    made = made_here(PACKAGES)
    made = replace(made, versions={**made.versions, "wrk": wrk})
    return HttpResults(made, plan == HttpPlan() and bool(workers), measured, workers)


def _start(stage: Stage, name: str) -> float:
    with _naming(name):
        return stage.first_answer_ms(CONTENDERS[name])


def _measure(stage: Stage, starts: dict[str, tuple[float, ...]], plan: HttpPlan) -> dict[str, Measured]:
    """Measure all rounds. All servers stay up; only the one whose turn it is has work."""
    with contextlib.ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in starts:
            with _naming(name):
                servers[name] = stack.enter_context(stage.ready(CONTENDERS[name]))
        rounds = [
            {name: _turn(stage, name, server, plan.seconds) for name, server in servers.items()}
            for _ in _counted(plan.rounds, "rounds")
        ]
        return {
            name: Measured(
                closed={count: tuple(turns[name][0][count] for turns in rounds) for count in CONNECTIONS},
                open=tuple(turns[name][1] for turns in rounds),
                first_answer_ms=starts[name],
                rss_mb=server.memory_mb(),
                pss_mb=server.memory_mb("smaps_rollup", "Pss"),
            )
            for name, server in servers.items()
        }


def _turn(stage: Stage, name: str, server: Server, seconds: int) -> tuple[dict[int, Closed], Step]:
    """Run the closed loops, by connections, then an open one at half of what the last has reached."""
    contender, core = CONTENDERS[name], stage.generator_core
    with _naming(name), awake(server, contender):
        runs = {count: closed(server, count, seconds, core, cloud=contender.cloud) for count in CONNECTIONS}
        step = offer(server.port, runs[MANY].rate * SHARE, seconds, cloud=contender.cloud)
        refuse_errors(step.wrong, step.offered)
    return runs, step


def _workers(stage: Stage, plan: HttpPlan) -> tuple[tuple[Shared, Shared], ...]:
    """Measure rounds of one worker on one core and two on two. If that fails, what was measured before is not lost."""
    cores = (stage.server_core, stage.generator_core)
    try:
        with stage.workers(cores[:1]) as one, stage.workers(cores) as two:
            for server in (one, two):
                closed(server, MANY, 1, stage.generator_core, cloud=True)  # not counted: all workers are up after it
            return tuple(
                (shared(one, 1, plan.seconds, cores), shared(two, 2, plan.seconds, cores))
                for _ in _counted(plan.worker_rounds, "rounds of workers")
            )
    except NotServed as reason:
        print(f"two workers are left out: {reason}", file=sys.stderr)
        return ()


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn NotServed into a Refusal that names the contender: its rounds are compared, so none may be missing."""
    try:
        yield
    except NotServed as reason:
        raise Refusal(f"{name}: {reason}; fix it, or leave it out with --contenders") from None


def _counted(rounds: int, what: str) -> Iterator[int]:
    """Count rounds, and say how far it is."""
    for done in range(rounds):
        print(f"{done + 1} of {rounds} {what}", file=sys.stderr, flush=True)
        yield done
