"""Publishing from a test's own process."""

from datetime import datetime
from pathlib import Path

from bundle.deadline import Deadline
from bundle.fetch import read_directory
from bundle.keys import SigningKey
from bundle.publish import move, next_pointer, position, publish
from bundle.store import Store, open_store
from bundle.verify import Trust, Wanted
from tests.bundle.making import NOW, make


def release(  # what a release is made of
    place: str, directory: Path, key: SigningKey, label: str = "1", now: datetime = NOW, days: float = 30
) -> str:
    """Make, publish and promote a bundle on `stable`. Returns its digest."""
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
