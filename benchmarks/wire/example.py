"""The published example: its request, and what every server must answer to it before it is timed."""

import contextlib
import http.client
import socket
import time

import msgspec

from benchmarks.wire.openloop import answer_length
from benchmarks.wire.processes import Started
from contract.measurements import MEASUREMENTS

TOLERANCE = 1e-6  # of a probability
STARTS_WITHIN = 60.0  # seconds

BODY = msgspec.json.encode({measurement.name: measurement.example for measurement in MEASUREMENTS})


class Wrong(Exception):
    """A server does not answer as it should."""


def request(port: int) -> bytes:
    """A whole HTTP request, as wrk sends it."""
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


def first_answer(server: Started) -> bytes:
    """Ask from now on, until it answers 200. The whole answer. Raises Wrong where the server ends or never does."""
    end = time.monotonic() + STARTS_WITHIN
    answer = b""
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise Wrong(f"it ended with status {server.process.returncode}, saying: {server.last_words}")
        with contextlib.suppress(OSError):
            answer = ask(server.port)
            if answer.startswith(b"HTTP/1.1 200 "):
                return answer
        time.sleep(0.0005)
    raise Wrong(f"no status 200 within {STARTS_WITHIN:.0f} s, found {answer[:80]!r}; it said: {server.last_words}")


def ask(port: int) -> bytes:
    """One request on a connection of its own, and its whole answer. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), timeout=STARTS_WITHIN) as connection:
        connection.sendall(request(port))
        received = b""
        while (length := answer_length(received)) is None or len(received) < length:
            data = connection.recv(65_536)
            if not data:
                raise ConnectionResetError("the server closed the connection within its answer")
            received += data
    return received


ANSWERED = {"prediction", "species", "probabilities"}  # what everybody answers; ours says more


def check_prediction(answer: bytes, expected: bytes) -> None:
    """The same prediction, probabilities within one step of float32. Raises Wrong."""
    found, right = (msgspec.json.decode(whole.partition(b"\r\n\r\n")[2]) for whole in (answer, expected))
    difference = _difference(found, right)
    if difference:
        raise Wrong(f"{difference}; expected {right}, found {found}")


def _difference(found: object, right: object) -> str:
    if not isinstance(found, dict) or not isinstance(right, dict) or not found.keys() >= ANSWERED <= right.keys():
        return "another document"
    found, right = ({name: document[name] for name in ANSWERED} for document in (found, right))
    mine, theirs = found.pop("probabilities"), right.pop("probabilities")
    if found != right or mine.keys() != theirs.keys():
        return "another species"
    far = max(abs(mine[species] - theirs[species]) for species in theirs)
    return f"probabilities are off by up to {far:.2g}" if far > TOLERANCE else ""


def check_size(answer: bytes, expected: bytes) -> None:
    """As many bytes as ours sends. Raises Wrong."""
    if len(answer) != len(expected):
        raise Wrong(f"expected an answer of {len(expected)} bytes, found {len(answer)}")


def warm_up(port: int, requests: int) -> None:
    """So many answers on one connection, unless the server closes it before."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTS_WITHIN)
    with contextlib.closing(connection):
        for _ in range(requests):
            connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
            connection.getresponse().read()
