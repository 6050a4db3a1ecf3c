"""What `gc` removes and keeps, also while others publish or promote."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bundle.channels.marks import Mark, claim, mark_object, read_mark, write_mark
from bundle.collect import Collector, Found
from bundle.deadline import Deadline
from bundle.fetch import fetch
from bundle.publish import published
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.stores.opening import open_store
from bundle.stores.store import ABSENT, Store
from bundle.verify import Trust
from tests.bundle.publishing import promote, put, release
from tests.support.bundles import NOW, new_key
from tests.support.faults import FULL, fail_nth_write

DAY = timedelta(days=1)
MONTH = timedelta(days=30)


pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(params=["gs://models/penguins", "directory"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return str(request.param) if request.param != "directory" else f"{tmp_path}/store"


@pytest.fixture
def digests(place: str, tmp_path: Path, key: SigningKey) -> list[str]:
    """Make five releases of one channel, which uses the last two."""
    return [release(place, tmp_path, key, label) for label in "12345"]


def run(place: str, key: SigningKey, now: datetime = NOW, remove: bool = True) -> Found:
    collector = Collector(open_store(place), Trust((key.public,)), Deadline(20), now, MONTH)
    found = collector.find()
    return collector.remove(found) if remove else found


def names(place: str) -> list[str]:
    return open_store(place).names("", 5)


def removed(found: Found) -> set[str]:
    return {one.digest for one in found.unused if one.removed}


def test_what_no_channel_has_pointed_to_for_long_goes(place: str, digests: list[str], key: SigningKey) -> None:
    """`gc` marks an unused bundle and removes it when the mark is old; used bundles stay."""
    unused, used = set(digests[:3]), set(digests[3:])
    before = names(place)
    assert {one.digest for one in run(place, key, remove=False).unused} == unused
    assert names(place) == before  # nothing was changed
    for after in (timedelta(), DAY, MONTH - DAY):
        assert removed(run(place, key, NOW + after)) == set()
    looked = run(place, key, NOW + MONTH, remove=False)
    assert removed(looked) == unused
    assert set(published(open_store(place), Deadline(5))) == unused | used
    assert removed(run(place, key, NOW + MONTH)) == unused
    assert set(published(open_store(place), Deadline(5))) == used
    assert not [name for name in names(place) if any(digest in name for digest in unused)]
    assert fetch(f"{place}#stable", (key.public,), None, 5, NOW).bundle.digest == digests[4]
    assert run(place, key, NOW + 2 * MONTH) == Found(tuple(sorted(used)), (), ())


def test_publishing_or_promoting_starts_the_time_anew(
    place: str, digests: list[str], tmp_path: Path, key: SigningKey
) -> None:
    """A publication or promotion removes the mark, although nothing is written again."""
    run(place, key)
    store = open_store(place)
    put(store, tmp_path / "1", key)
    claim(store, digests[1], Deadline(5))
    promote(store, digests[1], tmp_path / "2", key)
    promote(store, digests[4], tmp_path / "5", key)
    assert removed(run(place, key, NOW + MONTH)) == {digests[2]}
    assert removed(run(place, key, NOW + MONTH + MONTH)) >= {digests[0]}


def test_half_a_bundle_goes_as_a_whole_one_does(place: str, digests: list[str], key: SigningKey) -> None:
    """`gc` removes half a bundle after a month, as it removes a whole one."""
    store = open_store(place)
    half = "a" * 64
    store.create(f"bundles/{half}/model.json", b"{}", 5)
    run(place, key)
    assert half in removed(run(place, key, NOW + MONTH))
    assert not [name for name in names(place) if half in name]
    assert digests[4] in published(store, Deadline(5))


def test_a_channel_that_cannot_be_read_keeps_everything(place: str, digests: list[str], key: SigningKey) -> None:
    """`gc` removes nothing while it cannot read a channel."""
    run(place, key)
    with pytest.raises(BundleRefusal, match="nothing is removed") as refusal:
        run(place, new_key(), NOW + MONTH)
    assert refusal.value.reason == "unsigned"
    open_store(place).create("channels/canary", b"{}", 5)
    with pytest.raises(BundleRefusal, match="nothing is removed"):
        run(place, key, NOW + MONTH)
    assert set(published(open_store(place), Deadline(5))) == set(digests)


def test_what_is_being_removed_is_not_published_or_promoted(
    place: str, digests: list[str], tmp_path: Path, key: SigningKey
) -> None:
    """A bundle under removal cannot be published, and another `gc` finishes after a day."""
    store, deadline = open_store(place), Deadline(10)
    write_mark(store, digests[0], Mark(NOW - MONTH, NOW), ABSENT, deadline)
    uses: tuple[Callable[[], None], ...] = (
        lambda: put(store, tmp_path / "1", key),
        lambda: claim(store, digests[0], deadline),
    )
    for wanted in uses:
        with pytest.raises(BundleRefusal, match="is being removed by python -m bundle gc") as refusal:
            wanted()
        assert refusal.value.reason == "conflict"
    assert digests[0] not in removed(run(place, key, NOW + DAY / 2))
    assert digests[0] in removed(run(place, key, NOW + DAY))
    put(store, tmp_path / "1", key)
    assert digests[0] in published(store, deadline)


class Meddling:
    """A store in which somebody else does something just before the Nth change."""

    def __init__(self, store: Store, number: int, what: Callable[[], None]) -> None:
        self.real = store
        self.place = store.place
        self.number, self.what = number, what
        self.changes = 0
        self.read, self.names, self.leftovers = store.read, store.names, store.leftovers
        self.create, self.abort, self.close = store.create, store.abort, store.close

    def _meddle(self) -> None:
        self.changes += 1
        if self.changes == self.number:
            self.what()

    def swap(self, name: str, data: bytes, generation: str, seconds: float) -> None:
        self._meddle()
        self.real.swap(name, data, generation, seconds)

    def remove(self, name: str, generation: str, seconds: float) -> None:
        self._meddle()
        self.real.remove(name, generation, seconds)


def test_a_promotion_at_any_moment_is_refused_or_keeps_its_bundle(tmp_path: Path, key: SigningKey) -> None:
    """A promotion before any change of `gc` is refused, or its bundle stays."""
    outcomes = set()
    for number in range(1, 40):
        place, made = f"{tmp_path}/{number}/store", tmp_path / str(number)
        old, *_ = [release(place, made, key, label) for label in "123"]
        run(place, key)

        def promoted(place: str = place, old: str = old, made: Path = made) -> None:
            theirs = open_store(place)
            try:
                claim(theirs, old, Deadline(5))
                fetch(f"{place}@{old}", (key.public,), None, 5, NOW)
                promote(theirs, old, made / "1", key)
                outcomes.add("kept")
            except BundleRefusal as refusal:
                outcomes.add(refusal.reason)

        store = Meddling(open_store(place), number, promoted)
        collector = Collector(store, Trust((key.public,)), Deadline(20), NOW + MONTH, MONTH)
        collector.remove(collector.find())
        assert fetch(f"{place}#stable", (key.public,), None, 5, NOW)
        if store.changes < number:
            break
    assert number > 5
    assert outcomes == {"kept", "conflict"}


def test_a_gc_that_is_stopped_anywhere_is_finished_by_another(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `gc` that is stopped anywhere shows no half bundle, and another one finishes."""
    for failing in range(1, 40):
        place = f"{tmp_path}/{failing}/store"
        old, *rest = [release(place, tmp_path / str(failing), key, label) for label in "123"]
        run(place, key)
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing, FULL)
            with suppress(BundleRefusal):
                run(place, key, NOW + MONTH)
        for shown in published(open_store(place), Deadline(5)):
            assert fetch(f"{place}@{shown}", (key.public,), None, 5, NOW)
        run(place, key, NOW + MONTH + DAY)
        assert set(published(open_store(place), Deadline(5))) == set(rest)
        assert not [name for name in names(place) if old in name]
        if not_reached():
            break
    assert failing > 5


