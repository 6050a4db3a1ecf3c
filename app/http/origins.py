"""Cross-origin requests (the Fetch standard's CORS protocol): which pages of other origins may read an answer.

The service has no cookies and no sessions, so credentials are never allowed: a page learns what anyone could ask.
"""

import msgspec

from app.core.answer import Answer, Headers, Problem, problem
from app.core.origins import EVERYONE, parse_origins

ALLOW_ORIGIN = b"access-control-allow-origin"
VARY_ORIGIN = (b"vary", b"Origin")
EXPOSED = (  # of an answer; without this a page may read only the content type and few others
    b"access-control-expose-headers",
    b"model-version, server-timing, retry-after, allow, inference-header-content-length",
)
# What a preflight is answered with. `*` stands for headers that this service ignores: tracers and proxies add some.
PREFLIGHT = Answer(
    200,  # not 204, which must have no content-length
    [
        (b"access-control-allow-methods", b"GET, HEAD, POST"),
        (
            b"access-control-allow-headers",
            b"content-type, prefer, inference-header-content-length, traceparent, tracestate, *",
        ),
        (b"access-control-max-age", b"7200"),  # seconds; no browser keeps it longer than a day, Chromium 2 hours
    ],
    b"",
)
REFUSED = problem(
    Problem("Forbidden", 403, "pages of this origin may not ask from a browser; ALLOWED_ORIGINS names those that may")
)
KNOWN_HEADERS = 64  # header lists with an allowed origin that are kept


class Origins:
    """The origins whose pages may read answers. `always` are the headers of every answer. Lifetime: process."""

    def __init__(self, text: str) -> None:
        """`text` is the setting. Raises Refusal."""
        self._allowed = parse_origins(text)
        self.listed = EVERYONE.encode() not in self._allowed  # else the same headers go to everyone
        self.always: Headers = [VARY_ORIGIN] if self.listed else [(ALLOW_ORIGIN, EVERYONE.encode()), EXPOSED]
        self._extended: dict[tuple[int, bytes], tuple[Headers, Headers]] = {}

    def further(self, fields: Headers) -> Headers:
        """Return the headers that the answer to a request with these fields gets besides `always`."""
        origin = _origin(fields) if self.listed else b""
        return [(ALLOW_ORIGIN, origin), EXPOSED] if origin in self._allowed else []

    def allow(self, answer: Answer, fields: Headers) -> Answer:
        """Return the answer with those further headers. The list of a 200 is made once, so its head is encoded once."""
        further = self.further(fields)
        if not further:
            return answer
        key = id(answer.headers), further[0][1]
        known = self._extended.get(key)  # it holds the list whose id it is, so that no other list can have it
        if known is None:
            known = answer.headers, [*answer.headers, *further]
            if answer.status == 200:
                if len(self._extended) >= KNOWN_HEADERS:
                    self._extended.clear()
                self._extended[key] = known
        return msgspec.structs.replace(answer, headers=known[1])

    def preflight(self, method: bytes, fields: Headers) -> Answer | None:
        """Return the answer to a browser that asks whether it may send a request, or None if this is no such question.

        It is the same for every path: the request itself learns whether the path exists.
        """
        if method != b"OPTIONS" or b"access-control-request-method" not in dict(fields):
            return None
        origin = _origin(fields)
        if not origin:
            return None
        return PREFLIGHT if not self.listed or origin in self._allowed else REFUSED


def _origin(fields: Headers) -> bytes:
    """Return the origin of the page that asks, or nothing if there is not exactly one."""
    found = [value for name, value in fields if name == b"origin"]
    return found[0] if len(found) == 1 else b""
