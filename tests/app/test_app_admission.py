"""Who is let in: token buckets against a plain simulation, and refusals through real sockets."""

from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app import admission
from app.admission import TokenBuckets, client_key
from tests.commands import EXAMPLE
from tests.service import serving

steps = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab")), min_size=1, max_size=60)


@given(steps, st.sampled_from([1, 2, 4, 8]), st.integers(1, 5))
def test_buckets_let_in_what_a_bucket_of_tokens_would(arrivals: list[tuple[int, str]], rate: int, burst: int) -> None:
    """The oracle keeps tokens as fractions; times are multiples of 1/16 s, exact as floats."""
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


def test_only_so_many_clients_are_remembered() -> None:
    """The one longest unseen is forgotten, which lets it in."""
    buckets = TokenBuckets(0.001, 1)
    assert buckets.wait("first", 0) == 0
    for number in range(admission.CLIENTS - 1):
        assert buckets.wait(str(number), 0) == 0
    assert buckets.wait("first", 0) > 0
    buckets.wait("another", 0)
    assert buckets.wait("first", 0) == 0


def test_whose_bucket() -> None:
    """The address that the outermost trusted proxy saw: what a client writes itself stands further left."""
    forwarded = b"6.6.6.6, 1.2.3.4,10.0.0.1"
    assert client_key("10.0.0.2", forwarded, 0) == "10.0.0.2"
    assert client_key("10.0.0.2", forwarded, 1) == "10.0.0.1"
    assert client_key("10.0.0.2", forwarded, 2) == "1.2.3.4"
    assert client_key("10.0.0.2", b"", 2) == "10.0.0.2"
    assert client_key("2001:db8:0:1::2", b"", 0) == client_key("2001:db8:0:1:9::3", b"", 0)
    assert client_key("2001:db8:0:1::2", b"", 0) != client_key("2001:db8:0:2::2", b"", 0)
    assert client_key("10.0.0.2", b"not:an:address", 1) == "not:an:address"


def test_a_client_that_asks_too_much_is_told_429(bundle_path: Path) -> None:
    """With when to come again; at both doors; health is answered; another client is not concerned."""
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
