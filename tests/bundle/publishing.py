"""Publishing from a test's own process."""

import math
from datetime import datetime, timedelta
from itertools import chain, repeat
from pathlib import Path

import pytest

from bundle.deadline import Deadline
from bundle.fetch import BundleSource, read_directory
from bundle.publish import move, next_pointer, position, publish
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.stores.opening import open_store
from bundle.stores.store import Store
from bundle.verify import Trust, Wanted
from tests.support.bundles import NOW, make

PLACE = "gs://models/penguins"
STABLE = f"{PLACE}#stable"
HANG_SECONDS = 60.0  # on a busy machine everything takes longer, but not that long


def release(  # what a release is made of
    place: str, directory: Path, key: SigningKey, label: str = "1", now: datetime = NOW, days: float = 30
) -> str:
    """Make, publish and promote a bundle on `stable`. Return its digest."""
    digest = make(directory / label, key, label)
    store = open_store(place)
    try:
        put(store, directory / label, key)
        promote(store, digest, directory / label, key, now, days)
    finally:
        store.close()
    return digest


def put(store: Store, directory: Path, key: SigningKey, seconds: float = 10) -> None:
    bundle = read_directory(directory, Trust((key.public,)), Wanted(all_platforms=True))
    publish(store, bundle, Deadline(seconds), lambda *_: None)


def promote(  # what a pointer is made of
    store: Store, digest: str, directory: Path, key: SigningKey, now: datetime = NOW, days: float = 30
) -> None:
    deadline = Deadline(10)
    trust = Trust((key.public,))
    before = position(store, "stable", trust, deadline)
    manifest = read_directory(directory, trust).manifest
    pointer = next_pointer("stable", before.pointer, manifest, digest, now, days, None)
    move(store, pointer, before.generation, [key], deadline)


def refusal_of(source: BundleSource, seconds: float = HANG_SECONDS, after: timedelta = timedelta()) -> BundleRefusal:
    with pytest.raises(BundleRefusal) as refusal:
        source.fetch(seconds, NOW + after)
    return refusal.value


def retries_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what may pass be tried twice, so that no deadline comes in the middle of an attempt."""
    pauses = chain([0.0], repeat(math.inf))
    monkeypatch.setattr("bundle.deadline.random.uniform", lambda _low, _high: next(pauses))
