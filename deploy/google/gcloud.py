"""The gcloud program: run one command, and return its output or raise one line that says what failed."""

import os
import shlex
import subprocess
from typing import Any

import msgspec

from contract.refusal import Refusal

PROGRAM = "gcloud"
HINTS = {
    "PERMISSION_DENIED": "ask an owner of the project for the role, or see python -m deploy iam",
    "NOT_FOUND": "check PROJECT, REGION and SERVICE",
    "UNAUTHENTICATED": "gcloud auth login",
}


class GcloudRefusal(Refusal):
    """A refusal of gcloud. `output` is everything that it wrote to stderr."""

    def __init__(self, text: str, output: str = "") -> None:
        super().__init__(text)
        self.output = output


def shell_command(arguments: list[str]) -> str:
    """Return the command as a person would type it."""
    return shlex.join([PROGRAM, *arguments])


def run(arguments: list[str], seconds: float) -> str:
    """Return what the command printed. Raises GcloudRefusal if gcloud is absent, takes too long or fails."""
    try:
        ran = subprocess.run(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        )
    except FileNotFoundError as error:
        raise GcloudRefusal("gcloud is not on PATH; install the Google Cloud CLI, then: gcloud auth login") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        why = f"no answer within {seconds:g} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        raise GcloudRefusal(f"{shell_command(arguments[:3])}: {why}; see what it did, then run it again") from error
    if ran.returncode:
        raise GcloudRefusal(f"{shell_command(arguments[:3])}: {_line(ran.stderr, ran.returncode)}", ran.stderr)
    return ran.stdout


def run_json(arguments: list[str], seconds: float) -> Any:
    """Return the parsed output of a command with --format=json. Raises GcloudRefusal."""
    printed = run([*arguments, "--format=json"], seconds)
    try:
        return msgspec.json.decode(printed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GcloudRefusal(
            f"{shell_command(arguments[:3])}: expected JSON, found {printed[:60]!r}; update gcloud"
        ) from error


def _line(said: str, status: int) -> str:
    """Return the important line of an error output, and what to do."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else f"exit status {status}")
    hint = next((fix for word, fix in HINTS.items() if word in said), "see gcloud's own help")
    return f"{first.removeprefix('ERROR: ')}; {hint}"
