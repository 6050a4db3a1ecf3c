"""What the comparison with the training data needs, from a Prometheus server, as the page of metrics of one service.

On Cloud Run nobody reaches the port of an instance, and one instance has seen a part of the requests only. Every family
is asked for by its exact name, because Managed Service for Prometheus takes no other:
https://docs.cloud.google.com/stackdriver/docs/managed-prometheus/promql
"""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import msgspec

from contract.refusal import Refusal

SECONDS = 30.0  # for one query
SHOWN = 300  # characters of a refusal
COUNTED = ("penguins_drift_observations_total", "penguins_drift_outside_total")
STATED = ("penguins_model_info", "penguins_drift_reference_rows", "penguins_drift_chi_square")
LABELS = "version, variable, bin"


class _Sample(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Result(msgspec.Struct):
    result: list[_Sample]


class _Answer(msgspec.Struct):
    data: _Result


def expressions(match: str, hours: int) -> dict[str, str]:
    """Return the query of each family: counts of the last hours over all instances, or what they state now."""
    counted = {name: f"sum by ({LABELS}) (increase({name}{{{match}}}[{hours}h]))" for name in COUNTED}
    return counted | {name: f"max by ({LABELS}) ({name}{{{match}}})" for name in STATED}


def drift_page(url: str, match: str, hours: int, token: Callable[[], str] | None = None) -> str:
    """Return the page. `match` chooses the service: service_name="penguins". Raises Refusal."""
    headers = {"Authorization": f"Bearer {token()}"} if token else {}
    lines = [
        line
        for family, query in expressions(match, hours).items()
        for line in _lines(family, _asked(url, query, headers))
    ]
    if not lines:
        raise Refusal(
            f"expected metrics of {{{match}}} at {url}, found none; check SERVICE and PROJECT, and that instances run"
        )
    return "\n".join(lines) + "\n"


def _lines(family: str, samples: list[_Sample]) -> Iterator[str]:
    for sample in samples:
        value = float(sample.value[1])
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(sample.metric.items()))
        yield f"{family}{{{labels}}} {round(value) if family in COUNTED else value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _asked(url: str, query: str, headers: dict[str, str]) -> list[_Sample]:
    """Return the result of a query. Raises Refusal, which says what the server said."""
    whole = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        request = urllib.request.Request(whole, headers=headers)  # noqa: S310  # the operator names the URL
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            return msgspec.json.decode(reply.read(), type=_Answer).data.result
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(error.read().decode("utf-8", "replace").split())[:SHOWN]
        raise Refusal(f"{url} answered {error.code} to {query!r}: {said}; check who may read metrics") from error
    except (OSError, ValueError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise Refusal(f"cannot read metrics from {url}: {error}; check --prometheus") from error
