"""Drift on Cloud Run: the page that is read from Prometheus, by a server as strict as Google's and by a real one."""

import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.metrics import families
from contract.metrics_page import parse_page
from contract.refusal import Refusal
from deploy.google.drift_page import COUNTED, STATED, drift_page, expressions
from tests.support.commands import run_module
from tests.support.requests import ask_many
from tests.support.service import serving
from tests.support.telemetry import eventually, free_port, prometheus_server

MATCH = 'service_name="penguins"'
# https://docs.cloud.google.com/stackdriver/docs/managed-prometheus/promql: no regular expression on __name__
REFUSAL = {"status": "error", "errorType": "bad_data", "error": "unsupported: __name__ needs an exact match"}


class Managed(http.server.BaseHTTPRequestHandler):
    """Answers as Managed Service for Prometheus does: exact names only, and only with a token."""

    values: dict[str, list[dict[str, Any]]]
    queries: list[str]

    def do_GET(self) -> None:
        """Answer a query."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0]
        self.queries.append(query)
        if self.headers["Authorization"] != "Bearer token":
            self.answer(401, {"error": "Request had invalid authentication credentials."})
        elif "__name__" in query:
            self.answer(400, REFUSAL)
        else:
            names = set(re.findall(r"\bpenguins_\w+", query))
            found = [each for name in names for each in self.values.get(name, ())]
            self.answer(200, {"status": "success", "data": {"resultType": "vector", "result": found}})

    def answer(self, status: int, document: object) -> None:
        """Send a document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def managed(values: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, list[str]]]:
    """Run such a server. Returns its address and the queries that come."""
    queries: list[str] = []
    handler = type("Handler", (Managed,), {"values": values, "queries": queries})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", queries
        finally:
            server.shutdown()


def test_it_asks_for_what_drift_reads() -> None:
    """The families are those that the comparison reads."""
    assert set(COUNTED) == {families.OBSERVED, families.OUTSIDE_RANGE}
    assert set(STATED) == {families.MODEL, families.REFERENCE, families.QUANTILE}


def test_counts_are_those_of_all_instances() -> None:
    """Counts are whole numbers with their labels; every family is asked for by its exact name."""
    sample = {"metric": {"version": 'a"b', "variable": "x", "bin": "3"}, "value": [1.0, "41.7"]}
    with managed({COUNTED[0]: [sample], STATED[2]: [{**sample, "value": [1.0, "9.25"]}]}) as (url, queries):
        page = drift_page(url, MATCH, 24, lambda: "token")
    assert [(each.name, each.labels["version"], each.value) for each in parse_page(page, "x")] == [
        (COUNTED[0], 'a"b', 42.0),
        (STATED[2], 'a"b', 9.25),
    ]
    assert queries == list(expressions(MATCH, 24).values())
    assert queries[0] == f"sum by (version, variable, bin) (increase({COUNTED[0]}{{{MATCH}}}[24h]))"


def test_a_refusal_says_what_the_server_said() -> None:
    """A 4xx is one line with the server's own words; a service without metrics is named, and hours that are none."""
    with pytest.raises(Refusal, match=r"--hours 0: expected 1 to 168"):
        drift_page("http://127.0.0.1:1", MATCH, 0)
    with managed({}) as (url, _):
        with pytest.raises(Refusal, match=r"answered 401 .*invalid authentication credentials"):
            drift_page(url, MATCH, 24)
        with pytest.raises(Refusal, match=r"answered 400 .*__name__ needs an exact match"):
            drift_page(url, '__name__=~"penguins.*"', 24, lambda: "token")
        with pytest.raises(Refusal, match=r'expected metrics of \{service_name="penguins"\}.*check SERVICE'):
            drift_page(url, MATCH, 24, lambda: "token")


@pytest.mark.long
def test_a_real_prometheus_is_judged(bundle_path: Path, tmp_path: Path) -> None:
    """The page from a real Prometheus that has scraped a real service is one that the comparison reads."""
    port = free_port()
    configuration = (
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        f"scrape_configs: [{{job_name: penguins, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    with (
        serving(bundle_path, METRICS_PORT=str(port)) as service,
        prometheus_server(tmp_path, configuration) as server,
    ):
        page = tmp_path / "page.txt"

        def counted() -> bool:
            ask_many(service.port, 20)
            ran = run_module("deploy", "metrics", "--prometheus", f"http://127.0.0.1:{server}", "--hours", "1")
            page.write_text(ran.stdout)
            return any(each.name == COUNTED[0] and each.value > 0 for each in parse_page(ran.stdout, "x"))

        eventually(counted)
        judged = run_module("app.metrics.drift", page)
        assert judged.stderr == ""
        assert "which is served" in judged.stdout
        assert "bill_length_mm: " in judged.stdout
