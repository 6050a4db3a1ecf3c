"""The commands of `python -m bundle`: each takes its arguments, and gives an answer or raises Refusal."""

import argparse
import re
from datetime import UTC, datetime

from bundle.answers import Answer, BundleAnswer, Detail, Key, Listed, Moved, describe, describe_manifest
from bundle.channel import Pointer
from bundle.deadline import Deadline, retried
from bundle.fetch import Source, read_directory, read_published
from bundle.keys import generate, read_signing_key, trusted_keys
from bundle.merge import merge
from bundle.progress import Progress
from bundle.publish import channels, move, next_pointer, position, publish, published
from bundle.reference import Reference, parse_reference
from bundle.refusal import BundleRefusal
from bundle.signature import MANIFEST, sign, signature_file
from bundle.store import Store, bundle_object
from bundle.verify import IN_PLACE, MAX_MANIFEST_BYTES, Trust, VerifiedBundle, Wanted
from bundle.write import write_bundle, write_encoded
from contract.files import write_atomically
from contract.manifest import Digest, decode_manifest, encode
from contract.refusal import Refusal

Options = argparse.Namespace
EVERYTHING = Wanted(all_platforms=True)
ANY_MODEL = Wanted(all_platforms=True, interface=None)


def keygen(options: Options) -> Answer:
    """Make a key pair."""
    key = generate(options.file)
    return Key(key.public.key_id, str(key.public), str(options.file))


def sign_bundle(options: Options) -> Answer:
    """Sign a bundle's directory, once it is found whole."""
    keys = [read_signing_key(path) for path in options.key]
    bundle = read_directory(options.directory, IN_PLACE, ANY_MODEL)
    for key in keys:
        path = options.directory.resolve() / signature_file(key.public)
        write_atomically(path, sign(key, MANIFEST, bundle.encoded))
    trust = Trust(tuple(key.public for key in keys))
    return describe("signed", read_directory(options.directory, trust, ANY_MODEL))


def verify_bundle(options: Options) -> Answer:
    """Check everything that the service checks, for all platforms."""
    fetched = _fetch(options, _trust(options), EVERYTHING)
    return describe("verified", fetched[0])


def inspect(options: Options) -> Answer:
    """All that a bundle says of itself; signatures are checked where their keys are trusted."""
    bundle, pointer = _fetch(options, Trust(trusted_keys(options.trusted_keys), required=False), ANY_MODEL)
    return Detail(describe("inspected", bundle), bundle.manifest, pointer)


def fetch_bundle(options: Options) -> Answer:
    """Write a verified bundle into a directory."""
    bundle, _ = _fetch(options, _trust(options), EVERYTHING)
    write_encoded(options.out, bundle.encoded, bundle.contents)
    return describe("fetched", bundle, str(options.out))


