"""ALLOWED_ORIGINS: the pages of other origins that may read answers. An origin is scheme, host and port of a page."""

import re
from urllib.parse import urlsplit

from contract.refusal import Refusal

EVERYONE = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}  # browsers leave them out
MAX_PORT = 65_535
_ORIGIN = r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?"


def parse_origins(text: str) -> frozenset[bytes]:
    """Return the origins that ALLOWED_ORIGINS lists, as browsers send them; of `*` only that.

    Raises Refusal if one of them is nothing that a browser sends, as it would never match.
    """
    origins = [each.strip() for each in text.split(",")]
    for origin in origins:
        if origin == EVERYONE and len(origins) > 1:
            raise _refusal(text, "expected `*` alone, which allows every origin, or a list of origins without it")
        if origin != EVERYONE and not _is_sent(origin):
            known = _as_sent(origin)
            advice = (
                f"; type {known}" if known else "; type ALLOWED_ORIGINS=https://field.example,https://other.example"
            )
            expected = "expected origins as browsers send them: in small letters, without a path and a default port"
            raise _refusal(text, f"{expected}, found {origin!r}{advice}")
    return frozenset(origin.encode() for origin in origins)


def _refusal(text: str, problem: str) -> Refusal:
    return Refusal(f"environment variable ALLOWED_ORIGINS={text!r}: {problem}")


def _is_sent(origin: str) -> bool:
    found = re.fullmatch(_ORIGIN, origin)  # compiled only where the setting is used
    if found is None:
        return False
    port = int(found[2] or 0)
    return port <= MAX_PORT and DEFAULT_PORTS.get(found[1]) != port


def _as_sent(text: str) -> str:
    """Return the origin that is meant, such as that of an address with a path, or an empty text."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:  # no address; UnicodeError is one of them
        return ""
    host = f"[{host}]" if ":" in host else host
    shown = f":{port}" if port and DEFAULT_PORTS.get(parts.scheme) != port else ""
    origin = f"{parts.scheme}://{host}{shown}"
    return origin if _is_sent(origin) else ""
