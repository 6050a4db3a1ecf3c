"""What a source keeps: the bundle, and the newest pointer that it has seen."""

from datetime import timedelta
from pathlib import Path

import pytest

from bundle.address import parse_address
from bundle.cache import Cache
from bundle.fetch import BundleSource
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.stores.store import channel_object
from bundle.verify import Trust
from tests.bundle.publishing import HANG_SECONDS, PLACE, STABLE, refusal_of, release, retries_once
from tests.support.bundles import NOW
from tests.support.cloud import Cloud
from tests.support.faults import READ_ONLY, fail_nth_write


def test_what_is_kept_is_not_downloaded_again(
    cloud: Cloud, source: BundleSource, released: str, cache: Cache, trust: Trust
) -> None:
    """A restart asks once and does not download what the cache keeps."""
    source.keep(source.fetch(HANG_SECONDS, NOW))
    cloud.requests.clear()
    restarted = BundleSource(parse_address(STABLE), trust, cache)
    fetched = restarted.fetch(HANG_SECONDS, NOW)
    restarted.close()
    assert fetched.from_cache
    assert fetched.bundle.digest == released
    assert len(cloud.requests) == 1


def test_the_last_good_is_there_when_the_store_is_not(
    cloud: Cloud, source: BundleSource, released: str, cache: Cache, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last good bundle is there while the store fails, and only if one was kept."""
    retries_once(monkeypatch)
    with pytest.raises(BundleRefusal, match="keeps no bundle"):
        source.last_good()
    source.keep(source.fetch(HANG_SECONDS, NOW))
    cloud.fail_all(503)
    restarted = BundleSource(parse_address(STABLE), trust, cache)
    assert refusal_of(restarted).reason == "failing"
    assert restarted.last_good().digest == released
    restarted.close()
    with pytest.raises(BundleRefusal, match="no cache is configured"):
        BundleSource(parse_address(STABLE), trust).last_good()


@pytest.mark.parametrize("remembered_by", ["the process", "the disk"])
def test_an_older_pointer_is_refused(  # fixtures
    cloud: Cloud, source: BundleSource, released: str, tmp_path: Path, key: SigningKey, trust: Trust, remembered_by: str
) -> None:
    """An older pointer in the bucket is refused as a rollback."""
    name = f"penguins/{channel_object('stable')}"
    old = cloud.objects[name].data
    assert source.fetch(HANG_SECONDS, NOW).bundle.digest == released
    release(PLACE, tmp_path, key, "2")
    assert source.poll(5, NOW)
    cloud.put(name, old)
    if remembered_by == "the disk":
        source.close()
        source = BundleSource(parse_address(STABLE), trust, Cache(tmp_path / "cache"))
    refusal = refusal_of(source)
    source.close()
    assert refusal.reason == "rollback"
    assert str(refusal).endswith("to go back on purpose: python -m bundle rollback --version 3")


@pytest.mark.usefixtures("released")
def test_a_clock_set_back_revives_no_old_pointer(source: BundleSource, tmp_path: Path, key: SigningKey) -> None:
    """An old pointer stays expired when the clock goes back."""
    release(PLACE, tmp_path, key, "2", now=NOW + timedelta(days=40), days=1)
    assert source.fetch(5, NOW + timedelta(days=40))
    assert refusal_of(source, after=timedelta(days=50)).reason == "expired"
    assert refusal_of(source, after=timedelta(days=1)).reason == "clock"


def test_a_cache_that_cannot_be_written_does_not_keep_a_bundle_from_coming(
    source: BundleSource, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle comes although the cache fails at any write, and the problem is reported."""
    for failing in range(1, 10):
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing, READ_ONLY)
            fetched = source.fetch(HANG_SECONDS, NOW)
            assert fetched.bundle.digest == released
            if fetched.cache_problem:
                assert fetched.cache_problem.reason == "disk"
        if not_reached():
            break
    else:
        pytest.fail("the fault was injected at every operation tried")
