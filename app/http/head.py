"""Plain heads: one regular expression matches a whole head, or nothing.

A head that matches has one meaning to every reader, and RFC 9112 allows it: one method, one target, HTTP/1.1, one valid
Host, names that are tokens, values of printable ASCII, at most one Content-Length and one Content-Type, and no header
that frames, negotiates or upgrades. Every other head goes to the parser, with its bytes unchanged.
"""

import re
from collections.abc import Callable
from functools import cache

MAX_HEADERS = 100  # of a request: in memory each takes far more than its bytes

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_VALUE = rb"[\t -~]*+"
# Headers that change how a request is read or answered. All other headers are only recorded.
_DECIDING = (
    rb"(?i:host|content-length|content-type|content-encoding|transfer-encoding|connection|expect|prefer|trailer|te"
    rb"|upgrade)"
)
_OTHER_INITIAL = rb"[abdfgi-oq-svw-zABDFGI-OQ-SVW-Z]"  # no name above begins so, which saves a look-ahead

# Quantifiers never give back what they took (*+, ++), so the time is linear in the head's length. (?(2)(?!)) fails
# where the second group has matched before: a repeated Host is not plain.
_PATTERN = (
    rb"([A-Z]++ [!-~]++) HTTP/1\.1\r\n"
    rb"(?:(?:"
    rb"%(initial)b%(token)b*+:%(value)b"
    rb"|(?(2)(?!))(?i:host): ?([A-Za-z0-9._-]++(?::[0-9]*+)?+)"
    rb"|(?(3)(?!))(?i:content-length): ?([0-9]{1,9}+)"
    rb"|(?(4)(?!))(?i:content-type): ?(%(value)b)"
    rb"|(?i:connection: ?keep-alive)"
    rb"|(?!%(deciding)b:)%(token)b++:%(value)b"
    rb")\r\n){1,%(most)d}+(?(2)|(?!))\r\n"
)
_PARTS = {b"initial": _OTHER_INITIAL, b"token": _TOKEN, b"value": _VALUE, b"deciding": _DECIDING, b"most": MAX_HEADERS}
plain_head = re.compile(_PATTERN % _PARTS).match


@cache
def head_without_origin() -> Callable[[bytes], re.Match[bytes] | None]:
    """Return the same, but a head with an Origin does not match: its answer depends on it. Compiled when first used."""
    parts = {b"initial": _OTHER_INITIAL.replace(b"i-o", b"i-n").replace(b"I-O", b"I-N")}
    return re.compile(_PATTERN % {**_PARTS, **parts, b"deciding": _DECIDING.replace(b"host|", b"host|origin|")}).match


def no_head(_: bytes) -> None:
    """Match nothing. It stands for `plain_head` where every request must be parsed."""
