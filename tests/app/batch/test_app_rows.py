"""Refusals of inference requests, through a real socket; a damaged request never breaks the handler."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batch.inference import inferrer
from app.core.answer import Answer
from app.core.memory import Claim, Memory
from app.core.protocol import ProtocolError
from app.model.serving import Serving
from score.bundle import Bundle
from tests.support.inference import HEADER, INFER, ROW, TWO_ROWS, assert_protocol_error, binary_tensor, request, tensor
from tests.support.service import Service


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "JSON object", id="empty"),
        pytest.param(b"{", "JSON object", id="cut"),
        pytest.param(b"[]", "got `array`", id="array"),
        pytest.param(b"{}", "missing required field `inputs`", id="no inputs"),
        pytest.param(b"\xff", "JSON object", id="not UTF-8"),
        pytest.param(b'{"id": "\xff", "inputs": []}', "JSON object", id="id not UTF-8"),
        pytest.param(b'{"id": "\\ud800", "inputs": []}', "half of a surrogate", id="lone surrogate"),
        pytest.param(b"[" * 60_000, "JSON object", id="deep array"),
        pytest.param(b'{"x":' * 10_000, "nested too deeply", id="deep object"),
        pytest.param(request(tensor(data="@")).replace(b'"@"', b"[" * 30_000 + b"]" * 30_000), "deep", id="deep data"),
        pytest.param(request(tensor()) + b"x", "trailing", id="trailing text"),
        pytest.param(request(tensor(data=[float("nan")] * 4)), "malformed", id="NaN"),
        pytest.param(request(tensor(data=[float("inf")] * 4)), "malformed", id="Infinity"),
        pytest.param(request(tensor(data=[1e39] * 4)), "too large", id="no float32"),
        pytest.param(request(tensor(), id=7), "Expected `str | null`", id="id is a number"),
        pytest.param(request(), "expected one, measurements, found none", id="no input"),
        pytest.param(request(tensor(), tensor()), "found measurements, measurements", id="two inputs"),
        pytest.param(request(tensor(name="x")), "expected one, measurements, found x", id="another input"),
        pytest.param(request(tensor(datatype="FP64")), "expected datatype FP32, found FP64", id="another datatype"),
        pytest.param(request(tensor(shape=[4])), "expected shape [rows, 4], found [4]", id="one dimension"),
        pytest.param(request(tensor(shape=[1, 3])), "found [1, 3]", id="three columns"),
        pytest.param(request(tensor(shape=[1, 4, 1])), "found [1, 4, 1]", id="three dimensions"),
        pytest.param(request(tensor(shape=[0] * 10_000)), "...", id="many dimensions"),
        pytest.param(request(tensor(shape=[-1, 4])), "`int` >= 0", id="negative"),
        pytest.param(request(tensor(shape=[1.5, 4])), "Expected `int`", id="no integer"),
        pytest.param(request(tensor(shape=[2**64, 4])), f"found [{2**64}, 4]", id="beyond 64 bits"),
        pytest.param(request(tensor(shape=[10**4000, 4])), "...", id="4001 digits"),
        pytest.param(
            request(tensor(shape="@")).replace(b'"@"', b"[%b, 4]" % (b"9" * 9999)), "out of range", id="9999 digits"
        ),
        pytest.param(request(tensor(shape=[2, 4])), "expected 8 numbers", id="too few numbers"),
        pytest.param(request(tensor(shape=[0, 4])), "expected 0 numbers", id="too many numbers"),
        pytest.param(request(tensor(data=None)), "found neither", id="no data"),
        pytest.param(request(binary_tensor(data=ROW)), "found both", id="data twice"),
        pytest.param(request(binary_tensor()), "expected 32 bytes for shape [2, 4] after the JSON, found 0", id="none"),
        pytest.param(request(binary_tensor("32")), "Expected `int`", id="size is text"),
        pytest.param(request(tensor(), outputs=[{"name": "x"}]), "expected any of probabilities", id="another output"),
        pytest.param(request(tensor(), outputs=[{"name": "label"}] * 2), "each once", id="an output twice"),
        pytest.param(
            request(tensor(), outputs=[{"name": "label", "parameters": {"classification": 1}}]),
            "expected no classification",
            id="classification",
        ),
        pytest.param(
            request(tensor(), outputs=[{"name": "label", "parameters": {"shared_memory_region": "x"}}]),
            "expected no shared_memory_region",
            id="shared memory",
        ),
    ],
)
def test_a_request_that_is_wrong(service: Service, body: bytes, said: str) -> None:
    """A wrong request gets 400, which says what was expected and what was found."""
    assert_protocol_error(service.request("POST", INFER, body), 400, said)


@pytest.mark.parametrize(
    ("tail", "size", "shift", "said"),
    [
        pytest.param(TWO_ROWS, 31, 0, "binary_data_size: expected 32 bytes for shape [2, 4], found 31", id="size"),
        pytest.param(TWO_ROWS, -32, 0, "found -32", id="negative size"),
        pytest.param(TWO_ROWS, 2**64, 0, f"found {2**64}", id="size beyond 64 bits"),
        pytest.param(TWO_ROWS[1:], 32, 0, "after the JSON, found 31", id="cut"),
        pytest.param(TWO_ROWS + b"x", 32, 0, "after the JSON, found 33", id="trailing byte"),
        pytest.param(TWO_ROWS, 32, 33, "expected at most the body's", id="header beyond the body"),
        pytest.param(TWO_ROWS, 32, 32, "JSON object", id="all JSON"),
        pytest.param(TWO_ROWS, 32, -1, "JSON object", id="JSON cut"),
    ],
)
def test_binary_lengths_that_do_not_agree(service: Service, tail: bytes, size: int, shift: int, said: str) -> None:
    """Binary lengths that do not agree get 400, and the service guesses nothing."""
    head = request(binary_tensor(size))
    reply = service.request("POST", INFER, head + tail, {HEADER: str(len(head) + shift)})
    assert_protocol_error(reply, 400, said)


@pytest.mark.parametrize("length", ["", "-1", "+1", "1.0", "0x10", "1_0", "\xb2", "9" * 5000, " "])
def test_a_header_length_that_is_no_length(service: Service, length: str) -> None:
    """A header length that is not a number gets 400."""
    reply = service.request("POST", INFER, request(binary_tensor()) + TWO_ROWS, {HEADER: length})
    assert_protocol_error(reply, 400, HEADER)


def test_bytes_after_json_tensors(service: Service) -> None:
    """Bytes after JSON tensors get 400, because they belong to no tensor."""
    head = request(tensor())
    reply = service.request("POST", INFER, head + b"1234", {HEADER: str(len(head))})
    assert_protocol_error(reply, 400, "expected no bytes after the JSON")


@pytest.mark.parametrize(
    "fields",
    [
        {"parameters": {"priority": 1, "timeout": 5, "sequence_id": "x"}},
        {"outputs": []},
        {"model_name": "penguin", "x": {"y": [1]}},
        {"outputs": [{"name": "probabilities", "parameters": {"x": 1}}, {"name": "label"}]},
    ],
)
def test_what_the_protocol_lets_a_server_ignore(service: Service, fields: dict[str, Any]) -> None:
    """Unknown parameters and fields change nothing."""
    plain = service.request("POST", INFER, request(tensor()))
    reply = service.request("POST", INFER, request(tensor(parameters={"content_type": "np"}), **fields))
    assert (reply.status, reply.body) == (200, plain.body)


@pytest.fixture(scope="module")
def handler(bundle: Bundle) -> Callable[[dict[bytes, bytes], bytes], Answer]:
    serving = Serving()
    serving.swap(bundle)
    answer = inferrer(serving, max_rows=1000)

    def handle(headers: dict[bytes, bytes], body: bytes) -> Answer:
        with Claim(Memory(1 << 30)) as claim:
            return answer(headers, body, claim)

    return handle


JUNK = st.sampled_from(
    [*b'{}[],:"0-e\\', *map(bytes, (b"null", b"1e999", b"\xff", b"\\ud800", b"999999999999999999999", b"[[[["))]
).map(lambda piece: piece if isinstance(piece, bytes) else bytes([piece]))
MUTATIONS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), JUNK | st.binary(max_size=8)), max_size=4)
REQUESTS = st.sampled_from([request(binary_tensor(), outputs=[{"name": "margin"}]), request(tensor(), id="1")])


@given(REQUESTS, MUTATIONS, st.integers(-40, 40) | st.none())
def test_a_mutated_request_is_answered(
    handler: Callable[[dict[bytes, bytes], bytes], Answer],
    head: bytes,
    mutations: list[tuple[int, int, bytes]],
    shift: int | None,
) -> None:
    """A damaged request gets 200, 400 or 413 and never an exception; an error has the protocol's form."""
    body = head + (TWO_ROWS if b"binary_data_size" in head else b"")
    for position, removed, added in mutations:
        body = body[:position] + added + body[position + removed :]
    headers = {} if shift is None else {HEADER.lower().encode(): b"%d" % (len(head) + shift)}
    answer = handler(headers, body)
    assert answer.status in (200, 400, 413)
    if answer.status != 200:
        assert msgspec.json.decode(answer.body, type=ProtocolError).error
