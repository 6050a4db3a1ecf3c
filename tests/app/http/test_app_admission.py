"""Admission by token buckets: against an exact simulation, and through real sockets."""

import time
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http import admission
from app.http.admission import TokenBuckets, client_key
from tests.support.commands import EXAMPLE
from tests.support.inference import INFER, batch
from tests.support.requests import BIRD, DOORS, MODEL, asking
from tests.support.service import serving
from tests.support.wire import Wire, parse_all

steps = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab")), min_size=1, max_size=60)


@given(steps, st.sampled_from([1, 2, 4, 8]), st.integers(1, 5))
def test_buckets_let_in_what_a_bucket_of_tokens_would(arrivals: list[tuple[int, str]], rate: int, burst: int) -> None:
    """A bucket admits what an exact simulation admits: tokens as fractions, times in 1/16 s."""
    buckets = TokenBuckets(rate, burst)
    tokens: dict[str, tuple[Fraction, Fraction]] = {}
    now = Fraction(0)
    for sixteenths, client in arrivals:
        now += Fraction(sixteenths, 16)
        left, seen = tokens.get(client, (Fraction(burst), now))
        left = min(Fraction(burst), left + (now - seen) * rate)
        wait = buckets.wait(client, float(now))
        assert wait == max(Fraction(0), (1 - left) / rate)
        tokens[client] = (left - 1 if left >= 1 else left, now)


@given(st.floats(0, 1e8), st.floats(0.001, 1000), st.integers(1, 100))
def test_rounding_takes_no_token(now: float, rate: float, burst: int) -> None:
    """All tokens of a full bucket can be taken at one moment, whatever the rate and the clock."""
    buckets = TokenBuckets(rate, burst)
    assert [buckets.wait("a", now) for _ in range(burst)] == [0.0] * burst
    assert buckets.wait("a", now) > 0


def test_only_so_many_clients_are_remembered() -> None:
    """The client that is unseen for longest is forgotten, and then admitted."""
    buckets = TokenBuckets(0.001, 1)
    assert buckets.wait("first", 0) == 0
    for number in range(admission.CLIENTS - 1):
        assert buckets.wait(str(number), 0) == 0
    assert buckets.wait("first", 0) > 0
    buckets.wait("another", 0)
    assert buckets.wait("first", 0) == 0


def test_whose_bucket() -> None:
    """A client's key is the address that the outermost trusted proxy saw, not one that the client wrote."""
    forwarded = b"6.6.6.6, 1.2.3.4,10.0.0.1"
    assert client_key("10.0.0.2", forwarded, 0) == "10.0.0.2"
    assert client_key("10.0.0.2", forwarded, 1) == "10.0.0.1"
    assert client_key("10.0.0.2", forwarded, 2) == "1.2.3.4"
    assert client_key("10.0.0.2", b"", 2) == "10.0.0.2"
    assert client_key("2001:db8:0:1::2", b"", 0) == client_key("2001:db8:0:1:9::3", b"", 0)
    assert client_key("2001:db8:0:1::2", b"", 0) != client_key("2001:db8:0:2::2", b"", 0)
    assert client_key("10.0.0.2", b"not:an:address", 1) == "not:an:address"


def test_a_client_that_asks_too_much_is_told_429(bundle_path: Path) -> None:
    """A client over its rate gets 429 with Retry-After; health and other clients are answered."""
    for door in ("1", "0"):
        with serving(
            bundle_path, FAST_PATH=door, REQUESTS_PER_SECOND="0.1", BURST_REQUESTS="3", TRUSTED_PROXIES="1"
        ) as service:
            replies = [service.predict(EXAMPLE) for _ in range(4)]
            assert [reply.status for reply in replies] == [200, 200, 200, 429]
            assert 1 <= int(replies[-1].headers["retry-after"]) <= 10
            assert "try again in" in replies[-1].document["detail"]
            in_protocol = service.request("GET", "/v2")
            assert (in_protocol.status, list(in_protocol.document)) == (429, ["error"])
            assert service.request("GET", "/health/ready").status == 200
            assert service.request("GET", "/model", headers={"X-Forwarded-For": "1.2.3.4"}).status == 200


