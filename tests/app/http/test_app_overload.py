"""Overload: work that is too much is refused at once, and the rest is answered."""

import time
from pathlib import Path

import pytest

from benchmarks.overload import batch_request, calm, peak, storm
from benchmarks.wire.processes import family
from tests.support.commands import EXAMPLE
from tests.support.requests import LIVE
from tests.support.service import Service, serving
from tests.support.wire import Wire

RECOVERY_SECONDS = 60  # bound a hang; how soon it is on an undisturbed machine: docs/overload.md


def resident_mb(service: Service) -> float:
    """Return the resident memory of the service's processes."""
    statuses = [Path(f"/proc/{process}/status").read_text() for process in family(service.process.pid)]
    return sum(int(status.partition("VmRSS:")[2].split()[0]) for status in statuses) / 1024


@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_ten_times_more_than_it_can_do(bundle_path: Path, door: str) -> None:
    """A storm gets 200 or 503 and takes bounded memory; afterwards all is as before."""
    with serving(bundle_path, FAST_PATH=door) as service:
        highest = peak(service.port, 1, connections=8)
        before = resident_mb(service)
        flood = storm(service.port, highest.achieved, 2, connections=200)
        assert set(flood.statuses) == {200, 503}
        assert flood.wrong == flood.statuses[503]
        assert resident_mb(service) - before < 64
        assert service.predict(EXAMPLE).document["prediction"] == 2
        begun = time.monotonic()
        while (after := calm(service.port, highest.achieved / 4)).wrong:
            assert set(after.statuses) <= {200, 503}
            assert time.monotonic() - begun < RECOVERY_SECONDS


def test_who_does_not_wait_as_told_is_made_to(bundle_path: Path) -> None:
    """A client that does not wait after 503 is not read for a while."""
    with serving(bundle_path, MAX_IN_FLIGHT="1", MAX_BATCH_ROWS="200000") as service:
        large = batch_request(100_000)
        with Wire(service.port, seconds=30) as busy, Wire(service.port) as second, Wire(service.port) as health:
            busy.send(large[:-10])
            while True:  # until the first is being read, it would itself be refused
                second.send(batch_request(1))
                refused = second.response()
                if refused.status == 503:
                    break
            assert refused.values("retry-after") == ["1"]
            assert list(refused.document) == ["error"]
            assert not refused.closes
            health.send(LIVE)
            assert health.response().status == 200
            busy.send(large[-10:])
            assert busy.response().status == 200
            second.send(batch_request(1))
            assert second.response().status == 200
