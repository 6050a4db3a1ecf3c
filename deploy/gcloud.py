"""The gcloud program: one command, its answer, or one line that says what it has against it."""

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
    """`output` is all that it said to stderr."""

    def __init__(self, text: str, output: str = "") -> None:
        super().__init__(text)
        self.output = output


def shown(arguments: list[str]) -> str:
    """As a person would type it."""
    return shlex.join([PROGRAM, *arguments])


def run(arguments: list[str], seconds: float) -> str:
    """What it printed. Raises GcloudRefusal: it is not there, it took too long, or it refused."""
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
        raise GcloudRefusal(f"{shown(arguments[:3])}: {why}; see what it did, then run it again") from error
    if ran.returncode:
        raise GcloudRefusal(f"{shown(arguments[:3])}: {_line(ran.stderr, ran.returncode)}", ran.stderr)
    return ran.stdout


def run_json(arguments: list[str], seconds: float) -> Any:
    """Its answer to --format=json. Raises GcloudRefusal."""
    printed = run([*arguments, "--format=json"], seconds)
    try:
        return msgspec.json.decode(printed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GcloudRefusal(f"{shown(arguments[:3])}: expected JSON, found {printed[:60]!r}; update gcloud") from error


def _line(said: str, status: int) -> str:
    """The line that counts of what it said, and what to do."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else f"exit status {status}")
    hint = next((mend for word, mend in HINTS.items() if word in said), "see gcloud's own help")
    return f"{first.removeprefix('ERROR: ')}; {hint}"
