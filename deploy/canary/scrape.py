"""The counters of a revision, read from its own page of metrics or from a Prometheus server."""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from math import isfinite
from typing import NamedTuple, Protocol

import msgspec

from contract.metrics import COMPARISONS, DURATION, PREDICTIONS, STARTED, WORKER_ENDS
from contract.metrics_page import parse_page
from contract.refusal import Refusal
from deploy.prometheus import read_samples

SECONDS = 10.0  # the longest wait for one page
MAX_BYTES = 16 << 20
COUNTERS = (f"{DURATION}_bucket", f"{DURATION}_count", PREDICTIONS, COMPARISONS, WORKER_ENDS)
READ = (*COUNTERS, STARTED)  # the series that gates need
SETTLED_SECONDS = 5.0  # all names are asked for this moment ago, so that they are of the same scrapes
MAX_EXPLANATION = 300  # characters of an error's body that are shown


class Series(NamedTuple):
    """A counter: its name and its labels, in the order of their names."""

    name: str
    labels: tuple[tuple[str, str], ...]


Samples = dict[Series, float]


class CounterSource(Protocol):
    """Where the counters of one revision are read."""

    def read(self) -> Samples:
        """Return all counters since the revision's start. Raises Refusal if they cannot be read."""
        ...


class MetricsPage:
    """A page of metrics, for a machine that can be reached directly."""

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)

    def read(self) -> Samples:
        """Return the counters on the page. Raises Refusal."""
        return read_counters(_fetch(self.url, {}).decode("utf-8", "replace"), self.url)


def read_counters(page: str, source: str) -> Samples:
    """Return the counters of a page that gates need. Raises Refusal, naming `source`, if it is no page of metrics."""
    found = (sample for sample in parse_page(page, source) if sample.name in READ and isfinite(sample.value))
    return {Series(name, tuple(sorted(labels.items()))): value for name, labels, value in found}


class Prometheus:
    """A server that scrapes many instances of many revisions, such as Managed Service for Prometheus.

    Each metric is a query of its own: Google takes exact names only. It also knows no staleness, so the last values of
    an instance that has ended are still there for some minutes. Nothing here depends on their going away.
    https://cloud.google.com/stackdriver/docs/managed-prometheus/promql-differences
    """

    def __init__(self, url: str, revision: str, token: Callable[[], str] | None = None) -> None:
        self._url, self._revision, self._token = f"{checked_url(url)}/api/v1/query", revision, token

    def read(self) -> Samples:
        """Return the last value of every instance's counters and start times. Raises Refusal."""
        headers = self._headers()
        at = time.time() - SETTLED_SECONDS
        found: Samples = {}
        for name in READ:
            for labels, value in self._ask(f'{name}{{revision_name="{self._revision}"}}', headers, at):
                found[Series(name, tuple(sorted((key, labels[key]) for key in labels if key != "__name__")))] = value
        return found

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of an expression's result now, without values that are not finite.

        Raises Refusal.
        """
        return self._ask(expression, self._headers(), None)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"} if self._token else {}

    def _ask(self, expression: str, headers: dict[str, str], at: float | None) -> list[tuple[dict[str, str], float]]:
        parameters = {"query": expression} if at is None else {"query": expression, "time": f"{at:.3f}"}
        body = _fetch(f"{self._url}?{urllib.parse.urlencode(parameters)}", headers)
        try:
            found = [(each.metric, float(each.value[1])) for each in read_samples(body)]
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise Refusal(f"{self._url}: not a Prometheus server's answer ({error}); check --prometheus") from error
        return [(labels, value) for labels, value in found if isfinite(value)]


def checked_url(url: str) -> str:
    """Return the URL without a slash at its end. Raises Refusal if it is no URL."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refusal(f"expected a URL such as http://127.0.0.1:9464/metrics, found {url!r}")
    return url.rstrip("/")


def _fetch(url: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  # checked_url has checked it
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            data: bytes = reply.read(MAX_BYTES)
            return data
    except urllib.error.HTTPError as error:
        with error:
            said = explanation(error)
        raise Refusal(f"{url} answered {error.code}: {said}; check the address and who may read it") from error
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(f"cannot read metrics from {url}: {error}; is it running?") from error


class _Explained(msgspec.Struct):
    """An error of Prometheus, whose `error` is a text, or of Google, whose `error` has a message."""

    error: "str | _GoogleError"


class _GoogleError(msgspec.Struct):
    message: str


def explanation(reply: urllib.error.HTTPError) -> str:
    """Return what the body of an error's answer says, in one line of at most MAX_EXPLANATION characters."""
    try:
        body = reply.read(MAX_BYTES)
    except (OSError, http.client.HTTPException):
        return "without a body"
    try:
        said = msgspec.json.decode(body, type=_Explained).error
        text = said if isinstance(said, str) else said.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace")
    return " ".join(text.split())[:MAX_EXPLANATION] or "without a word"
