"""python -m benchmarks.image.start: where the time goes between `docker run` and a container's first answer.

It prints a table and writes no page: the engine's part depends on the machine, and Cloud Run has another engine.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from benchmarks.tables import table
from contract.refusal import Refusal, exit_status

STARTS = 9
SECONDS = 60.0  # the longest wait for a start
PORT = 28_111
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m")
VARIABLES = (f"--env=PORT={PORT}", "--env=METRICS_PORT=0", "--env=LOG_FORMAT=json")
# CPU seconds until the first line of a program runs, and those of the imports.
IMPORTS = "import time; a = time.process_time(); import app.main, app.process.serve; print(a, time.process_time() - a)"
STAGES = (
    "the engine: until the process starts",
    "Python, imports, the bundle: until it serves",
    "listening, first answer",
)


class Start(NamedTuple):
    """Seconds of one start, by stage, in the order of STAGES."""

    engine: float
    service: float
    answer: float


def stages(asked: float, started: str, lines: Sequence[str], ready: float) -> Start:
    """Return the stages, from two epochs, the engine's StartedAt and the log. Raises Refusal."""
    said = [json.loads(line) for line in lines if line.startswith("{")]
    serves = next((each["time"] for each in said if each["message"].startswith("bundle: serves")), None)
    if serves is None:
        raise Refusal(f"expected 'bundle: serves ...' in the container's log, found {list(lines)[-3:]}; make image")
    began = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z$|Z$", r"\1+00:00", started)).timestamp()
    loaded = datetime.fromisoformat(serves).timestamp()
    return Start(began - asked, loaded - began, ready - loaded)


def measured(docker: str, image: str) -> Start:
    """Start a container, wait for its first answer, and remove it. Raises Refusal if it does not come."""
    asked = time.time()
    name = _docker(docker, "run", "--detach", "--network", "host", *CONFINED, *VARIABLES, image).stdout.strip()
    try:
        while not _is_ready():
            if time.time() - asked > SECONDS:
                raise Refusal(f"expected an answer of {image} within {SECONDS:g} s, found none; docker logs {name}")
            time.sleep(0.002)
        ready = time.time()
        log = _docker(docker, "logs", name)
        started = json.loads(_docker(docker, "inspect", name).stdout)[0]["State"]["StartedAt"]
    finally:
        _docker(docker, "rm", "--force", name)
    return stages(asked, started, (log.stdout + log.stderr).splitlines(), ready)


def _is_ready() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=1) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _docker(docker: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run([docker, *arguments], check=True, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        raise Refusal(
            f"{docker} {arguments[0]}: {said}; is the engine up, and is there an image? make image"
        ) from error


def main() -> int:
    """Measure and print. Returns the exit status."""

    def run() -> None:
        docker, image = os.environ.get("DOCKER", "docker"), os.environ.get("IMAGE", "penguins")
        starts = [measured(docker, image) for _ in range(STARTS)]
        medians = [statistics.median(each) for each in zip(*starts, strict=True)]
        whole = statistics.median(sum(start) for start in starts)
        rows = [[name, f"{1000 * seconds:.0f}"] for name, seconds in zip(STAGES, medians, strict=True)]
        print(table([f"median of {STARTS} starts", "ms"], [*rows, ["all of it", f"{1000 * whole:.0f}"]]))
        told = _docker(docker, "run", "--rm", "--network", "none", image, "python", "-c", IMPORTS).stdout.split()
        print(f"CPU until Python runs: {1000 * float(told[0]):.0f} ms; of our imports: {1000 * float(told[1]):.0f} ms")

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
