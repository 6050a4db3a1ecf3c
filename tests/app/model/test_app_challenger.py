"""A challenger in the same process: what it is asked, and that it delays no answer."""

import asyncio
import struct
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from app.model.challenger import Challenger
from app.model.comparison import MAX_ROWS, PAUSE_SECONDS, Comparison, ComparisonReport
from app.model.outcomes import Event, Outcomes
from app.model.serving import Serving
from binding.library import Batch
from contract.reading import PENGUINS, read_contract
from score.bundle import Bundle, load_bundle
from tests.support.commands import EXAMPLE
from tests.support.releases import Release, Shop, said, until_ready
from tests.support.service import Service, serving

ROW = (39.1, 18.7, 181.0, 3750.0)
INFER = "/v2/models/penguin/infer"
PENGUIN = read_contract(PENGUINS)


def compared(service: Service, rows: int) -> ComparisonReport:
    """Return the report once this many rows were compared."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        reply = service.request("GET", "/challenger")
        assert reply.status == 200
        answer = msgspec.json.decode(reply.body, type=ComparisonReport)
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
    """Return the environment of a service with the first model and the second as its challenger."""
    shop.publish(second)
    shop.promote(second, channel="canary")
    shop.release(first)
    return shop.environment(CHALLENGER_URI=f"{shop.place}#canary")


@pytest.mark.parametrize("door", ["1", "0"])
def test_every_prediction_is_compared(
    shop: Shop, both: dict[str, str], first: Release, second: Release, door: str
) -> None:
    """The challenger gets every prediction of both doors and batches, and the report is right."""
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
    """GET /challenger gets 404, which names the setting, if there is no challenger."""
    reply = service.request("GET", "/challenger")
    assert reply.status == 404
    assert "CHALLENGER_URI" in reply.document["detail"]


def test_one_that_cannot_be_had_is_no_matter(shop: Shop, first: Release, bad: Release) -> None:
    """A missing or wrong challenger is logged, and predictions go on."""
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

    inputs, values = 4, 3

    def predict_rows(self, data: bytes, offset: int, rows: int) -> Batch:
        raise MemoryError(f"{len(data)}, {offset}, {rows}")


def run(comparison: Comparison, work: Callable[[], object], rows: int) -> ComparisonReport:
    """Do the work on an event loop, and return the report once so many rows were compared or failed."""

    async def main() -> None:
        work()
        await until_compared(comparison.summary, rows)

    asyncio.run(main())
    return comparison.summary()


async def until_compared(summary: Callable[[], ComparisonReport], rows: int) -> None:
    """Return once so many rows were compared or failed. The timeout only bounds a hang."""
    async with asyncio.timeout(60):
        while (found := summary()).compared + found.failed < rows:
            await asyncio.sleep(PAUSE_SECONDS / 10)


def test_one_that_raises_is_counted() -> None:
    """A challenger that raises is counted, and asked again."""
    outcomes = Outcomes()
    comparison = Comparison(Raises(), PENGUIN, "x", None, outcomes)
    shares = {"a": 0.5, "b": 0.5, "c": 0.0}
    assert run(comparison, lambda: comparison.offer(ROW, 0, shares), 1).failed == 1
    assert run(comparison, lambda: comparison.offer(ROW, 0, shares), 2).failed == 2
    assert outcomes.all()[Event("challenger", "compare", "error")].count == 2
    assert comparison.summary().compared == 0


def test_what_comes_too_fast_is_dropped(bundle: Bundle) -> None:
    """Rows over the limit are dropped and counted, and later rows are compared."""
    comparison = Comparison(bundle.library, bundle.contract, "x", None, Outcomes())
    label, shares, *_ = bundle.library.predict(ROW)

    def flood() -> None:
        for _ in range(MAX_ROWS + 10):
            comparison.offer(ROW, label, shares)

    found = run(comparison, flood, MAX_ROWS)
    assert (found.compared, found.agreed, found.dropped) == (MAX_ROWS, MAX_ROWS, 10)
    assert found.largest_distance == 0
    assert run(comparison, lambda: comparison.offer(ROW, label, shares), MAX_ROWS + 1).compared == MAX_ROWS + 1


def test_a_large_batch_gives_its_first_rows(bundle: Bundle) -> None:
    """A large batch offers its first rows on the event loop, and none in a thread."""
    data = struct.pack("=4f", *ROW) * 1000
    batch = bundle.library.predict_rows(data, 0, 1000)
    comparison = Comparison(bundle.library, bundle.contract, "x", None, Outcomes())
    found = run(comparison, lambda: comparison.offer_rows(data, 0, 1000, batch), MAX_ROWS)
    assert (found.compared, found.agreed, found.dropped) == (MAX_ROWS, MAX_ROWS, 1000 - MAX_ROWS)
    comparison.offer_rows(data, 0, 1000, batch)
    comparison.offer(ROW, 0, {"a": 1.0, "b": 0.0, "c": 0.0})
    assert comparison.summary().dropped == 2000 - MAX_ROWS + 1
    assert comparison.summary().compared == MAX_ROWS


def test_a_challenger_needs_a_signature_too(shop: Shop, both: dict[str, str], bundle_path: Path) -> None:
    """An unsigned challenger is refused, and the served model goes on."""
    with serving(shop.stable, ("app",), **{**both, "CHALLENGER_URI": str(bundle_path)}) as service:
        assert "no signature by a trusted key" in service.request("GET", "/challenger").document["state"]
        until_ready(service)
        assert service.predict(EXAMPLE).status == 200


def test_what_an_old_model_answers_is_compared_with_no_new_one(bundle: Bundle) -> None:
    """An answer of the old model is not compared as one of the new model."""
    served = Serving()
    challenger = Challenger(served, Outcomes())
    challenger.swap(bundle)
    served.swap(bundle)
    old = served.served
    assert old is not None
    assert bundle.drift_baseline is not None
    assert old.drift_baseline is bundle.drift_baseline
    served.swap(msgspec.structs.replace(bundle, version="another", training=None))
    new = served.served
    assert new is not None
    assert new.drift_baseline is None
    assert challenger.summary().champion == "another"
    assert old.offers.row is not None
    assert new.offers.row is not None
    assert old.offers.row != new.offers.row
    label, shares = bundle.library.predict(ROW)[:2]

    async def offer(*offers: Callable[..., object]) -> None:
        for each in offers:
            each(ROW, label, shares)
        await until_compared(challenger.summary, 1)

    asyncio.run(offer(old.offers.row, new.offers.row))
    assert challenger.summary().compared == 1
