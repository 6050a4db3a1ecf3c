"""What a splitter and a golden row are asked before the canary believes them."""

import pytest

from contract.refusal import Refusal
from deploy.canary.scrape import MetricsPage, Prometheus
from deploy.splitter import send_and_see, serving, share_of
from tests.deploy.answering import answering


class Shares:
    """A splitter that takes no orders."""

    name = "here"

    def __init__(self, **shares: float) -> None:
        self._shares = shares

    def shares(self) -> dict[str, float]:
        return self._shares

    def send(self, old: str, new: str, share: int) -> None:
        pass

    def back(self, old: str, new: str) -> None:
        pass

    def rolled_back(self) -> str | None:
        return None


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


def test_what_serves_is_what_is_not_new() -> None:
    """The other revision serves, also at 50/50 and after a rollback; a new one with everything replaces nothing."""
    for old, new, expected in ((100, 0, "a"), (50, 50, "a"), (1, 99, "a"), (0, 100, None)):
        assert serving(Shares(a=old, b=new, c=0), "b") == expected
    assert serving(Shares(a=100), "b") == "a"  # b is not there yet
    with pytest.raises(Refusal, match="sends requests to a, c; name the revision that b replaces"):
        serving(Shares(a=60, b=20, c=20), "b")


def test_a_share_is_read_back() -> None:
    """A share that the splitter did not take is an error."""
    send_and_see(Shares(a=95, b=5), "a", "b", 5)
    with pytest.raises(Refusal, match="was told to send 25 % to b and sends 5 %"):
        send_and_see(Shares(a=95, b=5), "a", "b", 25)


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
