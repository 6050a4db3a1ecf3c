"""What all servers are asked, as bytes, and where an answer ends."""

from functools import partial

import msgspec

from train.contract import CONTRACT

BODY = msgspec.json.encode({each.name: each.example for each in CONTRACT.inputs})
CLOUD_HEADERS = (  # ten, like those of Cloud Run's front end; four are new each time
    "Host: penguins-abcdefghij-ew.a.run.app",
    "Content-Type: application/json",
    f"Content-Length: {len(BODY)}",
    "User-Agent: python-httpx/0.28.1",
    "Accept: */*",
    "traceparent: 00-%032x-%016x-01",
    "X-Cloud-Trace-Context: %032x/%d;o=1",
    "X-Forwarded-For: 203.0.113.%d",
    "X-Forwarded-Proto: https",
    'Forwarded: for="203.0.113.%d";proto=https',
)
CLOUD = "\r\n".join(["POST /predict HTTP/1.1", *CLOUD_HEADERS, "", BODY.decode()])  # wrk fills it in, too
SHORT = "\r\n".join(["POST /predict HTTP/1.1", "Host: localhost", *CLOUD_HEADERS[1:3], "", BODY.decode()])


def fill(request: str, number: int) -> bytes:
    """Return a whole HTTP request; of CLOUD, like those from Cloud Run's front end, no two have the same head."""
    last = number % 250
    return (request % (number, number, number, number, last, last) if "%" in request else request).encode()


cloud_request = partial(fill, CLOUD)


def answer_length(data: bytes) -> int | None:
    """Return the length of an answer with a content-length, once its head is there."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return len(head) + len(end) + int(length or b"0")
