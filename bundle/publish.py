"""Putting bundles into a store, and moving its channels.

A bundle's manifest is written last: without a manifest there is no bundle. If a publisher is stopped, running it again
finishes the work, because writing the same bytes to an existing object succeeds.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from bundle.channels.channel import FORMAT_VERSION, MAX_POINTER_BYTES, encode_pointer, read_pointer
from bundle.channels.marks import claim
from bundle.channels.pointer import MAX_VERSION, Pointer
from bundle.deadline import Deadline, retried
from bundle.refusal import BundleRefusal
from bundle.signing.keys import Signer
from bundle.stores.store import ABSENT, BUNDLES, CHANNELS, Store, bundle_object, channel_object
from bundle.verify import Trust, VerifiedBundle
from contract.manifest import MANIFEST_FILE, Manifest

OnUpload = Callable[[str, int, int], None]  # gets the file's name, how many files are done, and their number


class Position(msgspec.Struct, frozen=True):
    """Where a channel points now: the pointer, its generation, and the ids of trusted keys that signed it."""

    pointer: Pointer | None
    generation: str
    signers: tuple[str, ...] = ()  # ids of the trusted keys whose signatures are valid
    bad_signatures: tuple[str, ...] = ()


def publish(store: Store, bundle: VerifiedBundle, deadline: Deadline, on_upload: OnUpload) -> None:
    """Write all files, then the signatures, then the manifest. Raises BundleRefusal."""
    claim(store, bundle.digest, deadline)
    contents = {**bundle.files, **bundle.signatures, MANIFEST_FILE: bundle.encoded}
    for done, (name, data) in enumerate(contents.items()):
        on_upload(name, done, len(contents))
        _create(store, bundle_object(bundle.digest, name), data, deadline)
    on_upload("", len(contents), len(contents))


def _create(store: Store, name: str, data: bytes, deadline: Deadline) -> None:
    retried(lambda seconds: store.create(name, data, seconds), deadline)


def position(store: Store, channel: str, trust: Trust, deadline: Deadline, repair: bool = False) -> Position:
    """Return where the channel points now. Raises BundleRefusal if no trusted key signed its pointer.

    With `repair`, a pointer that is refused counts as no pointer, so that it can be replaced.
    """
    try:
        stored = retried(lambda seconds: store.read(channel_object(channel), MAX_POINTER_BYTES, seconds), deadline)
    except BundleRefusal as refusal:
        if refusal.reason != "missing":
            raise
        return Position(None, ABSENT)
    assert stored
    try:
        signed = read_pointer(stored.data, channel, trust, f"{store.place}#{channel}")
    except BundleRefusal:
        if not repair:
            raise
        return Position(None, stored.generation)
    return Position(signed.pointer, stored.generation, signed.signers, signed.bad_signatures)


def move(store: Store, pointer: Pointer, generation: str, keys: Sequence[Signer], deadline: Deadline) -> None:
    """Move a channel by compare-and-swap. Raises BundleRefusal.

    If the answer was lost but the channel has the new pointer, the move has succeeded.
    """
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


def next_pointer(  # the arguments are the fields of a pointer
    channel: str,
    before: Pointer | None,
    manifest: Manifest,
    digest: str,
    now: datetime,
    days: float,
    version: int | None,
) -> Pointer:
    """Return the pointer that moves `channel` to a bundle. Raises BundleRefusal.

    `version` is given only to replace a pointer that was lost or damaged.
    """
    newest = before.version if before else 0
    if newest == MAX_VERSION:
        raise BundleRefusal(
            "usage",
            f"{channel} is at version {newest}, the highest there is: somebody who holds its key did that; change the "
            "key (OPERATIONS.md, a leaked key), then: python -m bundle promote --version 1",
        )
    if version is not None and not newest < version <= MAX_VERSION:
        raise BundleRefusal(
            "usage",
            f"{channel} is at version {newest}; expected a --version above it, and {MAX_VERSION} at most, "
            f"found {_short(version)}",
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


def _short(number: int) -> str:
    """Return the number as text. A person typed it, so it may have thousands of digits."""
    return str(number) if abs(number) < 10**20 else "a number of more than 20 digits"


def _previous(before: Pointer | None, digest: str) -> str | None:
    """Return the digest of the bundle before this one. Renewing a pointer keeps it."""
    if before is None:
        return None
    return before.previous if before.digest == digest else before.digest


def published(store: Store, deadline: Deadline) -> list[str]:
    """Return the digests of complete bundles: those with a manifest."""
    names = retried(lambda seconds: store.names(f"{BUNDLES}/", seconds), deadline)
    return [name.split("/")[1] for name in names if name.endswith(f"/{MANIFEST_FILE}")]


def channels(store: Store, deadline: Deadline) -> list[str]:
    """Return the names of the channels."""
    names = retried(lambda seconds: store.names(f"{CHANNELS}/", seconds), deadline)
    return [name.removeprefix(f"{CHANNELS}/") for name in names]
