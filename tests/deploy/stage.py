"""Two real revisions behind a real HAProxy, and the canary as a person starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.canary.audit import AuditEntry, read_entries
from deploy.canary.plan import CanaryPlan
from deploy.haproxy import HAProxy
from tests.support.commands import ROOT
from tests.support.releases import Release
from tests.support.service import Service, serving
from tests.support.telemetry import eventually, free_port, needed

# Large effects need few samples: a canary of seconds. Two busy cores are slow whenever they like: hence the tolerance.
PLAN = CanaryPlan(
    failures=0.3,
    errors=0.3,
    slower=0.3,
    tolerance=20,
    classes=0.3,
    disagreement_effect=0.4,
    poll_seconds=0.1,
    rate_seconds=0.5,
)
SLOW = """
import sys, time
if sys.orig_argv[1:3] == ["-m", "app"]:
    import app.answers.predict
    usual = app.answers.predict.predictor
    def predictor(*arguments, **named):
        handler = usual(*arguments, **named)
        def slower(body):
            time.sleep(0.1)
            return handler(body)
        return slower
    app.answers.predict.predictor = predictor
"""

DYING = """
import os, random, sys
if sys.orig_argv[1:3] == ["-m", "app.process.workers"]:
    import app.answers.predict
    usual = app.answers.predict.predictor
    def predictor(*arguments, **named):
        handler = usual(*arguments, **named)
        def dying(body):
            if random.random() < 0.2:
                os._exit(1)
            return handler(body)
        return dying
    app.answers.predict.predictor = predictor
"""


class Stage(NamedTuple):
    """Two revisions: `blue` serves, and `green` is to be let in."""

    directory: Path
    port: int
    blue: Service
    green: Service
    metrics: tuple[int, int]
    release: Release  # green's

    @property
    def splitter(self) -> HAProxy:
        return HAProxy(self.directory / "admin.sock", "penguins")

    @property
    def share(self) -> float:
        return self.splitter.shares()["green"]

    @property
    def audit(self) -> list[AuditEntry]:
        return read_entries(self.directory / "canary.jsonl")

    def arguments(self, *more: str, plan: CanaryPlan = PLAN, green: str = "green") -> list[str]:
        """Return the command of the canary."""
        pages = tuple(f"http://127.0.0.1:{port}/metrics" for port in self.metrics)
        given = {field: getattr(plan, field) for field in plan.__struct_fields__ if field != "steps"}
        given = {name: value for name, value in given.items() if value is not None}
        numbers = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        where = [f"--haproxy={self.directory}/admin.sock", f"--audit={self.directory}/canary.jsonl"]
        asked = [f"--bundle={self.release.directory}", f"--new-url=http://127.0.0.1:{self.green.port}"]
        metrics = [f"--old-metrics={pages[0]}", f"--new-metrics={pages[1]}"]
        return [sys.executable, "-m", "deploy", "canary", "blue", green, *where, *asked, *metrics, *numbers, *more]

    def canary(self, *more: str, plan: CanaryPlan = PLAN, green: str = "green") -> "subprocess.CompletedProcess[str]":
        """Run a canary to its end."""
        command = self.arguments(*more, plan=plan, green=green)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    def start(self, plan: CanaryPlan = PLAN) -> "subprocess.Popen[str]":
        """Start a canary."""
        command = self.arguments(plan=plan)
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def canary_killed_at(self, share: int) -> bool:
        """Kill a canary as soon as its log says that share. Return whether it came so far."""
        process = self.start()
        try:
            assert process.stdout is not None
            return any(f"shifted {share} %" in line for line in process.stdout)
        finally:
            process.kill()
            process.communicate()


@contextmanager
def stage(directory: Path, old: Release, new: Release, **environment: str) -> Iterator[Stage]:
    """Run blue with the old release, and green with the new one and this environment."""
    needed("haproxy", "haproxy")
    metrics, front = (free_port(), free_port()), free_port()
    with (
        serving(old.directory, METRICS_PORT=str(metrics[0])) as blue,
        serving(new.directory, ("app",), **{"METRICS_PORT": str(metrics[1]), **environment}) as green,
        haproxy(directory, front, blue, green),
    ):
        yield Stage(directory, front, blue, green, metrics, new)


@contextmanager
def haproxy(directory: Path, port: int, blue: Service, green: Service) -> Iterator[None]:
    """Run HAProxy with the repository's configuration."""
    environment = {
        **os.environ,
        "HAPROXY_SOCKET": str(directory / "admin.sock"),
        "HAPROXY_BIND": f"127.0.0.1:{port}",
        "BLUE": f"127.0.0.1:{blue.port}",
        "GREEN": f"127.0.0.1:{green.port}",
    }
    command = ["haproxy", "-db", "-f", str(ROOT / "deploy" / "haproxy.cfg")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: (directory / "admin.sock").exists())
            yield
        finally:
            process.kill()


def dying_workers(directory: Path) -> dict[str, str]:
    """Return the environment of a revision whose workers end in the middle of a request, now and then."""
    (directory / "sitecustomize.py").write_text(DYING)
    return {"PYTHONPATH": f"{directory}:{ROOT}", "WORKERS": "2"}


def slow(directory: Path) -> dict[str, str]:
    """Return the environment of a slow revision."""
    (directory / "sitecustomize.py").write_text(SLOW)
    return {"PYTHONPATH": f"{directory}:{ROOT}"}
