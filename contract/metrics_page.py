"""Reading a page of metrics in the text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from contract.refusal import Refusal

# A name; labels in braces, or none; a value; a timestamp, or none.
_SAMPLE = re.compile(r'([\w:]+)(?:\{((?:\w+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)(?: -?\d+)?')
_LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


class Sample(NamedTuple):
    """One value of one series. `labels` are by name, without escapes."""

    name: str
    labels: dict[str, str]
    value: float


def parse_page(page: str, source: str) -> Iterator[Sample]:
    """Yield the samples of a page in its order. Raises Refusal, naming `source`, if a line is no sample."""
    for line in page.split("\n"):
        if line and not line.startswith("#"):
            yield _sample(line, source)


def _sample(line: str, source: str) -> Sample:
    matched = _SAMPLE.fullmatch(line)
    try:
        if matched:
            labels = {name: _unescaped(value) for name, value in _LABEL.findall(matched[2] or "")}
            return Sample(matched[1], labels, float(matched[3]))
    except ValueError:
        pass
    raise Refusal(f"{source}: not a page of metrics: {line[:60]!r}; give the URL of METRICS_PORT")


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], value)
