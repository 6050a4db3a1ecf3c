"""The forms of a table: CSV, JSON lines and a JSON array. Headers say which one comes, and which one is wanted."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Form = Literal["csv", "ndjson", "json"]

CONTENT_TYPES: dict[Form, bytes] = {
    "csv": b"text/csv; charset=utf-8; header=present",
    "ndjson": b"application/x-ndjson",
    "json": b"application/json",
}
NAMES: dict[str, Form] = {
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/json": "json",
}
EXPECTED = "text/csv, application/x-ndjson or application/json"
CHARSETS = ("utf-8", "utf8", "us-ascii")
_PARAMETER = re.compile(r'\s*([\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))\s*')
_WEIGHT = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")


class MediaType(NamedTuple):
    """A media type in lower case, and its parameters."""

    name: str
    parameters: dict[str, str]


def media_type(text: str) -> MediaType:
    """Return a media type. A parameter that is not understood is left out."""
    name, *rest = text.split(";")
    found = [match for each in rest if (match := _PARAMETER.fullmatch(each))]
    parameters = {match[1].lower(): (match[3] if match[2] is None else match[2]).lower() for match in found}
    return MediaType(name.strip().lower(), parameters)


def form_of_body(content_type: bytes | None) -> Form | None:
    """Return the form that a Content-Type names, or None if it is not taken. Without the header it is JSON."""
    if content_type is None:
        return "json"
    found = media_type(content_type.decode("latin-1"))
    if found.parameters.get("charset", "utf-8") not in CHARSETS or found.parameters.get("header") == "absent":
        return None
    return "json" if re.fullmatch(r"application/[a-z0-9.-]+\+json", found.name) else NAMES.get(found.name)


def form_of_answer(accept: bytes | None, own: Form) -> Form | None:
    """Return the form that an Accept header wants most, or None if it wants none. `own` is that of the request.

    Of several forms that are wanted as much, the request's own comes first.
    """
    if accept is None or not accept.strip():
        return own
    ranges = [*_weighted(accept.decode("latin-1"))]
    weights = {form: _weight(form, ranges) for form in CONTENT_TYPES}
    best = max([own, *CONTENT_TYPES], key=weights.__getitem__)
    return best if weights[best] > 0 else None


def _weighted(accept: str) -> Iterator[tuple[str, float]]:
    """Yield each media range of an Accept header, and its weight."""
    for part in accept.split(","):
        name, parameters = media_type(part)
        weight = parameters.get("q", "1")
        yield name, float(weight) if _WEIGHT.fullmatch(weight) else 1.0


def _weight(form: Form, ranges: list[tuple[str, float]]) -> float:
    """Return the weight of a form: that of the most specific range that has one of its names."""
    own = [name for name, named in NAMES.items() if named == form]
    for wanted in (own, [f"{name.partition('/')[0]}/*" for name in own], ["*/*"]):
        weights = [weight for name, weight in ranges if name in wanted]
        if weights:
            return max(weights)
    return 0.0
