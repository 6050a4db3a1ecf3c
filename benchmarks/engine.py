"""A Docker Engine, asked through its client."""

import shlex
import subprocess
from typing import NamedTuple

from contract.refusal import Refusal


class Engine(NamedTuple):
    """The client's command: DOCKER of the Makefile."""

    program: str

    def ask(self, *arguments: str) -> str:
        """Return what a command prints on both outputs. Raises Refusal if it fails."""
        command = [self.program, *arguments]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Refusal(f"expected a Docker client, found none: {error}; install one, or set DOCKER=") from error
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines() or ["nothing"]
            raise Refusal(f"{shlex.join(command)} ended with status {ran.returncode}, saying: {said[-1]}")
        return ran.stdout + ran.stderr