def publish_bundle(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Put a signed bundle into a store."""
    bundle = read_directory(options.directory, _trust(options), EVERYTHING)
    with Progress("uploading") as progress:
        publish(store, bundle, deadline, progress.show)
    return describe("published", bundle, f"{store.place}@{bundle.digest}")


def promote(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Point a channel at a published bundle, once that is found whole."""
    return _move(options, store, deadline, "promoted", options.digest)


def rollback(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Point a channel back at an older bundle, by a newer pointer."""
    return _move(options, store, deadline, "rolled back", options.digest)


def list_store(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Channels and whole bundles of a store."""
    trust = Trust(trusted_keys(options.trusted_keys), required=False)
    pointers: list[Pointer] = []
    bundles: list[BundleAnswer] = []
    problems: dict[str, str] = {}
    for channel in channels(store, deadline):
        try:
            pointer = position(store, channel, trust, deadline).pointer
            pointers += [pointer] if pointer else []
        except BundleRefusal as refusal:
            problems[f"#{channel}"] = str(refusal)
    for digest in published(store, deadline):
        try:
            bundles.append(_listed(store, digest, deadline))
        except Refusal as refusal:
            problems[f"@{digest}"] = str(refusal)
    return Listed(store.place, tuple(pointers), tuple(bundles), problems)


def merge_bundles(options: Options) -> Answer:
    """Join bundles of one model, each compiled on another platform."""
    bundles = [read_directory(directory, IN_PLACE, ANY_MODEL) for directory in options.directories]
    manifest, files = merge(bundles, options.bundle_version)
    write_bundle(options.out, manifest, files)
    return describe_manifest("merged into", str(options.out), Digest.of(encode(manifest)).sha256, manifest, ())


def _trust(options: Options) -> Trust:
    return Trust(trusted_keys(options.trusted_keys), required=not options.allow_unsigned)


def _fetch(options: Options, trust: Trust, wanted: Wanted) -> tuple[VerifiedBundle, Pointer | None]:
    with Progress("downloading") as progress:
        source = Source(parse_reference(options.reference), trust, wanted=wanted, told=progress.name)
        try:
            fetched = source.fetch(options.deadline, datetime.now(UTC))
        finally:
            source.close()
    return fetched.bundle, fetched.pointer


def channel_of(reference: str) -> Reference:
    """Raises BundleRefusal where it is not STORE#CHANNEL."""
    parsed = parse_reference(reference)
    if not parsed.channel:
        raise BundleRefusal("usage", f"{reference}: expected STORE#CHANNEL, such as {parsed.place}#stable")
    return parsed


def _move(options: Options, store: Store, deadline: Deadline, done: str, given: str | None) -> Answer:
    reference = channel_of(options.reference)
    assert reference.channel
    keys = [read_signing_key(path) for path in options.key]
    own = tuple(key.public for key in keys)
    trust = Trust((*own, *(key for key in trusted_keys(options.trusted_keys) if key not in own)))
    before = position(store, reference.channel, trust, deadline, repair=options.version is not None)
    digest = _whole_digest(store, given, deadline) if given else _previous(before.pointer, reference)
    with Progress("downloading") as progress:
        bundle = read_published(store, digest, trust, deadline, EVERYTHING, progress.name)
    pointer = next_pointer(
        reference.channel, before.pointer, bundle.manifest, digest, datetime.now(UTC), options.days, options.version
    )
    move(store, pointer, before.generation, keys, deadline)
    return Moved(done, str(reference), pointer)


def _previous(pointer: Pointer | None, reference: Reference) -> str:
    if not pointer or not pointer.previous:
        raise BundleRefusal("usage", f"{reference} has never pointed to another bundle; name the DIGEST to go back to")
    return pointer.previous


def _whole_digest(store: Store, given: str, deadline: Deadline) -> str:
    """The digest that begins so. Raises BundleRefusal where there is none, or more than one."""
    start = given.removeprefix("@")
    if re.fullmatch("[0-9a-f]{64}", start):
        return start
    found = [digest for digest in published(store, deadline) if digest.startswith(start)] if start else []
    if len(found) != 1:
        raise BundleRefusal(
            "usage",
            f"{store.place} has {len(found)} bundles whose digest begins with {start!r}; "
            f"python -m bundle list {store.place} shows all",
        )
    return found[0]


def _listed(store: Store, digest: str, deadline: Deadline) -> BundleAnswer:
    """By its manifest's digest; its other files are not read."""
    names = retried(lambda seconds: store.names(bundle_object(digest, ""), seconds), deadline)
    stored = retried(lambda seconds: store.read(bundle_object(digest), MAX_MANIFEST_BYTES, seconds), deadline)
    assert stored
    place = f"{store.place}@{digest}"
    if Digest.of(stored.data).sha256 != digest:
        raise BundleRefusal("digest", f"{place}: its manifest has another digest; publish it again")
    signers = tuple(name.rsplit(".", 2)[1] for name in names if name.endswith(".sig"))
    return describe_manifest("listed", place, digest, decode_manifest(stored.data, place), signers)
