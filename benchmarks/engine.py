"""A Docker Engine, asked through its client."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from contract.refusal import Refusal

_STEP = re.compile(r"^#(\d+) \[[^\]]*\d+/\d+\] (?:RUN|COPY|WORKDIR)", re.MULTILINE)
_CACHED = re.compile(r"^#(\d+) CACHED", re.MULTILINE)


class Build(NamedTuple):
    """One build of an image."""

    seconds: float
    made: int  # layers that were made
    layers: int  # of all stages, above their bases


class Engine(NamedTuple):
    """A Docker Engine's client, and how it builds: as the Makefile's variables say."""

    program: str
    flags: Sequence[str]

    def ask(self, *arguments: str) -> str:
        """What a command prints on both outputs. Raises Refusal where it fails."""
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        command = [self.program, *arguments]
        try:
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Refusal(f"expected a Docker client, found none: {error}; install one, or set DOCKER=") from error
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines() or ["nothing"]
            raise Refusal(f"{shlex.join(command)} ended with status {ran.returncode}, saying: {said[-1]}")
        return ran.stdout + ran.stderr

    def build(self, context: Path, tag: str, *flags: str) -> Build:
        """Build an image. Raises Refusal."""
        begun = time.perf_counter()
        said = self.ask("build", *self.flags, *flags, "--progress=plain", "-t", tag, str(context))
        seconds = time.perf_counter() - begun
        return Build(seconds, *layers_made(said))


def layers_made(log: str) -> tuple[int, int]:
    """How many layers a build made, and of how many, by its plain log."""
    steps = set(_STEP.findall(log))
    return len(steps - set(_CACHED.findall(log))), len(steps)


def engine_here() -> Engine:
    """That of $DOCKER. Raises Refusal where none answers."""
    flags = shlex.split(os.environ.get("DOCKER_BUILD_FLAGS", ""))
    if base := os.environ.get("BASE"):
        flags += ["--build-arg", f"BASE={base}"]
    engine = Engine(os.environ.get("DOCKER") or "docker", flags)
    engine.ask("info")
    return engine
