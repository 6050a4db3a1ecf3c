"""Putting bundles into a store, and moving its channels.

A bundle's manifest is written last: what has no manifest is not there. Whatever stops a publisher, running it again
finishes the work, because an object that is there with the same bytes is a success.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from bundle.channel import FORMAT_VERSION, MAX_POINTER_BYTES, Pointer, encode_pointer, read_pointer
from bundle.deadline import Deadline, retried
from bundle.keys import SigningKey
from bundle.refusal import BundleRefusal
from bundle.store import ABSENT, BUNDLES, CHANNELS, Store, bundle_object, channel_object
from bundle.verify import Trust, VerifiedBundle
from contract.manifest import MANIFEST_FILE, Manifest

Progress = Callable[[str, int, int], None]  # what, how many of it are done, of how many


class Position(msgspec.Struct, frozen=True):
    """Where a channel stands, and the generation to move it from."""

    pointer: Pointer | None
    generation: str


def publish(store: Store, bundle: VerifiedBundle, deadline: Deadline, progress: Progress) -> None:
    """Write all files, then the signatures, then the manifest. Raises BundleRefusal."""
    contents = {**bundle.files, **bundle.signatures, MANIFEST_FILE: bundle.encoded}
    for done, (name, data) in enumerate(contents.items()):
        progress(name, done, len(contents))
        _create(store, bundle_object(bundle.digest, name), data, deadline)
    progress("", len(contents), len(contents))


def _create(store: Store, name: str, data: bytes, deadline: Deadline) -> None:
    retried(lambda seconds: store.create(name, data, seconds), deadline)


def position(store: Store, channel: str, trust: Trust, deadline: Deadline, repair: bool = False) -> Position:
    """Where the channel points now. Raises BundleRefusal where its pointer is not one that we trust.

    For a `repair` it stands nowhere then, and is moved from there.
    """
    try:
        stored = retried(lambda seconds: store.read(channel_object(channel), MAX_POINTER_BYTES, seconds), deadline)
    except BundleRefusal as refusal:
        if refusal.reason != "missing":
            raise
        return Position(None, ABSENT)
    assert stored
    try:
        pointer, _ = read_pointer(stored.data, channel, trust, f"{store.place}#{channel}")
    except BundleRefusal:
        if not repair:
            raise
        return Position(None, stored.generation)
    return Position(pointer, stored.generation)


def move(store: Store, pointer: Pointer, generation: str, keys: Sequence[SigningKey], deadline: Deadline) -> None:
    """Compare-and-swap. A swap whose answer was lost is found to have succeeded. Raises BundleRefusal."""
    encoded = encode_pointer(pointer, keys)
    name = channel_object(pointer.channel)
    try:
        retried(lambda seconds: store.swap(name, encoded, generation, seconds), deadline)
    except BundleRefusal as refusal:
        if refusal.reason != "conflict":
            raise
        stored = retried(lambda seconds: store.read(name, MAX_POINTER_BYTES, seconds), deadline)
        if stored is None or stored.data != encoded:
            raise


def next_pointer(  # what a pointer holds
    channel: str,
    before: Pointer | None,
    manifest: Manifest,
    digest: str,
    now: datetime,
    days: float,
    version: int | None,
) -> Pointer:
    """The pointer that moves `channel` to a bundle. `version` is only given to make up for a pointer that was lost."""
    newest = before.version if before else 0
    if version is not None and version <= newest:
        raise BundleRefusal(
            "usage", f"{channel} is at version {newest}; expected a --version above it, found {version}"
        )
    moment = now.replace(microsecond=0)
    return Pointer(
        format_version=FORMAT_VERSION,
        channel=channel,
        version=version or newest + 1,
        digest=digest,
        bundle_version=manifest.bundle_version,
        previous=_previous(before, digest),
        created_at=moment,
        expires_at=moment + timedelta(days=days),
    )


def _previous(before: Pointer | None, digest: str) -> str | None:
    """The bundle before this one; renewing a pointer keeps it."""
    if before is None:
        return None
    return before.previous if before.digest == digest else before.digest


def published(store: Store, deadline: Deadline) -> list[str]:
    """The digests of whole bundles: those with a manifest."""
    names = retried(lambda seconds: store.names(f"{BUNDLES}/", seconds), deadline)
    return [name.split("/")[1] for name in names if name.endswith(f"/{MANIFEST_FILE}")]


def channels(store: Store, deadline: Deadline) -> list[str]:
    """The names of the channels."""
    names = retried(lambda seconds: store.names(f"{CHANNELS}/", seconds), deadline)
    return [name.removeprefix(f"{CHANNELS}/") for name in names]
