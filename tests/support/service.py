"""A real service in a process of its own, spoken to through a real socket."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.support.commands import ROOT

APP = ("app",)  # the command of the service
OWN = {"ALLOW_UNSIGNED_BUNDLES": "1"}  # a bundle that the tests have made
PROMPT = {"NOT_READY_SECONDS": "0", "SHUTDOWN_SECONDS": "1"}  # at its end
LOCAL = {"PORT": "0", "HOST": "127.0.0.1"}
QUIET = {"METRICS_PORT": "0"}  # many run at once


class Reply(NamedTuple):
    """A whole HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class Service:
    """A running service. `heard` are lines of its log that were read and not yet looked at."""

    process: "subprocess.Popen[str]"
    port: int
    heard: list[str] = field(default_factory=list)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names: dict[str, str] = {}
            for name, value in ((name.lower(), value) for name, value in response.getheaders()):
                names[name] = f"{names[name]}, {value}" if name in names else value
            return Reply(response.status, names, response.read())

    def predict(self, body: bytes | Mapping[str, object]) -> Reply:
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.request("POST", "/predict", encoded)


@contextlib.contextmanager
def serving(
    bundle: Path | str,
    command: tuple[str, ...] = APP,
    stdout: Any = subprocess.DEVNULL,
    root: Path | str = ROOT,
    **environment: str,
) -> Iterator[Service]:
    """Start the service on a free port, and stop it at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=root,
        env={**os.environ, "BUNDLE": str(bundle), **LOCAL, **OWN, **PROMPT, **QUIET, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        heard: list[str] = []
        yield Service(process, listening_port(process, heard), heard)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()


def listening_port(process: "subprocess.Popen[str]", heard: list[str]) -> int:
    """Return the port that the service logs at its start."""
    for line in lines(process):
        heard.append(line)
        if found := re.search(r"running on http://[^:]+:(\d+)", line):
            return int(found[1])
    raise AssertionError(f"the service did not start:\n{''.join(heard)}")


def lines(process: "subprocess.Popen[str]", seconds: float = 60) -> Iterator[str]:
    """Yield the lines that the service logs. A service that is silent for so long is killed, which ends this."""
    assert process.stderr is not None
    while True:
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.start()
        line = process.stderr.readline()
        watchdog.cancel()
        if not line:
            return
        yield line