@DOORS
@pytest.mark.parametrize("path", ["/explain", "/predict", INFER])
def test_every_pipelined_request_costs_its_token(bundle_path: Path, door: str, path: str) -> None:
    """Every request of one write costs a token, and the last refusal says when to try again."""
    with (
        serving(bundle_path, FAST_PATH=door, REQUESTS_PER_SECOND="0.01", BURST_REQUESTS="7") as service,
        Wire(service.port) as wire,
    ):
        wire.send(asking(path) * 64)
        wire.finish()
        answers, left = parse_all(wire.read_all())
    assert not left
    statuses = [answer.status for answer in answers]
    assert statuses[:7] == [400 if path == INFER else 200] * 7
    assert set(statuses[7:]) == {429}
    assert answers[-1].values("retry-after")


@DOORS
def test_what_follows_a_refusal_on_its_connection_is_answered_for_itself(bundle_path: Path, door: str) -> None:
    """A request after a refusal gets its own answer: nothing of the refused request is left."""
    with (
        serving(bundle_path, FAST_PATH=door, REQUESTS_PER_SECOND="2", BURST_REQUESTS="1") as service,
        Wire(service.port) as wire,
    ):
        statuses: list[int] = []
        until = time.monotonic() + 60
        for request, key in cycle(((asking("/predict"), "species"), (MODEL, "training"))):
            if set(statuses) == {200, 429} and len(statuses) >= 30:
                break
            assert time.monotonic() < until
            wire.send(request)
            answer = wire.response()
            statuses.append(answer.status)
            assert answer.status in (200, 429)
            assert answer.status == 429 or key in answer.document
            time.sleep(0.05)


@DOORS
def test_a_refusal_instead_of_100_ends_the_connection(bundle_path: Path, door: str) -> None:
    """A refusal instead of 100 ends the connection, because the body may still arrive."""
    with (
        serving(bundle_path, FAST_PATH=door, REQUESTS_PER_SECOND="0.01", BURST_REQUESTS="1") as service,
        Wire(service.port) as wire,
    ):
        wire.send(asking("/predict"))
        assert wire.response().status == 200
        wire.send(asking("/predict", head=b"Expect: 100-continue\r\n").removesuffix(BIRD))
        answer = wire.response()
        assert (answer.status, answer.closes) == (429, True)
        assert wire.response_or_end() is None


@DOORS
def test_a_large_batch_that_is_turned_away_is_told_why(bundle_path: Path, door: str) -> None:
    """A refused batch of any size gets 429 in the protocol's form, and the connection goes on."""
    body, named = batch(20_000)
    head = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in named.items())
    with (
        serving(bundle_path, FAST_PATH=door, REQUESTS_PER_SECOND="0.01", BURST_REQUESTS="1") as service,
        Wire(service.port) as wire,
    ):
        for status in (200, 429, 429):
            wire.send(asking(INFER, body, head))
            answer = wire.response()
            assert answer.status == status
        assert list(answer.document) == ["error"]
        assert answer.values("retry-after")


def test_a_port_and_a_mapped_address_are_no_other_client() -> None:
    """A port or IPv4 in IPv6 does not make another client."""
    assert client_key("10.0.0.2", b"1.2.3.4:4711", 1) == client_key("10.0.0.2", b"1.2.3.4:4712", 1) == "1.2.3.4"
    assert client_key("10.0.0.2", b"[2001:db8::1]:4711", 1) == client_key("2001:db8::1", b"", 0)
    assert client_key("::ffff:1.2.3.4", b"", 0) == "1.2.3.4" != client_key("::ffff:1.2.3.5", b"", 0)
    assert client_key("10.0.0.2", b"[2001:db8::1", 1) == client_key("2001:db8::1", b"", 0)
    assert client_key("10.0.0.2", b"host:port", 1) == "host:port"
