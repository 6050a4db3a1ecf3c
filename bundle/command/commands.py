"""The commands of `python -m bundle`. Each takes its arguments and returns an answer, or raises Refusal."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bundle.address import BundleAddress, check_channel, parse_address
from bundle.channels.marks import claim
from bundle.channels.pointer import Pointer
from bundle.collect import Collector
from bundle.command.answers import (
    Answer,
    BundleAnswer,
    Collected,
    Detail,
    Key,
    Listed,
    ListedChannel,
    Moved,
    describe,
    describe_manifest,
)
from bundle.command.printable import printable
from bundle.command.progress import Progress
from bundle.deadline import Deadline
from bundle.fetch import BundleSource, read_directory
from bundle.merge import merge
from bundle.publish import channels, move, next_pointer, position, publish, published
from bundle.published import origin, published_reader, read_published
from bundle.refusal import BundleRefusal
from bundle.signing.keys import TrustedKey, trusted_keys
from bundle.signing.private import generate, open_signer
from bundle.signing.signature import MANIFEST, sign, signature_file
from bundle.stores.store import Store
from bundle.verify import IN_PLACE, MAX_MANIFEST_BYTES, Trust, VerifiedBundle, Wanted, read_signers
from bundle.write import write_bundle, write_encoded
from contract.files import write_atomically
from contract.manifest import MANIFEST_FILE, SHA256_PATTERN, Digest, decode_manifest, encode
from contract.refusal import Refusal

Options = argparse.Namespace
EVERYTHING = Wanted(all_platforms=True)


def keygen(options: Options) -> Answer:
    """Make a key pair."""
    key = generate(options.file)
    return Key(key.public.key_id, str(key.public), str(options.file))


def public_key(options: Options) -> Answer:
    """Print the public part of a key that can sign, for TRUSTED_KEYS."""
    key = open_signer(options.key).public
    return Key(key.key_id, str(key), options.key)


def sign_bundle(options: Options) -> Answer:
    """Sign a bundle's directory, after verifying its files."""
    keys = [open_signer(text) for text in options.key]
    bundle = read_directory(options.directory, IN_PLACE, EVERYTHING)
    signatures = {signature_file(key.public): sign(key, MANIFEST, bundle.encoded) for key in keys}
    for name, signature in signatures.items():
        write_atomically(options.directory.resolve() / name, signature)
    trust = Trust(tuple(key.public for key in keys))
    return describe("signed", read_directory(options.directory, trust, EVERYTHING))


def verify_bundle(options: Options) -> Answer:
    """Check everything that the service checks, for all platforms."""
    fetched = _fetch(options, _trust(options), EVERYTHING)
    return describe("verified", fetched[0])


def inspect(options: Options) -> Answer:
    """Print everything that a bundle says of itself. Signatures are checked if their keys are trusted."""
    bundle, pointer = _fetch(options, Trust(trusted_keys(options.trusted_keys), required=False), EVERYTHING)
    return Detail(describe("inspected", bundle), bundle.manifest, bundle.contract, pointer)


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
    return describe("published", bundle, f"{store.place}@{bundle.digest}", _left_out(options.directory, bundle))


def _left_out(directory: Path, bundle: VerifiedBundle) -> list[str]:
    """Return warnings about signatures beside the bundle by keys that are not trusted here."""
    others = {path.name for path in directory.glob("manifest.*.sig")} - {*bundle.signatures, *bundle.bad_signatures}
    return [
        f"{name} was left out: its key is not among the trusted ones here; to publish it, add that to --trusted-keys"
        for name in sorted(others)
    ]