def test_files_of_writers_that_died_go_and_of_those_that_write_stay(tmp_path: Path, key: SigningKey) -> None:
    """`gc` removes temporary files after a day and touches nothing else that is hidden."""
    place = tmp_path / "store"
    digest = release(str(place), tmp_path, key)
    old = time.time() - 100_000
    left = [f"bundles/{digest}/.model.json.abcd_123", f"bundles/{'b' * 64}/.x.so.00000000", "channels/.stable.zzzzzzzz"]
    kept = [f"bundles/{digest}/.new.json.abcd_123", "channels/.gitignore", ".lock", "bundles/.keep"]
    for name in (*left, *kept):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).touch()
        if "new" not in name:
            os.utime(place / name, (old, old))
    (place / "bundles" / ("c" * 64)).mkdir()
    os.utime(place / "bundles" / ("c" * 64), (old, old))
    assert set(run(str(place), key, remove=False).leftovers) == {*left, f"bundles/{'c' * 64}"}
    run(str(place), key)
    assert not any((place / name).exists() for name in (*left, f"bundles/{'b' * 64}", f"bundles/{'c' * 64}"))
    assert all((place / name).exists() for name in kept)
    assert fetch(f"{place}#stable", (key.public,), None, 5, NOW).bundle.digest == digest


def test_a_mark_that_is_none_is_made_anew(place: str, digests: list[str], key: SigningKey) -> None:
    """`gc` replaces a faulty mark and removes marks of bundles that are gone or in use."""
    store = open_store(place)
    for digest in (digests[0], digests[4], "d" * 64):
        store.create(mark_object(digest), b"junk", 5)
    run(place, key)
    marked = read_mark(store, digests[0], Deadline(5))
    assert marked is not None
    assert marked.mark == Mark(NOW)
    assert [name for name in names(place) if name in (mark_object(digests[4]), mark_object("d" * 64))] == []
