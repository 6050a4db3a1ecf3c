"""Rules and dashboard: in figures by promtool, and with a real Prometheus that watches a real service with faults."""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import EXAMPLE, ROOT
from tests.support.requests import ask_many
from tests.support.service import serving
from tests.support.telemetry import eventually, free_port, needed, prometheus_server

DEPLOY = ROOT / "deploy"
SHORTER = {
    "2m": "4s",
    "10m": "4s",
    "5m": "4s",
    "15m": "4s",
    "30m": "4s",
    "1h": "6s",
    "6h": "8s",
    "1d": "30s",
}  # windows, for a test
WITHOUT_RESULT = (
    "out_of_dist|challenger|distance|set_size|bundle_outcomes|fallback|worker_ends|channel_expiry|follow_success"
)
# Of a busy machine: the service is slow, or is not scraped in time.
SPEED = ("PenguinsLatencyBudget", "PenguinsSlow", "PenguinsNotReady")
BROKEN = """
import sys
if sys.orig_argv[1:3] == ["-m", "app"]:
    import app.answers.predict
    usual = app.answers.predict.predictor
    def predictor(*arguments, **named):
        handler = usual(*arguments, **named)
        return lambda body: 1 // 0 if b"broken" in body else handler(body)
    app.answers.predict.predictor = predictor
"""


def test_rules_say_what_they_should() -> None:
    """Every rule fires where deploy/alerts_test.yaml expects it, and nowhere else."""
    needed("promtool")
    command = ["promtool", "test", "rules", str(DEPLOY / "alerts_test.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr


def test_every_alert_is_tested() -> None:
    """Every alert has a test by its name."""
    tested = (DEPLOY / "alerts_test.yaml").read_text()
    for name in re.findall(r"alert: (\w+)", (DEPLOY / "alerts.yaml").read_text()):
        assert name in tested, name


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask the API of Prometheus."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=60) as reply:  # our own address
            document = json.load(reply)
        assert document["status"] == "success"
        return document["data"]

    def query(self, expression: str) -> list[Any]:
        """Return the result of a query now."""
        result: list[Any] = self.ask("query", query=expression)["result"]
        return result

    def firing(self) -> set[str]:
        """Return the alerts that are on."""
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}


@contextmanager
def prometheus(directory: Path, target: int) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes the target twice a second, with short windows."""
    for name in ("recording.yaml", "alerts.yaml"):
        text = (DEPLOY / name).read_text()
        text = re.sub(r"\[(\w+)\]", lambda found: f"[{SHORTER[found[1]]}]", text)
        (directory / name).write_text(re.sub(r"for: \w+", "for: 1s", text))
    configuration = (
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}\n"
        f"rule_files: [{directory}/recording.yaml, {directory}/alerts.yaml]\n"
        f"scrape_configs: [{{job_name: penguins, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    )
    with prometheus_server(directory, configuration) as port:
        running = Prometheus(port)
        eventually(lambda: ready(running))
        yield running


def ready(running: Prometheus) -> bool:
    """Whether Prometheus answers, and has scraped."""
    with suppress(OSError):
        return bool(running.query("up"))
    return False


@pytest.mark.long
def test_a_real_prometheus_sees_faults_and_reads_the_dashboard(bundle_path: Path, tmp_path: Path) -> None:
    """A real Prometheus raises the alert of each fault, and reads the dashboard."""
    needed("prometheus")
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    metrics = free_port()
    with (
        serving(bundle_path, METRICS_PORT=str(metrics), PYTHONPATH=f"{tmp_path}:{ROOT}") as service,
        prometheus(tmp_path, metrics) as watching,
    ):
        until = time.monotonic() + 4
        while time.monotonic() < until:
            ask_many(service.port, 20)
            time.sleep(0.05)
        assert {alert for alert in watching.firing() if not alert.startswith(SPEED)} <= {"PenguinsDrift"}  # of one bird

        def broken_is_seen() -> bool:
            for _ in range(20):
                service.predict({**EXAMPLE, "x": "broken"})
            return {"PenguinsUnavailableFast", "PenguinsDrift"} <= watching.firing()

        eventually(broken_is_seen)
        assert_dashboard_reads(watching)
        service.process.terminate()
        service.process.wait(timeout=60)
        eventually(lambda: "PenguinsNotReady" in watching.firing())


def assert_dashboard_reads(watching: Prometheus) -> None:
    """Check that every query of the dashboard is valid, and has a result if it needs no fault."""
    dashboard = json.loads((DEPLOY / "dashboard.json").read_text())
    empty = []
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$job", "penguins")
            expression = re.sub(r"\[(\w+)\]", lambda found: f"[{SHORTER[found[1]]}]", expression)
            if not watching.query(expression):
                empty.append(expression)
    assert [each for each in empty if not re.search(WITHOUT_RESULT, each)] == []


@pytest.mark.parametrize("name", ["recording.yaml", "alerts.yaml"])
def test_rules_are_rules(name: str) -> None:
    """promtool accepts the rules."""
    needed("promtool")
    subprocess.run(["promtool", "check", "rules", str(DEPLOY / name)], capture_output=True, timeout=60, check=True)
