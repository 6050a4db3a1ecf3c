"""Counters as Managed Service for Prometheus gives them, and what is asked of it."""

import time

import pytest

from contract.refusal import Refusal
from deploy.canary.front import CloudRunFront, FrontFigures
from deploy.canary.scrape import READ, Prometheus, read_counters
from tests.deploy.answering import answering
from tests.deploy.gcloud import PROJECT
from tests.deploy.managed_prometheus import Sample, managed_prometheus, refusal

WHERE = f"/v1/projects/{PROJECT}/location/global/prometheus"


def token() -> str:
    return "token"


@pytest.mark.parametrize(
    "expression",
    [
        '{__name__=~"a|b",revision_name="one"}',
        '{revision_name="one"}',
        'sum(rate({job="p"}[5m]))',
        'sum_over_time({__name__!="a"}[5m])',
        "limitk(1, up)",
        'run_googleapis_com:request_count{revision_name="one"}',
    ],
)
def test_the_fake_refuses_what_google_refuses(expression: str) -> None:
    """Names by a pattern, no name, newer functions and a metric of several resources are refused."""
    assert refusal(expression)


def test_every_name_is_asked_for_exactly() -> None:
    """Each metric is a query of its own, all of one moment."""
    asked: list[str] = []
    with managed_prometheus(lambda _, at: [({"at": at}, 1.0)], asked) as server:
        found = Prometheus(server + WHERE, "penguins-one", token).read()
    assert asked == [f'{name}{{revision_name="penguins-one"}}' for name in READ]
    assert {series.name for series in found} == set(READ)
    assert len({series.labels for series in found}) == 1


def test_a_refusal_says_why() -> None:
    """What an error's body says is shown in one line, whether Prometheus, Google or somebody else wrote it."""
    with managed_prometheus(lambda *_: []) as server:
        with pytest.raises(Refusal, match="answered 400: invalid parameter 'query': only exact matching on metric"):
            Prometheus(server + WHERE, "one", token).query('{__name__=~"a"}')
        with pytest.raises(Refusal, match="answered 401: Request had invalid authentication credentials"):
            Prometheus(server + WHERE, "one").read()
        with pytest.raises(Refusal, match="answered 404: Requested entity was not found"):
            Prometheus(server, "one", token).read()
    with answering(403, "", b"<p>not\nyou</p>" + b"x" * 9999) as url, pytest.raises(Refusal) as refused:
        Prometheus(url, "one").read()
    assert "answered 403: <p>not you</p>xxx" in str(refused.value)
    assert len(str(refused.value)) < 600
    assert "\n" not in str(refused.value)


def test_a_number_that_is_none_is_left_out() -> None:
    """NaN and infinity, of a page or of a server, are no samples."""
    page = 'penguins_predictions_total{species="a"} NaN\npenguins_predictions_total{species="b"} 2\n'
    assert list(read_counters(page, "here").values()) == [2]
    values: list[Sample] = [({"a": "1"}, float("nan")), ({"a": "2"}, float("inf")), ({"a": "3"}, 4.0)]
    with managed_prometheus(lambda *_: values) as server:
        assert Prometheus(server + WHERE, "one", token).query("up") == [({"a": "3"}, 4.0)]


def cloud_run(expression: str, _: str) -> list[Sample]:
    """Answer as Cloud Run's metrics, with estimated increases."""
    if ":request_count" in expression:
        return [({"response_code_class": "2xx"}, 941.6), ({"response_code_class": "5xx"}, 70.2)]
    return [({"le": "+Inf"}, 1011.8), ({"le": "4"}, 900.4), ({"le": "16"}, 899.9)]


def test_the_front_end_of_cloud_run() -> None:
    """Requests, 5xx and durations of a revision are read since a moment, in whole requests and seconds."""
    asked: list[str] = []
    now = time.time()
    with managed_prometheus(cloud_run, asked) as server:
        front = CloudRunFront(Prometheus(server + WHERE, "ignored", token), "penguins-two", lambda: now)
        found = front.read(now - 600)
    assert found == FrontFigures(1012, 70, (0.004, 0.016, float("inf")), (900, 900, 1012))
    assert all('monitored_resource="cloud_run_revision",revision_name="penguins-two"}[600s]' in each for each in asked)
