"""More work than the service can do: refused at once, with the rest answered, and no harm left behind."""

import time
from pathlib import Path

import pytest

from benchmarks.overload import FACTOR, Outcome, batch_request, blow
from benchmarks.wire.processes import family
from tests.app.test_app_bounds import LIVE
from tests.commands import EXAMPLE
from tests.service import Service, serving
from tests.wire import Wire

RECOVERY_SECONDS = 5
LEAST = 0.4  # of the peak; on an undisturbed machine it is over 0.9, see docs/overload.md


def resident_mb(service: Service) -> float:
    """Of the service's process."""
    statuses = [Path(f"/proc/{process}/status").read_text() for process in family(service.process.pid)]
    return sum(int(status.partition("VmRSS:")[2].split()[0]) for status in statuses) / 1024


@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_ten_times_more_than_it_can_do(bundle_path: Path, door: str) -> None:
    """A storm is answered 200 or 503, at nearly the rate of the peak; memory stays; then all is as before."""
    with serving(bundle_path, FAST_PATH=door) as service:
        peak = blow(service.port, 8, float("inf"), 1)
        before = resident_mb(service)
        storm: Outcome = blow(service.port, 200, FACTOR * peak.accepted_rate, 2)
        assert storm.failed == 0
        assert storm.refused > 0
        assert storm.accepted_rate > LEAST * peak.accepted_rate
        assert resident_mb(service) - before < 64
        assert service.predict(EXAMPLE).document["prediction"] == 2
        begun = time.monotonic()
        while (after := blow(service.port, 2, peak.accepted_rate / 20, 0.5)).refused:
            assert time.monotonic() - begun < RECOVERY_SECONDS
        assert (after.failed, after.given_up) == (0, 0)


def test_who_does_not_wait_as_told_is_made_to(bundle_path: Path) -> None:
    """With one place for work that waits, the second is refused with Retry-After and then not heard for a while."""
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