def promote(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Point a channel at a published bundle, after verifying it."""
    return _move(options, store, deadline, "promoted", options.digest)


def rollback(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Point a channel back at an older bundle, with a newer pointer."""
    return _move(options, store, deadline, "rolled back", options.digest)


def list_store(options: Options, store: Store, deadline: Deadline) -> Answer:
    """List the channels and the complete bundles of a store."""
    trust = Trust(trusted_keys(options.trusted_keys), required=False)
    pointers: list[ListedChannel] = []
    bundles: list[BundleAnswer] = []
    problems: dict[str, str] = {}
    for channel in channels(store, deadline):
        try:
            pointers += _listed_channel(store, channel, trust, deadline)
        except BundleRefusal as refusal:
            problems[printable(f"#{channel}")] = printable(str(refusal))
    for digest in published(store, deadline):
        try:
            bundles.append(_listed(store, digest, trust, deadline))
        except Refusal as refusal:
            problems[printable(f"@{digest}")] = printable(str(refusal))
    return Listed(store.place, tuple(pointers), tuple(bundles), problems)


def _listed_channel(store: Store, channel: str, trust: Trust, deadline: Deadline) -> list[ListedChannel]:
    """Return the channel, or nothing if it is gone in the meantime. Raises BundleRefusal."""
    check_channel(channel)
    stands = position(store, channel, trust, deadline)
    if not stands.pointer:
        return []
    expired = datetime.now(UTC) >= stands.pointer.expires_at
    said = msgspec.structs.asdict(stands.pointer)
    return [ListedChannel(**said, signed_by=stands.signers, expired=expired, problems=stands.bad_signatures)]


def _listed(store: Store, digest: str, trust: Trust, deadline: Deadline) -> BundleAnswer:
    """Return a bundle, from its manifest and signatures. Other files are not read. Raises Refusal."""
    source = origin(store, digest)
    if not re.fullmatch(SHA256_PATTERN, digest):
        raise BundleRefusal("name", f"{source.place}: expected a name of 64 digits; remove it there")
    read = published_reader(store, digest, deadline)
    encoded = read(MANIFEST_FILE, MAX_MANIFEST_BYTES)
    if Digest.of(encoded).sha256 != digest:
        raise BundleRefusal(
            "digest", f"{source.place}: its manifest has another digest; remove it there, then publish the bundle again"
        )
    signers, problems = read_signers(read, encoded, trust, source)
    return describe_manifest("listed", source.place, digest, decode_manifest(encoded, source.place), signers, problems)


def collect(options: Options, store: Store, deadline: Deadline) -> Answer:
    """Find bundles that no channel points to, and files that writers left when they died. Remove them with --remove."""
    age = timedelta(days=options.days)
    collector = Collector(store, Trust(trusted_keys(options.trusted_keys)), deadline, datetime.now(UTC), age)
    found = collector.find()
    return Collected(store.place, options.days, options.remove, collector.remove(found) if options.remove else found)


def merge_bundles(options: Options) -> Answer:
    """Join bundles of one model, each compiled on another platform."""
    bundles = [read_directory(directory, IN_PLACE, EVERYTHING) for directory in options.directories]
    manifest, files = merge(bundles, options.bundle_version)
    write_bundle(options.out, manifest, files)
    return describe_manifest("merged into", str(options.out), Digest.of(encode(manifest)).sha256, manifest, ())


def _trust(options: Options) -> Trust:
    return Trust(trusted_keys(options.trusted_keys), required=not options.allow_unsigned)


def _fetch(options: Options, trust: Trust, wanted: Wanted) -> tuple[VerifiedBundle, Pointer | None]:
    with Progress("downloading") as progress:
        source = BundleSource(parse_address(options.address), trust, wanted=wanted, on_progress=progress.name)
        try:
            fetched = source.fetch(options.deadline, datetime.now(UTC))
        finally:
            source.close()
    return fetched.bundle, fetched.pointer


def channel_of(address: str) -> BundleAddress:
    """Return the address STORE#CHANNEL. Raises BundleRefusal if it is another address."""
    parsed = parse_address(address)
    if not parsed.channel:
        raise BundleRefusal("usage", f"{address}: expected STORE#CHANNEL, such as {parsed.place}#stable")
    return parsed


def _move(options: Options, store: Store, deadline: Deadline, done: str, given: str | None) -> Answer:
    address = channel_of(options.address)
    assert address.channel
    keys = [open_signer(text) for text in options.key]
    own = tuple(key.public for key in keys)
    trust = Trust((*own, *(key for key in trusted_keys(options.trusted_keys) if key not in own)))
    before = position(store, address.channel, trust, deadline, repair=options.version is not None)
    digest = _whole_digest(store, given, deadline) if given else _previous(before.pointer, address)
    claim(store, digest, deadline)
    with Progress("downloading") as progress:
        bundle = read_published(store, digest, trust, deadline, EVERYTHING, progress.name)
    _check_signed_by_all(bundle, own, store)
    pointer = next_pointer(
        address.channel, before.pointer, bundle.manifest, digest, datetime.now(UTC), options.days, options.version
    )
    move(store, pointer, before.generation, keys, deadline)
    return Moved(done, str(address), pointer)


def _check_signed_by_all(bundle: VerifiedBundle, keys: tuple[TrustedKey, ...], store: Store) -> None:
    """Raise BundleRefusal unless each key that signs the pointer has signed the bundle too.

    Otherwise a service that trusts only one of the keys follows the channel and refuses the bundle.
    """
    lacking = [key.key_id for key in keys if key.key_id not in bundle.signers]
    if lacking:
        raise BundleRefusal(
            "unsigned",
            f"{bundle.origin.place}: expected a signature by each --key, found none by {', '.join(lacking)}: who "
            "trusts only that would follow the channel and refuse the bundle; sign the bundle with it and publish it "
            f"again: python -m bundle publish DIRECTORY {store.place}; or leave that --key out",
        )


def _previous(pointer: Pointer | None, address: BundleAddress) -> str:
    if not pointer or not pointer.previous:
        raise BundleRefusal("usage", f"{address} has never pointed to another bundle; name the DIGEST to go back to")
    return pointer.previous


def _whole_digest(store: Store, given: str, deadline: Deadline) -> str:
    """Return the digest that begins with `given`. Raises BundleRefusal unless there is exactly one."""
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
