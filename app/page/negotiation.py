"""What a client asks for in Accept, Accept-Encoding and If-None-Match (RFC 9110, sections 12 and 13)."""

import re

_QUALITY = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.I)
_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def weights(values: list[str]) -> dict[str, float]:
    """Return how much a client wants each element of a list such as Accept, from 0 (not at all) to 1.

    `values` are the values of all headers of that name. A weight that is not a number counts as 1.
    """
    found = {}
    for element in ",".join(values).split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        if name:
            given = [match[1] for parameter in parameters if (match := _QUALITY.fullmatch(parameter))]
            found[name.lower()] = float(given[0]) if given else 1.0
    return found


def wants_html(accept: list[str]) -> bool:
    """Return whether the client names HTML, as browsers do. `*/*` does not count: that is what tools send."""
    return weights(accept).get("text/html", 0) > 0


def wants_markdown(accept: list[str]) -> bool:
    """Return whether the client names Markdown, and does not want HTML more."""
    wanted = weights(accept)
    return 0 < wanted.get("text/markdown", 0) >= wanted.get("text/html", 0)


def takes_gzip(accept_encoding: list[str]) -> bool:
    """Return whether the client takes gzip. Without the header it may take anything, but need not know gzip."""
    wanted = weights(accept_encoding)
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0))) > 0


def is_known(if_none_match: list[str], etag: str) -> bool:
    """Return whether the client has the representation with this entity tag already."""
    value = ",".join(if_none_match).strip()
    return value == "*" or etag in _ETAG.findall(value)
