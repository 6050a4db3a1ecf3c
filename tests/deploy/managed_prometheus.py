"""A Managed Service for Prometheus for the tests: a real Prometheus or given series, behind what Google refuses.

Each rule has the page that states it beside it.
"""

import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse

import msgspec

from tests.deploy.gcloud import PROJECT
from tests.support.fakes import Handler, running

Sample = tuple[dict[str, str], float]
Answers = Callable[[str, str], list[Sample]]  # an expression and its time, or nothing, to its result

PATH = f"/v1/projects/{PROJECT}/location/global/prometheus/api/v1/query"
# "Only exact matching on metric names is supported", and "PromQL functions added after Prometheus version 2.44 might
# not be supported": cloud.google.com/stackdriver/docs/managed-prometheus/promql-differences
NAME_PATTERN = re.compile(r'__name__"?\s*(=~|!~|!=)')
NAMELESS = re.compile(r"(?<![\w:])\{(?![^}]*__name__\"?\s*=[^~])")
NEWER = re.compile(r"\b(info|limitk|limit_ratio|mad_over_time|sort_by_label|sort_by_label_desc)\s*\(")
# A metric of Google that is of several resources needs one: cloud.google.com/monitoring/promql/promql-mapping
SYSTEM = re.compile(r"\b\w+_googleapis_com:\w+\{([^}]*)\}")


def refusal(expression: str) -> str | None:
    """Return why Google would not evaluate an expression, or None."""
    if NAME_PATTERN.search(expression) or NAMELESS.search(expression):
        return "invalid parameter 'query': only exact matching on metric names is supported"
    if newer := NEWER.search(expression):
        return f"invalid parameter 'query': unknown function with name {newer[1]!r}"
    if any("monitored_resource=" not in found for found in SYSTEM.findall(expression)):
        return "invalid parameter 'query': the metric has several monitored resource types; specify monitored_resource"
    return None


@contextmanager
def managed_prometheus(answers: Answers, asked: list[str] | None = None) -> Iterator[str]:
    """Serve the API. Yields the address that stands for https://monitoring.googleapis.com."""
    kept: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}

    class Google(Handler):
        def respond(self, _: bytes) -> None:
            parts = urllib.parse.urlsplit(self.path)
            parameters = dict(urllib.parse.parse_qsl(parts.query))
            expression = parameters.get("query", "")
            if self.headers.get("authorization") != "Bearer token":
                return self.error(401, "Request had invalid authentication credentials.")
            if parts.path != PATH:
                return self.error(404, "Requested entity was not found.")
            if why := refusal(expression):
                body = {"status": "error", "errorType": "bad_data", "error": why}
                return self.answer(400, {"content-type": "application/json"}, msgspec.json.encode(body))
            if asked is not None:
                asked.append(expression)
            found = {
                tuple(sorted(labels.items())): value
                for labels, value in answers(expression, parameters.get("time", ""))
            }
            # "Staleness is not supported in the Monarch backend": what was there once does not go away.
            kept[expression] = {**kept.get(expression, {}), **found}
            result = [
                {"metric": dict(labels), "value": [0, f"{value:g}" if value % 1 else f"{value:.0f}"]}
                for labels, value in kept[expression].items()
            ]
            success = {"status": "success", "data": {"resultType": "vector", "result": result}}
            return self.answer(200, {"content-type": "application/json"}, msgspec.json.encode(success))

        def error(self, status: int, message: str) -> None:
            body = {"error": {"code": status, "message": message, "status": "ERROR"}}
            self.answer(status, {"content-type": "application/json"}, msgspec.json.encode(body))

    with running(Google) as port:
        yield f"http://127.0.0.1:{port}"


def real(server: str, front: Callable[[str, float], list[Sample]]) -> Answers:
    """Return answers of a real Prometheus. `front` has Cloud Run's counts of a revision in so many seconds."""

    def answers(expression: str, at: str) -> list[Sample]:
        if "run_googleapis_com:" in expression:
            revision, window = re.findall(r'revision_name="([^"]+)"[^[]*\[(\d+)s\]', expression)[0]
            return front(revision, float(window)) if ":request_count" in expression else []
        query = urllib.parse.urlencode({"query": expression, **({"time": at} if at else {})})
        reply: HTTPResponse
        with urllib.request.urlopen(f"{server}/api/v1/query?{query}", timeout=10) as reply:  # noqa: S310  # our own
            result = msgspec.json.decode(reply.read())["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    return answers
