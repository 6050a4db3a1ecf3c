"""What the command says: documents for scripts (--json), and the same as lines for people."""

from datetime import datetime

import msgspec

from bundle.channel import Pointer
from bundle.verify import VerifiedBundle
from contract.manifest import Digest, Manifest

SHORT = 16  # digits of a digest that people compare


class Key(msgspec.Struct, frozen=True):
    """A key pair that was made."""

    key_id: str
    public_key: str
    private_key_file: str

    def __str__(self) -> str:
        return (
            f"private key {self.private_key_file}: keep it secret, it says which code runs\n"
            f"public key  {self.public_key}\n"
            f"set TRUSTED_KEYS={self.public_key} where bundles are verified"
        )


class BundleAnswer(msgspec.Struct, frozen=True):
    """One bundle. `done` is what happened to it; `signed_by` holds ids of keys."""

    done: str
    place: str
    digest: str
    bundle_version: str
    created_at: datetime
    model_sha256: str
    platforms: tuple[str, ...]
    signed_by: tuple[str, ...]
    files: dict[str, Digest]
    channel_version: int | None = None

    def __str__(self) -> str:
        signed = f"signed by {', '.join(self.signed_by)}" if self.signed_by else "not signed by a trusted key"
        size = sum(digest.size for digest in self.files.values())
        return (
            f"{self.done} {self.place}\n"
            f"  digest     {self.digest}\n"
            f"  version    {self.bundle_version}, made {self.created_at:%Y-%m-%d %H:%M} UTC, {signed}\n"
            f"  platforms  {', '.join(self.platforms)}\n"
            f"  files      {len(self.files)}, {size:,} bytes"
        )


class Detail(msgspec.Struct, frozen=True):
    """All of one bundle."""

    bundle: BundleAnswer
    manifest: Manifest
    pointer: Pointer | None

    def __str__(self) -> str:
        trees = self.manifest.trees
        lines = [str(self.bundle), f"  model      {self.manifest.model_sha256}"]
        if self.pointer:
            lines.append(f"  channel    {_pointer_line(self.pointer)}")
        lines += [
            f"  trees      {trees.count} of depth {trees.depth}, {trees.objective}",
            f"  measures   {', '.join(self.manifest.interface.measurements)}",
            f"  classes    {', '.join(self.manifest.interface.classes)}",
        ]
        for name, target in self.manifest.platforms.items():
            lines.append(f"  {name}: {target.library}, {target.certificate}, {target.toolchain.compiler}")
        lines += [f"  {name}  {digest.size:,} bytes  {digest.sha256}" for name, digest in self.manifest.files.items()]
        return "\n".join(lines)


class Moved(msgspec.Struct, frozen=True):
    """A channel that was moved."""

    done: str
    place: str
    pointer: Pointer

    def __str__(self) -> str:
        return f"{self.done} {self.place}: {_pointer_line(self.pointer)}"


class Listed(msgspec.Struct, frozen=True):
    """A store. `problems` are channels and bundles that are there, but not to be used, with the reason."""

    store: str
    channels: tuple[Pointer, ...]
    bundles: tuple[BundleAnswer, ...]
    problems: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.store}: {len(self.channels)} channels, {len(self.bundles)} bundles"]
        lines += [f"  #{pointer.channel}  {_pointer_line(pointer)}" for pointer in self.channels]
        for bundle in self.bundles:
            signed = f"signed by {', '.join(bundle.signed_by)}" if bundle.signed_by else "not signed"
            lines.append(
                f"  @{bundle.digest[:SHORT]}  {bundle.bundle_version}  {bundle.created_at:%Y-%m-%d}  "
                f"{', '.join(bundle.platforms)}  {signed}"
            )
        lines += [f"  {name}  refused: {reason}" for name, reason in self.problems.items()]
        return "\n".join(lines)


Answer = Key | BundleAnswer | Detail | Moved | Listed


def describe(done: str, bundle: VerifiedBundle, place: str | None = None) -> BundleAnswer:
    """A verified bundle, as people see it."""
    signers = tuple(name.split(".")[1] for name in bundle.signatures)
    return describe_manifest(done, place or bundle.origin.place, bundle.digest, bundle.manifest, signers)


def describe_manifest(done: str, place: str, digest: str, manifest: Manifest, signers: tuple[str, ...]) -> BundleAnswer:
    """A bundle whose manifest is known."""
    return BundleAnswer(
        done=done,
        place=place,
        digest=digest,
        bundle_version=manifest.bundle_version,
        created_at=manifest.created_at,
        model_sha256=manifest.model_sha256,
        platforms=tuple(manifest.platforms),
        signed_by=signers,
        files=manifest.files,
    )


def _pointer_line(pointer: Pointer) -> str:
    return (
        f"version {pointer.version} -> @{pointer.digest[:SHORT]}  {pointer.bundle_version}  "
        f"expires {pointer.expires_at:%Y-%m-%d %H:%M} UTC"
    )
