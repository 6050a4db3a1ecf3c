"""What the commands print: documents for scripts (--json), and the same facts as lines for people.

Other people wrote much of this text, so every line goes through `printable`.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bundle.channels.pointer import Pointer
from bundle.collect import Found
from bundle.command.printable import printable
from bundle.verify import VerifiedBundle
from contract.manifest import Digest, Manifest
from contract.schema import Contract, listed

SHORT = 16  # digits of a digest; people compare so many


class Key(msgspec.Struct, frozen=True):
    """A key that can sign: its id, its public part, and where the private key is."""

    key_id: str
    public_key: str
    private_key: str

    def __str__(self) -> str:
        return _page(
            (
                f"private key {self.private_key}: keep it secret, it says which code runs",
                f"public key  {self.public_key}",
                f"key id      {self.key_id}",
                f"set TRUSTED_KEYS={self.public_key} where bundles are verified",
            )
        )


class BundleAnswer(msgspec.Struct, frozen=True):
    """One bundle. `done` is what happened to it. `signed_by` holds the ids of trusted keys that signed it.

    `problems` are invalid or ignored signatures, with the reason.
    """

    done: str
    place: str
    digest: str
    bundle_version: str
    created_at: datetime
    model_sha256: str
    platforms: tuple[str, ...]
    signed_by: tuple[str, ...]
    files: dict[str, Digest]
    problems: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the answer as lines for people."""
        size = sum(digest.size for digest in self.files.values())
        return [
            f"{self.done} {self.place}",
            f"  digest     {self.digest}",
            f"  version    {self.bundle_version}, made {self.created_at:%Y-%m-%d %H:%M} UTC, {_signed(self.signed_by)}",
            f"  platforms  {', '.join(self.platforms)}",
            f"  files      {len(self.files)}, {size:,} bytes",
            *(f"  warning    {problem}" for problem in self.problems),
        ]

    def __str__(self) -> str:
        return _page(self.lines())


class Detail(msgspec.Struct, frozen=True):
    """Everything about one bundle."""

    bundle: BundleAnswer
    manifest: Manifest
    contract: Contract
    pointer: Pointer | None

    def __str__(self) -> str:
        trees = self.manifest.trees
        lines = [*self.bundle.lines(), f"  model      {self.manifest.model_sha256}"]
        if self.pointer:
            lines.append(f"  channel    {_pointer_line(self.pointer)}")
        lines += [
            f"  trees      {trees.count} of depth {trees.depth}, {trees.objective}",
            f"  contract   {self.contract.name}",
            f"  inputs     {listed(self.contract.input_names)}",
            f"  answers    {self.contract.output.kind}: {listed(self.contract.output.values)}",
        ]
        for name, target in self.manifest.platforms.items():
            lines.append(f"  {name}: {target.library}, {target.certificate}, {target.toolchain.compiler}")
        lines += [f"  {name}  {digest.size:,} bytes  {digest.sha256}" for name, digest in self.manifest.files.items()]
        return _page(lines)


class Moved(msgspec.Struct, frozen=True):
    """A channel that was moved."""

    done: str
    place: str
    pointer: Pointer

    def __str__(self) -> str:
        return _page([f"{self.done} {self.place}: {_pointer_line(self.pointer)}"])


class ListedChannel(Pointer, frozen=True, kw_only=True):
    """A pointer, the ids of the trusted keys that signed it, and whether it has expired.

    `problems` are invalid signatures, with the reason.
    """

    signed_by: tuple[str, ...]
    expired: bool
    problems: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the channel as lines for people."""
        expired = "EXPIRED: promote it again" if self.expired else ""
        line = f"  #{self.channel}  {_pointer_line(self)}  {_signed(self.signed_by)}  {expired}".rstrip()
        return [line, *(f"    warning: {problem}" for problem in self.problems)]


class Listed(msgspec.Struct, frozen=True):
    """The content of a store. `problems` are objects that must not be used, with the reason."""

    store: str
    channels: tuple[ListedChannel, ...]
    bundles: tuple[BundleAnswer, ...]
    problems: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.store}: {len(self.channels)} channels, {len(self.bundles)} bundles"]
        lines += [line for channel in self.channels for line in channel.lines()]
        for bundle in self.bundles:
            lines.append(
                f"  @{bundle.digest[:SHORT]}  {bundle.bundle_version}  {bundle.created_at:%Y-%m-%d}  "
                f"{', '.join(bundle.platforms)}  {_signed(bundle.signed_by)}"
            )
            lines += [f"    warning: {problem}" for problem in bundle.problems]
        lines += [f"  {name}  refused: {reason}" for name, reason in self.problems.items()]
        return _page(lines)


class Collected(msgspec.Struct, frozen=True):
    """What `gc` found in a store. `done` means that it has also removed and marked bundles."""

    store: str
    days: float
    done: bool
    found: Found

    def __str__(self) -> str:
        goes, is_marked = ("removed", "marked now") if self.done else ("would be removed", "would be marked")
        lines = [f"{self.store}: {len(self.found.pointed)} bundles that channels point to, or would be rolled back to"]
        for unused in self.found.unused:
            since = f"{unused.since:%Y-%m-%d %H:%M} UTC"
            stays = f"unused since {since}" if unused.marked else f"unused, {is_marked}"
            stays += f"; it goes {self.days:g} days after that, unless it is promoted"
            lines.append(f"  @{unused.digest}  {f'unused since {since}: {goes}' if unused.removed else stays}")
        lines += [f"  {name}  left by a writer that died: {goes}" for name in self.found.leftovers]
        if not self.done:
            lines.append("nothing was changed; to do it, add --remove")
        return _page(lines)


Answer = Key | BundleAnswer | Detail | Moved | Listed | Collected


def describe(done: str, bundle: VerifiedBundle, place: str | None = None, problems: Iterable[str] = ()) -> BundleAnswer:
    """Return the answer about a verified bundle."""
    return describe_manifest(
        done,
        place or bundle.origin.place,
        bundle.digest,
        bundle.manifest,
        bundle.signers,
        (*bundle.bad_signatures.values(), *problems),
    )


def describe_manifest(  # the arguments are the fields of the answer
    done: str,
    place: str,
    digest: str,
    manifest: Manifest,
    signers: tuple[str, ...],
    problems: tuple[str, ...] = (),
) -> BundleAnswer:
    """Return the answer about a bundle whose manifest is known."""
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
        problems=problems,
    )


def _page(lines: Iterable[str]) -> str:
    return "\n".join(map(printable, lines))


def _signed(signers: tuple[str, ...]) -> str:
    return f"signed by {', '.join(signers)}" if signers else "not signed by a trusted key"


def _pointer_line(pointer: Pointer) -> str:
    return (
        f"version {pointer.version} -> @{pointer.digest[:SHORT]}  {pointer.bundle_version}  "
        f"expires {pointer.expires_at:%Y-%m-%d %H:%M} UTC"
    )
