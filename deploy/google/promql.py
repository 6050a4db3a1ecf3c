"""Asking a Prometheus server a question in PromQL, such as Google's Managed Service for Prometheus.

Nothing records series on Cloud Run. What deploy/recording.yaml records is therefore put in its whole expression.
"""

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import msgspec

from contract.refusal import Refusal
from deploy.prometheus import Sample, read_samples

RULES = Path(__file__).parents[1] / "recording.yaml"
SECONDS = 30.0  # for one query
SHOWN = 300  # characters of a refusal
_RECORDED = re.compile(r"\bpenguins:[\w:]+")


def recorded(rules: str) -> dict[str, str]:
    """Return the expression of each series that a file of recording rules records, on one line."""
    found = {}
    for rule in re.split(r"^ *- record: ", rules, flags=re.MULTILINE)[1:]:
        name, _, rest = rule.partition("\n")
        expression = re.split(r"^ *(?:- name|rules|labels):", rest.partition("expr:")[2], flags=re.MULTILINE)[0]
        lines = [line for line in expression.removeprefix(" |").splitlines() if not line.lstrip().startswith("#")]
        found[name.strip()] = " ".join(" ".join(lines).split())
    return found


def expanded(expression: str, rules: Mapping[str, str]) -> str:
    """Return an expression in which no recorded series is left. Raises Refusal if one is not recorded."""

    def whole(found: "re.Match[str]") -> str:
        if found[0] not in rules:
            raise Refusal(f"expected a series of {RULES.name}, found {found[0]}; there are: {', '.join(sorted(rules))}")
        return f"({expanded(rules[found[0]], rules)})"

    return _RECORDED.sub(whole, expression)


def query(url: str, expression: str, headers: Mapping[str, str]) -> list[Sample]:
    """Return the result of an expression now. Raises Refusal, which says what the server said."""
    whole = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        request = urllib.request.Request(whole, headers=dict(headers))  # noqa: S310  # the operator names the URL
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            return read_samples(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(error.read().decode("utf-8", "replace").split())[:SHOWN]
        raise Refusal(f"{url} answered {error.code} to {expression!r}: {said}; check who may read metrics") from error
    except (OSError, ValueError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise Refusal(f"cannot read metrics from {url}: {error}; check --prometheus") from error


def shown(samples: list[Sample]) -> str:
    """Return samples as lines: the value, and the labels."""
    lines = []
    for sample in samples:
        labels = ", ".join(f"{name}={text}" for name, text in sorted(sample.metric.items()))
        lines.append(f"{float(sample.value[1]):.6g}  {labels}".rstrip())
    return "\n".join(lines or ["no series: nothing of it was counted, or no instance runs"])
