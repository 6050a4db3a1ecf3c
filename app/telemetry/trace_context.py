"""Which trace a request belongs to: W3C `traceparent`, or Google's `X-Cloud-Trace-Context`."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_CLOUD = re.compile(rb"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]))?")
_SPANS = 1 << 64


class TraceContext(NamedTuple):
    """The caller's trace. Ids are hexadecimal; `span` is empty if only the trace is known."""

    trace: str
    span: str
    sampled: bool


def trace_context(headers: Mapping[bytes, bytes]) -> TraceContext | None:
    """Return the trace context of a request, or None. `headers` have lower-case names. An invalid value is ignored."""
    traceparent = headers.get(b"traceparent")
    if traceparent is not None and (context := _traceparent(traceparent)):
        return context
    cloud = headers.get(b"x-cloud-trace-context")
    return None if cloud is None else _cloud(cloud)


def _traceparent(value: bytes) -> TraceContext | None:
    found = _TRACEPARENT.fullmatch(value)
    if not found:
        return None
    version, trace, span, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return TraceContext(trace.decode(), span.decode(), bool(int(flags, 16) & 1))


def _cloud(value: bytes) -> TraceContext | None:
    found = _CLOUD.fullmatch(value)
    if not found or not int(found[1], 16):
        return None
    span = int(found[2] or 0)
    sampled = found[3] is not None and int(found[3]) % 2 == 1
    return TraceContext(found[1].decode().lower(), f"{span:016x}" if 0 < span < _SPANS else "", sampled)
