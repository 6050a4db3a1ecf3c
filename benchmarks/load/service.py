"""The service that is measured: in a container like Cloud Run's, or a process if there is no engine."""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from benchmarks.engine import Engine
from benchmarks.machine import ROOT
from benchmarks.wire.processes import Cores, NotServed, Server, Started, ask_often, free_port
from contract.refusal import Refusal

MANIFEST = ROOT / "artifacts" / "bundle" / "manifest.json"
CONFINED = ("--memory", "512m", "--cpus", "1", "--read-only", "--cap-drop", "ALL")
WARMING = 500  # requests
WINDOW = 20  # requests whose median has to be as quick as that of the last hundred
AS_QUICK = 1.2  # times as long


class Container(Started):
    """The image, confined, with the host's network, so that no address is translated on the way."""

    def __init__(self, engine: Engine, image: str, cores: Cores) -> None:
        self._engine, self._name = engine, f"penguins-load-{uuid.uuid4().hex[:8]}"
        core, port = ",".join(map(str, sorted(cores))), free_port()
        where = ("--network", "host", "--env", f"PORT={port}", "--env", "HOST=127.0.0.1", "--cpuset-cpus", core)
        command = (engine.program, "run", "--rm", "--name", self._name, *where, *CONFINED, image)
        super().__init__(command, port, {}, cores)

    def family(self) -> list[int]:
        """Return the service's process. Raises NotServed if /proc does not show the engine's processes."""
        process = int(self._engine.ask("inspect", "--format", "{{.State.Pid}}", self._name).strip() or 0)
        command = Path(f"/proc/{process}/cmdline")
        if not process or not command.exists() or b"app" not in command.read_bytes():
            raise NotServed("/proc does not show the engine's processes; measure the process: DOCKER=")
        return [process]

    def kill(self) -> None:
        """Remove the container. The engine's client may end before the container does."""
        with contextlib.suppress(Refusal):
            self._engine.ask("rm", "--force", self._name)
        super().kill()


class Subject(NamedTuple):
    """What is started for every part of a report, and on which cores. Without an engine it is the process."""

    engine: Engine | None
    image: str
    cores: Cores

    @property
    def words(self) -> str:
        """Describe the subject, for the report."""
        if self.engine:
            return f"a container of the image `{self.image}` ({' '.join(CONFINED)}), on one core"
        return "the process `python -m app` on one core, without a limit of memory (no container engine answered)"

    @contextlib.contextmanager
    def running(self) -> Iterator[Started]:
        """Yield a fresh service that has answered. Raises NotServed."""
        if self.engine:
            server: Started = Container(self.engine, self.image, self.cores)
        else:
            bundle = {"BUNDLE": str(MANIFEST.parent), "ALLOW_UNSIGNED_BUNDLES": "1"}
            server = Server(("app",), free_port(), bundle, self.cores)
        try:
            server.first_answer()
            yield server
        finally:
            server.kill()


def choose(docker: str, image: str, cores: Cores) -> Subject:
    """Return a container if an engine answers, otherwise the process. Raises Refusal if it cannot be started."""
    try:
        Engine(docker).ask("info")
    except Refusal:
        if not MANIFEST.exists():
            raise Refusal(f"no bundle at {MANIFEST.parent}, and no container engine answers; make compile") from None
        return Subject(None, image, cores)
    try:
        Engine(docker).ask("image", "inspect", image)
    except Refusal:
        raise Refusal(f"the engine has no image {image!r}; make image, or name another with IMAGE=") from None
    return Subject(Engine(docker), image, cores)


class Start(msgspec.Struct, frozen=True):
    """One start of the service, in milliseconds.

    `first_ms` is from exec, or `docker run`, to the first 200; `warm_ms` from there until it is as quick as later.
    """

    first_ms: float
    warm_ms: float


def measure_start(subject: Subject) -> Start:
    """Start one service, ask until it answers, and on until it is warm. Raises NotServed."""
    began = time.perf_counter()
    with subject.running() as server:
        first = time.perf_counter() - began
        took = ask_often(server.port, WARMING)
    return Start(first * 1000, 1000 * sum(took[: warm_after(took)]))


def warm_after(took: list[float]) -> int:
    """Return how many requests came before the first WINDOW that was as quick as the last hundred."""
    bound = AS_QUICK * median(took[-100:])
    return next(index for index in range(len(took)) if median(took[index : index + WINDOW]) <= bound)


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """The service at one time of day: CPU seconds since it began, resident megabytes (10^6)."""

    at: float
    cpu_s: float
    rss_mb: float


@contextlib.contextmanager
def sampling(server: Started) -> Iterator[list[Sample]]:
    """Take a sample once a second, from a thread, until the block ends."""
    samples, done = list[Sample](), threading.Event()

    def look() -> None:
        while True:
            samples.append(Sample(time.time(), sum(server.cpu_seconds().values()), server.memory_mb()))
            if done.wait(1.0):
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()
