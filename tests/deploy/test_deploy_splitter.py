"""What a splitter and a golden row are asked before the canary believes them."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from contract.refusal import Refusal
from deploy.canary.golden import GoldenCheck
from deploy.canary.scrape import MetricsPage, Prometheus
from deploy.splitter import send_and_see, share_of
from tests.support.fakes import Handler, running
from tests.support.releases import Release


class Shares:
    """A splitter that takes no orders."""

    name = "here"

    def __init__(self, **shares: float) -> None:
        self._shares = shares

    def shares(self) -> dict[str, float]:
        return self._shares

    def send(self, old: str, new: str, share: int) -> None:
        pass


def test_a_canary_is_of_two() -> None:
    """A canary needs two different revisions that exist, and no third one with requests."""
    assert share_of(Shares(a=95, b=5, c=0), "a", "b") == 5
    for shares, pair, expected in (
        (Shares(a=100), ("a", "a"), "found a twice"),
        (Shares(a=100), ("a", "b"), "has no revision b; there are: a"),
        (Shares(a=90, b=5, c=5), ("a", "b"), "also sends requests to c"),
    ):
        with pytest.raises(Refusal, match=expected):
            share_of(shares, *pair)


def test_a_share_is_read_back() -> None:
    """A share that the splitter did not take is an error."""
    send_and_see(Shares(a=95, b=5), "a", "b", 5)
    with pytest.raises(Refusal, match="was told to send 25 % to b and sends 5 %"):
        send_and_see(Shares(a=95, b=5), "a", "b", 25)


@contextmanager
def answering(status: int, version: str, body: bytes) -> Iterator[str]:
    """Run a server that has one answer. Yields its address."""

    class Fixed(Handler):
        def respond(self, _: bytes) -> None:
            self.answer(status, {"model-version": version}, body)

    with running(Fixed) as port:
        yield f"http://127.0.0.1:{port}"


def outputs(margins: tuple[float, ...], label: int) -> bytes:
    return msgspec.json.encode({"outputs": [{"name": "margin", "data": margins}, {"name": "label", "data": [label]}]})


def test_the_golden_row_is_right_to_the_bit(old: Release) -> None:
    """A golden answer with one other bit, label, bundle or status is refused."""
    golden = old.golden
    right = outputs(golden.margins, golden.label)
    near = (golden.margins[0] * (1 + 2**-23), *golden.margins[1:])
    cases = [
        (200, old.digest, right, None),
        (200, old.digest, outputs(near, golden.label), "the golden row's margins are"),
        (200, old.digest, outputs(golden.margins, golden.label + 1), "the golden row's margins are"),
        (200, "", right, "it serves bundle (unnamed), expected"),
        (500, old.digest, right, "the golden row was answered 500"),
        (503, old.digest, b"no model", "the golden row was answered 503: no model"),
        (200, old.digest, b"[", "its answer to the golden row is not one"),
    ]
    for status, version, body, expected in cases:
        with answering(status, version, body) as url:
            mistake = GoldenCheck(url, old.directory).mistake()
        assert (mistake or "").startswith(expected or "")
        assert (mistake is None) == (expected is None)


def test_figures_that_are_none_are_told() -> None:
    """A page that is no page of metrics is refused."""
    with answering(200, "", b"<html>") as url:
        with pytest.raises(Refusal, match="not a page of metrics"):
            MetricsPage(url).read()
        with pytest.raises(Refusal, match="not a Prometheus server's answer"):
            Prometheus(url, "one").read()
    with answering(403, "", b"") as url, pytest.raises(Refusal, match="answered 403"):
        Prometheus(url, "one", lambda: "token").read()
    with pytest.raises(Refusal, match="cannot read metrics"):
        MetricsPage(url).read()
