"""The service's metrics and log lines, as a scraper and a log agent get them."""

import contextlib
import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
_SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)"')


def free_port() -> int:
    """Return a port that is free at the moment."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def scrape(port: int) -> str:
    """Return the metrics' page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()


def samples(text: str) -> Samples:
    """Return the samples of a page, which is read strictly."""
    found: Samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            matched = _SAMPLE.fullmatch(line)
            assert matched, line
            key = matched[1], tuple(sorted(_LABEL.findall(matched[2] or "")))
            assert key not in found, f"twice: {line}"
            found[key] = float(matched[3])
    return found


def value(found: Samples, family: str, **labels: str) -> float:
    """Return the sum of the samples that have these labels."""
    return sum(
        number for (name, own), number in found.items() if name == family and labels.items() <= dict(own).items()
    )


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return once the condition is true. `seconds` only bounds a hang: a busy machine may take its time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.05)


def checked(text: str) -> str:
    """Return what promtool finds wrong with the page."""
    needed("promtool")
    command = ["promtool", "check", "metrics"]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False).stderr


@contextlib.contextmanager
def prometheus_server(directory: Path, configuration: str) -> Iterator[int]:
    """Run a real Prometheus with its data in the directory. Yields its port."""
    needed("prometheus")
    (directory / "prometheus.yml").write_text(configuration)
    port = free_port()
    options = {
        "config.file": str(directory / "prometheus.yml"),
        "storage.tsdb.path": str(directory / "data"),
        "web.listen-address": f"127.0.0.1:{port}",
    }
    command = ["prometheus", *(f"--{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory) as process:
        try:
            yield port
        finally:
            process.kill()


def needed(program: str, package: str = "prometheus") -> None:
    """Skip the test if the program is not here."""
    if not shutil.which(program):
        pytest.skip(f"no {program} here; on Debian: apt install {package}")


def lines_of(output: str) -> list[dict[str, Any]]:
    """Return the log lines, each of which has to be one JSON object."""
    found = [json.loads(line) for line in output.split("\n")[:-1]]
    assert all(isinstance(line, dict) for line in found)
    assert output == "" or output.endswith("\n")
    return found


def requests_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the log lines of requests."""
    return [line for line in lines if "httpRequest" in line]
