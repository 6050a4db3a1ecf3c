"""The requests whose answers are recorded: birds, faults of every kind, explanations, batches. Always the same."""

import csv
import json
import struct
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.support.commands import ROOT

JSON = {"content-type": "application/json"}
INFER = "/v2/models/penguin/infer"
NAMES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


def _recorded_birds() -> list[tuple[float, ...]]:
    """Return every twelfth complete bird of the data set."""
    with (ROOT / "train/data/penguins.csv").open(newline="", encoding="utf-8") as file:
        rows = [[row[name] for name in NAMES] for row in csv.DictReader(file)]
    return [tuple(map(float, row)) for row in rows[::12] if all(value not in ("", "NA") for value in row)]


BIRDS = _recorded_birds()


class Question(NamedTuple):
    """One request. `body` is None for a request without one."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = JSON


def questions() -> list[Question]:
    """Return all requests, in their order."""
    chance = Random(20261126)  # noqa: S311  # the same rows every time, and no secrets
    return [
        *_birds(chance),
        *_explanations(chance),
        *(Question("POST", path, body) for body in _faulty(chance) for path in ("/predict", "/explain")),
        *_batches(chance),
        *_others(),
    ]


def _bird(values: tuple[float, ...]) -> bytes:
    return json.dumps(dict(zip(NAMES, values, strict=True))).encode()


def _any(chance: Random) -> tuple[float, ...]:
    """Return a bird with any measurements within the bounds."""
    return (
        round(chance.uniform(20, 80), 2),
        round(chance.uniform(8, 30), 1),
        chance.randint(120, 280),
        chance.randint(1500, 9000),
    )


def _birds(chance: Random) -> Iterator[Question]:
    for values in BIRDS:
        yield Question("POST", "/predict", _bird(values))
    for _ in range(60):
        yield Question("POST", "/predict", _bird(_any(chance)))


def _explanations(chance: Random) -> Iterator[Question]:
    for values in (*BIRDS[:8], *(_any(chance) for _ in range(16))):
        yield Question("POST", "/explain", _bird(values))


def _faulty(chance: Random) -> Iterator[bytes]:
    """Yield bodies that are refused, and some that are right after all."""
    whole = dict(zip(NAMES, BIRDS[0], strict=True))
    for name in NAMES:
        for value in (None, "39", True, [39], {"a": 1}, -1, 0, 1e300, 1e-9):
            yield json.dumps({**whole, name: value}).encode()
        yield json.dumps({key: value for key, value in whole.items() if key != name}).encode()
        for factor in (0.1, 10, 1 / 25.4, 0.001, 1 / 453.59237):
            yield json.dumps({**whole, name: round(whole[name] * factor, 4)}).encode()
    for _ in range(12):
        shuffled = chance.sample(BIRDS[0], 4)
        yield _bird(tuple(shuffled))
    first = _bird(BIRDS[0])
    yield from (b"", b"{}", b"[]", b"null", b"1", b'"', b"{", first[:-1], b" " + first + b" \n", first + first)
    yield from (b"\xef\xbb\xbf" + first, b"[" * 2000, b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"\x00")
    yield first[:-1] + b', "unknown": {"deep": [1, 2, 3]}, "bill_length_mm": 40}'
    yield b'{"bill_length_mm": "x", ' + first[1:]
    yield b'{"bill_length_mm": 1e999, ' + first[1:]
    yield first.replace(b"39.1", b"NaN") + b""
    yield first.replace(b"39.1", b"1" * 400)
    yield first.replace(b"39.1", b"039.1")


def _batches(chance: Random) -> Iterator[Question]:
    rows = [list(values) for values in (*BIRDS[:6], *(_any(chance) for _ in range(10)))]
    outputs = [{"name": name} for name in ("probabilities", "label", "margin")]
    flat = [value for row in rows for value in row]
    whole = {"name": "measurements", "datatype": "FP32", "shape": [len(rows), 4], "data": rows}
    documents: list[object] = [
        {"inputs": [whole]},
        {"id": "one", "inputs": [whole], "outputs": outputs},
        {"inputs": [{**whole, "data": flat}], "outputs": outputs[1:2]},
        {"inputs": [{**whole, "data": flat[:-1]}]},
        {"inputs": [{**whole, "shape": [4, 4]}]},
        {"inputs": [{**whole, "shape": [16]}]},
        {"inputs": [{**whole, "datatype": "FP64"}]},
        {"inputs": [{**whole, "name": "birds"}]},
        {"inputs": []},
        {"inputs": [whole], "outputs": [{"name": "species"}]},
        {"inputs": [whole], "outputs": [outputs[0], outputs[0]]},
        {"inputs": [{**whole, "data": "none"}]},
        {"inputs": [{**whole, "shape": [0, 4], "data": []}]},
        {"inputs": [whole], "outputs": [{"name": "label", "parameters": {"classification": 2}}]},
        {},
        [],
    ]
    for document in documents:
        yield Question("POST", INFER, json.dumps(document).encode())
    packed = struct.pack(f"<{len(flat)}f", *flat)
    for size, asked in ((len(packed), True), (len(packed), False), (len(packed) - 4, True)):
        tensor = {**whole, "parameters": {"binary_data_size": size}}
        del tensor["data"]
        document = {"inputs": [tensor], "parameters": {"binary_data_output": asked}, "outputs": outputs}
        head = json.dumps(document).encode()
        yield Question("POST", INFER, head + packed, {"Inference-Header-Content-Length": str(len(head))})


def _others() -> Iterator[Question]:
    bird = _bird(BIRDS[0])
    for path in ("/health/live", "/health/ready", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/penguin"):
        yield Question("GET", path, None, {})
    for path in ("/v2/models/penguin/ready", "/v2/models/penguin/versions/1", "/v2/models/penguin/versions/1/ready"):
        yield Question("GET", path, None, {})
    for path in ("/", "/challenger", "/predict", "/predict/", "/explain", "/nothing", INFER):
        yield Question("GET", path, None, {})
    for path in ("/predict", "/explain"):
        yield Question("PUT", path, bird)
        yield Question("POST", path, bird, {"content-type": "text/plain"})
        yield Question("POST", path, bird, {"content-type": "application/vnd.bird+json; charset=utf-8"})
        yield Question("POST", path, bird, {**JSON, "content-encoding": "gzip"})
        yield Question("POST", path, bird + b" " * 65_536)
    yield Question("POST", "/v2/models/penguin/versions/1/infer", b'{"inputs": []}')
