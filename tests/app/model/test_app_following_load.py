"""Swaps while clients ask: every answer is one model's."""

import itertools
import struct
import threading

import msgspec

from score.bundle import load_bundle
from tests.support.commands import EXAMPLE
from tests.support.processes import descriptors, libraries
from tests.support.releases import (
    INFER,
    Release,
    Shop,
    assert_serves,
    until_served,
)
from tests.support.requests import PREDICT
from tests.support.service import Service
from tests.support.telemetry import eventually
from tests.support.wire import Wire


# Under load
class Asking(threading.Thread):
    """A client that asks in a closed loop, and keeps every answer with the version that it names."""

    def __init__(self, service: Service, request: bytes) -> None:
        super().__init__()
        self._service = service
        self._request = request
        self.answers: dict[tuple[str, bytes], int] = {}
        self.swaps = 0
        self.failure: Exception | None = None
        self.enough = threading.Event()

    def run(self) -> None:
        try:
            with Wire(self._service.port, seconds=60) as wire:
                before = None
                while not self.enough.is_set():
                    wire.send(self._request)
                    response = wire.response()
                    assert response.status == 200, response
                    answer = response.values("model-version")[0], response.body
                    self.answers[answer] = self.answers.get(answer, 0) + 1
                    self.swaps += before not in (None, answer[0])
                    before = answer[0]
        except Exception as failure:  # noqa: BLE001  # the test's own thread tells
            self.failure = failure


def http(path: str, body: bytes, headers: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def large_batch(rows: int) -> bytes:
    """Make a large binary batch, which a thread answers."""
    tensor = {
        "name": "measurements",
        "datatype": "FP32",
        "shape": [rows, 4],
        "parameters": {"binary_data_size": 16 * rows},
    }
    head = msgspec.json.encode({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    row = struct.pack("=4f", *(float(value) for value in EXAMPLE.values()))
    return http(INFER, head + row * rows, f"Inference-Header-Content-Length: {len(head)}\r\n")


def test_fifty_swaps_under_load_mix_nothing(following: Service, shop: Shop, first: Release, second: Release) -> None:
    """Every answer under fifty swaps is entirely of the model it names, and no library is left."""
    mapped, opened = libraries(following), descriptors(following)
    small = msgspec.json.encode(
        {"inputs": [{"name": "measurements", "datatype": "FP32", "shape": [1, 4], "data": list(EXAMPLE.values())}]}
    )
    requests = (PREDICT, PREDICT.replace(b"Host", b"X: y\r\nHost"), http(INFER, small), large_batch(50_000))
    clients = [Asking(following, request) for request in requests]
    for client in clients:
        client.start()
    for release in itertools.islice(itertools.cycle((second, first)), 50):
        shop.promote(release)
        until_served(following, release)
    for client in clients:
        client.enough.set()
        client.join(60)
        assert client.failure is None
        assert len(client.answers) == 2, "an answer that is neither model's"
        assert {version for version, _ in client.answers} == {first.digest, second.digest}
    assert all(client.swaps >= 20 for client in clients[:3])
    assert_answers(clients[0], first, second)
    assert_serves(following, first)
    eventually(lambda: libraries(following) == mapped and descriptors(following) <= opened)


def assert_answers(client: Asking, *releases: Release) -> None:
    """Check that the answers are what the models answer in this process."""
    row = tuple(float(value) for value in EXAMPLE.values())
    for release in releases:
        probabilities = load_bundle(release.directory).library.predict(row)[1]
        (body,) = [body for version, body in client.answers if version == release.digest]
        assert msgspec.json.decode(body)["probabilities"] == probabilities
