"""The service that is measured: in a container as Cloud Run would have it, or a process where there is no engine."""

import contextlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.compiled import ROOT
from benchmarks.load.results import Start
from benchmarks.wire.example import BODY, first_answer
from benchmarks.wire.processes import Cores, Server, Started, cpu_seconds_in, family, kilobytes_in
from benchmarks.wire.stage import free_port
from contract.refusal import Refusal

MANIFEST = ROOT / "artifacts" / "bundle" / "manifest.json"
CONFINED = ("--memory", "512m", "--cpus", "1", "--read-only", "--cap-drop", "ALL")
WARMING = 500  # requests
WINDOW = 20  # of them, that have to be as quick as the last hundred
AS_QUICK = 1.2  # times as long


class Container(Started):
    """The image, confined, with the host's network, so that no address is translated on the way."""

    def __init__(self, docker: str, image: str, port: int, cores: Cores) -> None:
        self._docker, self._name = docker, f"penguins-load-{uuid.uuid4().hex[:8]}"
        core = ",".join(map(str, sorted(cores)))
        where = ("--network", "host", "--env", f"PORT={port}", "--env", "HOST=127.0.0.1", "--cpuset-cpus", core)
        super().__init__((docker, "run", "--rm", "--name", self._name, *where, *CONFINED, image), port, {}, cores)
        self._seen: int | None = None

    def cpu_seconds(self) -> dict[int, float]:
        """As /proc has it here, or inside."""
        if found := self._process():
            return {process: cpu_seconds_in(Path(f"/proc/{process}/stat").read_text()) for process in family(found)}
        return {1: cpu_seconds_in(self._inside("/proc/1/stat"))}

    def rss_mb(self) -> float:
        """As /proc has it here, or inside."""
        found = self._process()
        status = Path(f"/proc/{found}/status").read_text() if found else self._inside("/proc/1/status")
        return kilobytes_in(status, "VmRSS") * 1024 / 1e6

    def _process(self) -> int:
        """The service's, as this machine numbers it; 0 where the engine's processes are not seen from here."""
        if self._seen is None:
            process = int(self._say("inspect", "--format", "{{.State.Pid}}", self._name).strip() or 0)
            command = Path(f"/proc/{process}/cmdline")
            self._seen = process if process and command.exists() and b"app" in command.read_bytes() else 0
        return self._seen

    def _inside(self, path: str) -> str:
        return self._say("exec", self._name, "cat", path)

    def _say(self, *arguments: str) -> str:
        return subprocess.run([self._docker, *arguments], capture_output=True, text=True, check=True, timeout=30).stdout

    def kill(self) -> None:
        """At once. The engine's client may end before the container does."""
        subprocess.run([self._docker, "rm", "--force", self._name], capture_output=True, check=False, timeout=60)
        super().kill()


class Measured(NamedTuple):
    """What is started for every part of a report, and where. `docker` is empty for a process."""

    docker: str
    image: str
    cores: Cores

    @property
    def words(self) -> str:
        """For the report."""
        if self.docker:
            return f"a container of the image `{self.image}` ({' '.join(CONFINED)}), on one core"
        return "the process `python -m app` on one core, without a limit of memory (no container engine answered)"

    def start(self) -> Started:
        """A fresh one, which may not listen yet."""
        if self.docker:
            return Container(self.docker, self.image, free_port(), self.cores)
        environment = {"BUNDLE": str(MANIFEST.parent), "ALLOW_UNSIGNED_BUNDLES": "1"}
        return Server(("app",), free_port(), environment, self.cores)

    @contextlib.contextmanager
    def running(self) -> Iterator[Started]:
        """One that has answered. Raises Wrong."""
        server = self.start()
        try:
            first_answer(server)
            yield server
        finally:
            server.kill()


def choose(docker: str, image: str, cores: Cores) -> Measured:
    """A container, where an engine answers; else the process. Raises Refusal where it is not there to be started."""
    if _answers(docker):
        if subprocess.run([docker, "image", "inspect", image], capture_output=True, check=False).returncode:
            raise Refusal(f"the engine has no image {image!r}; make image, or name another with IMAGE=")
        return Measured(docker, image, cores)
    if not MANIFEST.exists():
        raise Refusal(f"no bundle at {MANIFEST.parent}, and no container engine answers; make compile")
    return Measured("", image, cores)


def _answers(docker: str) -> bool:
    """Whether there is an engine behind the command."""
    if not docker or not shutil.which(docker):
        return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run([docker, "info"], capture_output=True, check=False, timeout=20).returncode == 0
    return False


def measure_start(measured: Measured) -> Start:
    """Start one, ask until it answers, and on until it is warm. Raises Wrong."""
    began = time.perf_counter()
    server = measured.start()
    try:
        first_answer(server)
        first = time.perf_counter() - began
        return Start(round(first * 1000, 1), round(_warm_ms(server.port), 1))
    finally:
        server.kill()


def _warm_ms(port: int) -> float:
    """Milliseconds of asking, one request after the other, until they are as quick as the last ones."""
    took = []
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        for _ in range(WARMING):
            began = time.perf_counter()
            connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
            connection.getresponse().read()
            took.append((time.perf_counter() - began) * 1000)
    return sum(took[: warm_after(took)])


def warm_after(took: list[float]) -> int:
    """How many came before the first WINDOW whose median is within AS_QUICK times that of the last hundred."""
    bound = AS_QUICK * median(took[-100:])
    windows = (index for index in range(len(took)) if median(took[index : index + WINDOW]) <= bound)
    return next(windows)
