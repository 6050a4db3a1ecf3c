"""A process that is killed in the middle of a swap."""

import time
from pathlib import Path

import msgspec
import pytest

from tests.support.commands import EXAMPLE
from tests.support.processes import KILLED
from tests.support.releases import (
    FAST,
    Release,
    Shop,
    assert_serves,
    until_ready,
)
from tests.support.service import APP, Service, serving


# What ends the process
@pytest.mark.long
def test_killed_anywhere_in_a_swap_it_starts_again_with_one_or_the_other(
    shop: Shop, first: Release, second: Release, tmp_path: Path
) -> None:
    """A process killed anywhere in a swap starts again with one of the two releases."""
    (tmp_path / "killed.py").write_text(KILLED)
    shop.publish(second)
    shop.release(first)
    served = set()
    number, steps = 0, 0
    while number <= steps + 1:  # the first is not killed: it counts the steps
        cache, armed = tmp_path / f"cache{number}", tmp_path / f"armed{number}"
        environment = shop.environment(**FAST, BUNDLE_CACHE=str(cache), FETCH_SECONDS="0.2")
        killing = {"KILL_AT": str(number or 10**6), "ARMED": str(armed), "PYTHONPATH": str(tmp_path)}
        shop.promote(first)
        with serving(shop.stable, ("killed",), **environment, **killing) as service:
            until_kept(service, cache, first)
            armed.touch()
            shop.promote(second)
            until_kept(service, cache, second)
        steps = steps or int(armed.read_text())
        away = Path(shop.place).rename(tmp_path / "away")
        with serving(shop.stable, APP, **environment) as service:
            until_ready(service)
            version = service.predict(EXAMPLE).headers["model-version"]
            assert_serves(service, first if version == first.digest else second)
            served.add(version)
        away.rename(shop.place)
        number += 1
    assert steps > 5
    assert served == {first.digest, second.digest}


def until_kept(service: Service, cache: Path, release: Release) -> None:
    """Return once the cache has this release as the last good one, or the process has died."""
    until = time.monotonic() + 60
    state = cache / "state.json"
    while service.process.poll() is None:
        assert time.monotonic() < until
        good = msgspec.json.decode(state.read_bytes())["good"] if state.exists() else {}
        if [digests[0] for digests in good.values()] == [release.digest]:
            return
        time.sleep(0.005)
