"""What the constant servers say: a whole answer of ours, so that they send as many bytes."""

import os

VARIABLE = "ANSWER"  # of the environment
PORT = int(os.environ.get("PORT", "0"))


def whole() -> bytes:
    """Return status line, headers and body."""
    return os.environ[VARIABLE].encode("latin-1")


def parts() -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers, without the date that uvicorn adds, and body."""
    head, _, body = whole().partition(b"\r\n\r\n")
    pairs = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    return [(name.lower(), value) for name, _, value in pairs if name.lower() != b"date"], body
