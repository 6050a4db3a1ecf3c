"""A second model in the same process: what it is asked, what it costs nobody."""

import asyncio
import struct
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.bundle import Bundle, load_bundle
from app.challenger import MOST_ROWS, PAUSE_SECONDS, ChallengerAnswer, Comparison
from app.library import Batch
from app.outcomes import Event, Outcomes
from tests.app.releases import Release, Shop, said, until_ready
from tests.commands import EXAMPLE
from tests.service import Service, serving

ROW = (39.1, 18.7, 181.0, 3750.0)
INFER = "/v2/models/penguin/infer"


def compared(service: Service, rows: int) -> ChallengerAnswer:
    """The summary, once it is of so many rows."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        reply = service.request("GET", "/challenger")
        assert reply.status == 200
        answer = msgspec.json.decode(reply.body, type=ChallengerAnswer)
        if answer.compared + answer.failed >= rows:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{rows} rows were not compared: {answer}")


def tensor(rows: int) -> bytes:
    data = list(ROW) * rows
    return msgspec.json.encode(
        {"inputs": [{"name": "measurements", "datatype": "FP32", "shape": [rows, 4], "data": data}]}
    )


@pytest.fixture
def both(shop: Shop, first: Release, second: Release) -> dict[str, str]:
    """The environment of a service of the first model, whose challenger is the second."""
    shop.publish(second)
    shop.promote(second, channel="canary")
    shop.release(first)
    return shop.environment(CHALLENGER_URI=f"{shop.place}#canary")


@pytest.mark.parametrize("door", ["1", "0"])
def test_every_prediction_is_compared(
    shop: Shop, both: dict[str, str], first: Release, second: Release, door: str
) -> None:
    """Of both doors, and of batches; the counts and the distance are those of the two models' own answers."""
    mine, other = (load_bundle(release.directory).library.predict(ROW) for release in (first, second))
    distance = max(abs(mine[1][name] - other[1][name]) for name in mine[1])
    with serving(shop.stable, ("app",), **both, FAST_PATH=door) as service:
        until_ready(service)
        while msgspec.json.decode(service.request("GET", "/challenger").body)["version"] is None:
            time.sleep(0.01)
        answers = {service.predict(EXAMPLE).body for _ in range(7)}
        assert service.request("POST", INFER, tensor(5)).status == 200
        found = compared(service, 12)
    assert len(answers) == 1
    assert (found.champion, found.version) == (first.digest, second.digest)
    assert (found.compared, found.failed, found.dropped) == (12, 0, 0)
    assert found.agreed == (12 if mine[0] == other[0] else 0)
    assert found.largest_distance == pytest.approx(distance, rel=1e-6)
    assert found.mean_distance == pytest.approx(distance, rel=1e-6)
    assert found.microseconds_per_row is not None


def test_there_is_none(service: Service) -> None:
    """404, with what to set."""
    reply = service.request("GET", "/challenger")
    assert reply.status == 404
    assert "CHALLENGER_URI" in reply.document["detail"]


def test_one_that_cannot_be_had_is_no_matter(shop: Shop, first: Release, bad: Release) -> None:
    """Missing, or with another golden answer: it is said, and predictions go on."""
    shop.release(first)
    environment = shop.environment(CHALLENGER_URI=f"{shop.place}#canary")
    with serving(shop.stable, ("app",), **environment) as service:
        until_ready(service)
        assert "fetch refused (missing)" in said(service, "challenger: ")
        shop.publish(bad)
        shop.promote(bad, channel="canary")
        assert "load refused (model)" in said(service, "challenger: load")
        said(service, "next attempt")
        state = service.request("GET", "/challenger").document
        assert state["version"] is None
        assert "where XGBoost answered" in state["state"]
        reply = service.predict(EXAMPLE)
        assert (reply.status, reply.headers["model-version"]) == (200, first.digest)


class Raises:
    """A model that fails."""

    measurements, outputs = 4, 3

    def predict_rows(self, data: bytes, offset: int, rows: int) -> Batch:
        raise MemoryError(f"{len(data)}, {offset}, {rows}")


def run(comparison: Comparison, work: Any) -> ChallengerAnswer:
    """The summary after the work and one comparison."""

    async def main() -> None:
        work()
        await asyncio.sleep(2 * PAUSE_SECONDS)

    asyncio.run(main())
    return comparison.summary()


def test_one_that_raises_is_counted() -> None:
    """And asked again."""
    outcomes = Outcomes()
    comparison = Comparison(Raises(), "x", None, outcomes)
    shares = {"a": 0.5, "b": 0.5, "c": 0.0}
    assert run(comparison, lambda: comparison.offer(ROW, 0, shares)).failed == 1
    assert run(comparison, lambda: comparison.offer(ROW, 0, shares)).failed == 2
    assert outcomes.all()[Event("challenger", "compare", "error")].count == 2
    assert comparison.summary().compared == 0


def test_what_comes_too_fast_is_dropped(bundle: Bundle) -> None:
    """And counted; what waits is bounded, and more is taken afterwards."""
    comparison = Comparison(bundle.library, "x", None, Outcomes())
    label, shares, *_ = bundle.library.predict(ROW)

    def flood() -> None:
        for _ in range(MOST_ROWS + 10):
            comparison.offer(ROW, label, shares)

    found = run(comparison, flood)
    assert (found.compared, found.agreed, found.dropped) == (MOST_ROWS, MOST_ROWS, 10)
    assert found.largest_distance == 0
    assert run(comparison, lambda: comparison.offer(ROW, label, shares)).compared == MOST_ROWS + 1


def test_a_large_batch_gives_its_first_rows(bundle: Bundle) -> None:
    """Off the event loop none: there is nobody to ask later."""
    data = struct.pack("=4f", *ROW) * 1000
    batch = bundle.library.predict_rows(data, 0, 1000)
    comparison = Comparison(bundle.library, "x", None, Outcomes())
    found = run(comparison, lambda: comparison.offer_rows(data, 0, 1000, batch))
    assert (found.compared, found.agreed, found.dropped) == (MOST_ROWS, MOST_ROWS, 1000 - MOST_ROWS)
    comparison.offer_rows(data, 0, 1000, batch)
    comparison.offer(ROW, 0, {"a": 1.0, "b": 0.0, "c": 0.0})
    assert comparison.summary().dropped == 2000 - MOST_ROWS + 1
    assert comparison.summary().compared == MOST_ROWS


def test_a_challenger_needs_a_signature_too(shop: Shop, both: dict[str, str], bundle_path: Path) -> None:
    """An unsigned directory is refused, and what is served is not touched."""
    with serving(shop.stable, ("app",), **{**both, "CHALLENGER_URI": str(bundle_path)}) as service:
        assert "no signature by a trusted key" in service.request("GET", "/challenger").document["state"]
        until_ready(service)
        assert service.predict(EXAMPLE).status == 200
