"""The service that is measured: in a container like Cloud Run's, or a process if there is no engine."""

import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.machine import ROOT
from benchmarks.wire.processes import Cores, NotServed, Server, Started, free_port
from contract.refusal import Refusal

MANIFEST = ROOT / "artifacts" / "bundle" / "manifest.json"
CONFINED = ("--memory", "512m", "--cpus", "1", "--read-only", "--cap-drop", "ALL")


class Container(Started):
    """The image, confined, with the host's network, so that no address is translated on the way."""

    def __init__(self, docker: str, image: str, cores: Cores) -> None:
        self._docker, self._name = docker, f"penguins-load-{uuid.uuid4().hex[:8]}"
        core, port = ",".join(map(str, sorted(cores))), free_port()
        where = ("--network", "host", "--env", f"PORT={port}", "--env", "HOST=127.0.0.1", "--cpuset-cpus", core)
        super().__init__((docker, "run", "--rm", "--name", self._name, *where, *CONFINED, image), port, {}, cores)

    def family(self) -> list[int]:
        """Return the service's process. Raises NotServed if /proc does not show the engine's processes."""
        process = int(_ask(self._docker, "inspect", "--format", "{{.State.Pid}}", self._name) or "0")
        command = Path(f"/proc/{process}/cmdline")
        if not process or not command.exists() or b"app" not in command.read_bytes():
            raise NotServed("/proc does not show the engine's processes; measure the process: DOCKER=")
        return [process]

    def stop(self) -> None:
        """Remove the container. The engine's client may end before the container does."""
        _ask(self._docker, "rm", "--force", self._name)
        super().stop()


class Subject(NamedTuple):
    """What is started for every part of a report, and on which cores. Without a container engine it is the process."""

    docker: str | None
    image: str
    cores: Cores

    @property
    def words(self) -> str:
        """Describe the subject, for the report."""
        if self.docker:
            return f"a container of the image `{self.image}` ({' '.join(CONFINED)}), on one core"
        return "the process `python -m app` on one core, without a limit of memory (no container engine answered)"

    @contextlib.contextmanager
    def running(self) -> Iterator[Started]:
        """Yield a fresh service that has answered. Raises NotServed."""
        if self.docker:
            server: Started = Container(self.docker, self.image, self.cores)
        else:
            bundle = {"BUNDLE": str(MANIFEST.parent), "ALLOW_UNSIGNED_BUNDLES": "1"}
            server = Server(("app",), bundle, self.cores)
        try:
            server.first_answer()
            yield server
        finally:
            server.stop()


def choose(docker: str, image: str, cores: Cores) -> Subject:
    """Return a container if an engine answers, otherwise the process. Raises Refusal if it cannot be started."""
    if _ask(docker, "info") is None:
        if not MANIFEST.exists():
            raise Refusal(f"no bundle at {MANIFEST.parent}, and no container engine answers; make compile")
        return Subject(None, image, cores)
    if _ask(docker, "image", "inspect", image) is None:
        raise Refusal(f"the engine has no image {image!r}; make image, or name another with IMAGE=")
    return Subject(docker, image, cores)


def _ask(docker: str, *arguments: str) -> str | None:
    """Return what a command of the engine's client prints, or None if it fails."""
    try:
        ran = subprocess.run([docker, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return ran.stdout.strip()
