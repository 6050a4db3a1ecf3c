"""A revision's counters, as its own page of metrics or a Prometheus server tells them."""

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from contract.refusal import Refusal

SECONDS = 10.0  # for one page
MOST_BYTES = 16 << 20
FAMILIES = "http_server_request_duration_seconds_(bucket|count)|penguins_(predictions|challenger_comparisons)_total"
_SAMPLE = re.compile(r'(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\.)*)"')


class Series(NamedTuple):
    """A counter: its name and its labels, in the order of their names."""

    name: str
    labels: tuple[tuple[str, str], ...]


Samples = dict[Series, float]


class Source(Protocol):
    """Where one revision's counters are read."""

    def read(self) -> Samples:
        """All since its start. Raises Refusal where they cannot be had."""
        ...


class Exposition:
    """A page of metrics: of a machine that can be asked directly."""

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)

    def read(self) -> Samples:
        """Raises Refusal."""
        return parse_page(_fetch(self.url, {}).decode("utf-8", "replace"), self.url)


class Prometheus:
    """A server that scrapes many instances of many revisions, such as Managed Service for Prometheus."""

    def __init__(self, url: str, revision: str, token: Callable[[], str] | None = None) -> None:
        expression = f'{{__name__=~"{FAMILIES}",revision_name="{revision}"}}'
        self.url = f"{checked_url(url)}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        self._token = token

    def read(self) -> Samples:
        """The last value of every instance's counters. Raises Refusal."""
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


def parse_page(page: str, source: str) -> Samples:
    """Samples of the families that are looked at. Raises Refusal where it is no page of metrics."""
    found: Samples = {}
    for line in page.splitlines():
        if line and not line.startswith("#"):
            matched = _SAMPLE.fullmatch(line)
            if not matched:
                raise Refusal(f"{source}: not a page of metrics: {line[:60]!r}; give the URL of METRICS_PORT")
            if re.fullmatch(FAMILIES, matched[1]):
                found[Series(matched[1], tuple(sorted(_LABEL.findall(matched[2] or ""))))] = float(matched[3])
    return found


def checked_url(url: str) -> str:
    """Raises Refusal where it is no address."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refusal(f"expected a URL such as http://127.0.0.1:9464/metrics, found {url!r}")
    return url.rstrip("/")


def _fetch(url: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  # checked_url has seen it
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            data: bytes = reply.read(MOST_BYTES)
            return data
    except urllib.error.HTTPError as error:
        with error:
            raise Refusal(f"{url} answered {error.code}; check the address and who may read it") from error
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(f"cannot read metrics from {url}: {error}; is it running?") from error
