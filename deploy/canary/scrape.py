"""The counters of a revision, read from its own page of metrics or from a Prometheus server."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from contract.metrics import COMPARISONS, DURATION, PREDICTIONS
from contract.metrics_page import parse_page
from contract.refusal import Refusal

SECONDS = 10.0  # the longest wait for one page
MAX_BYTES = 16 << 20
COUNTERS = (f"{DURATION}_bucket", f"{DURATION}_count", PREDICTIONS, COMPARISONS)  # the series that gates need


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
    found = (sample for sample in parse_page(page, source) if sample.name in COUNTERS)
    return {Series(name, tuple(sorted(labels.items()))): value for name, labels, value in found}


class Prometheus:
    """A server that scrapes many instances of many revisions, such as Managed Service for Prometheus."""

    def __init__(self, url: str, revision: str, token: Callable[[], str] | None = None) -> None:
        expression = f'{{__name__=~"{"|".join(COUNTERS)}",revision_name="{revision}"}}'
        self.url = f"{checked_url(url)}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        self._token = token

    def read(self) -> Samples:
        """Return the last value of every instance's counters. Raises Refusal."""
        headers = {"Authorization": f"Bearer {self._token()}"} if self._token else {}
        try:
            answer = msgspec.json.decode(_fetch(self.url, headers), type=_Answer)
            return {
                Series(each.metric.pop("__name__"), tuple(sorted(each.metric.items()))): float(each.value[1])
                for each in answer.data.result
            }
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError) as error:
            raise Refusal(f"{self.url}: not a Prometheus server's answer ({error}); check --prometheus") from error


class _Sample(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Result(msgspec.Struct):
    result: list[_Sample]


class _Answer(msgspec.Struct):
    data: _Result


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
            raise Refusal(f"{url} answered {error.code}; check the address and who may read it") from error
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(f"cannot read metrics from {url}: {error}; is it running?") from error
