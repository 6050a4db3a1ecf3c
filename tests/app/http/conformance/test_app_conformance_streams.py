"""Streams of requests, however they are split or damaged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.http.conformance.case import ADELIE
from tests.app.http.conformance.doors import OURS, Door
from tests.app.http.conformance.messages import (
    BIRD,
    CHUNKED,
    IN_CHUNKS,
    INFER,
    LIVE,
    MODEL,
    OPENAPI,
    PREDICT,
    chunks,
    cut,
    get,
    in_chunks,
    post,
)
from tests.support.wire import Wire, parse_all


@pytest.mark.parametrize("door", OURS, indirect=True)
@pytest.mark.parametrize("request_", [PREDICT, IN_CHUNKS, INFER], ids=["predict", "chunks", "infer"])
def test_cut_in_two_anywhere(door: Door, request_: bytes) -> None:
    """The server answers a request that is cut in two at any position (9112 §2.2)."""
    with Wire(door.port) as wire:
        for position in range(1, len(request_)):
            wire.send(*cut(request_, position))
            assert wire.response().status == 200, position


birds_in_chunks = st.sets(st.integers(1, len(BIRD) - 1), max_size=4).map(
    lambda positions: in_chunks(chunks(*cut(BIRD, *sorted(positions))))
)
birds_in_space = st.integers(0, 3_000).map(lambda width: post(body=BIRD + b" " * width))
valid_requests = st.one_of(
    st.sampled_from([LIVE, MODEL, OPENAPI, PREDICT, INFER]),
    st.sampled_from([post(body=b"{}"), get(b"/nope"), get(b"/predict"), get(b"/model", CHUNKED) + chunks(LIVE)]),
    st.sampled_from([get(method=b"HEAD"), get(b"/openapi.json", method=b"HEAD"), get(b"/predict", method=b"HEAD")]),
    st.sampled_from([get(b"http://penguins.example/model"), get(b"/model", b"Connection: Upgrade", b"Upgrade: h2c")]),
    birds_in_chunks,
    birds_in_space,
)


@pytest.mark.parametrize("door", OURS, indirect=True)
@settings(max_examples=200)
@given(requests=st.lists(valid_requests, min_size=1, max_size=8), positions=st.sets(st.integers(1, 9_999), max_size=16))
def test_a_stream_of_requests(door: Door, requests: list[bytes], positions: set[int]) -> None:
    """A stream that is cut anywhere gets the answers that its requests get one by one on their own connections."""
    stream = b"".join(requests)
    with Wire(door.port) as wire:
        wire.send(*cut(stream, *sorted(position for position in positions if position < len(stream))))
        answers = [wire.response(head=request.startswith(b"HEAD")) for request in requests]
        assert wire.unread == b""
    assert [(answer.status, answer.body) for answer in answers] == [
        (answer.status, answer.body) for answer in map(door.ask, requests)
    ]


SPOILABLE = [LIVE, MODEL, PREDICT, INFER, IN_CHUNKS, post(b"Connection: keep-alive, Upgrade", b"Upgrade: h2c")]
mutations = st.tuples(
    st.sampled_from([0, 0, 1, 3]),  # bytes that go
    st.integers(0, 500),  # where
    st.one_of(
        st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"\0", b" ", b":", b",", b"0", b"f"]), st.binary(max_size=3)
    ),
)


@pytest.mark.parametrize("door", OURS, indirect=True)
@settings(max_examples=300)
@given(
    requests=st.lists(st.sampled_from(SPOILABLE), min_size=1, max_size=3),
    changes=st.lists(mutations, min_size=1, max_size=4),
)
def test_a_spoilt_stream(door: Door, requests: list[bytes], changes: list[tuple[int, int, bytes]]) -> None:
    """A damaged stream gets whole answers without a server error and ends in time, and another client is served."""
    stream = b"".join(requests)
    for width, start, new in changes:
        at = start % len(stream)
        stream = stream[:at] + new + stream[at + width :]
    before = len(door.said())
    with Wire(door.port, seconds=3) as wire:
        wire.send(stream)
        wire.finish()
        answers, rest = parse_all(wire.read_all())
    assert (rest, wire.reset) == (b"", False)
    assert all(answer.status < 500 or answer.status in (501, 505) for answer in answers)
    assert ADELIE.body in door.ask(PREDICT).body
    assert "Traceback" not in door.said()[before:], door.said()[before:]
