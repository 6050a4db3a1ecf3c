"""From bytes to a bundle that may be loaded: the one place where bundles are checked.

In this order, each before the next is read: the manifest's digest, its signature, its format, contract, names and
platform; then size and SHA-256 of every file, the library's header, the certificate. What is returned are the very
bytes that were checked.
"""

import re
from collections.abc import Callable, Iterable

import msgspec

from bundle.keys import TrustedKey
from bundle.machine import check_machine
from bundle.refusal import BundleRefusal
from bundle.signature import MANIFEST, MAX_SIGNATURE_BYTES, check, signature_file
from contract.certificate import Certificate
from contract.manifest import (
    CONTRACT,
    LABEL_PATTERN,
    MANIFEST_FILE,
    MODEL_FILE,
    Digest,
    Interface,
    Manifest,
    decode_manifest,
    difference,
    platform_name,
)
from contract.refusal import Refusal

MAX_MANIFEST_BYTES = 1 << 20
MAX_BUNDLE_BYTES = 1 << 30

# The first `limit` + 1 bytes of a file by its name, all where there are fewer. Raises BundleRefusal.
Read = Callable[[str, int], bytes]


class Origin(msgspec.Struct, frozen=True):
    """Where a bundle is read from, for people, and what mends it."""

    place: str
    mend: str

    def path(self, name: str) -> str:
        """A file of it."""
        return f"{self.place}/{name}"


class Trust(msgspec.Struct, frozen=True):
    """Whose signature makes a bundle good. Where none is `required`, an absent one is excused, a wrong one is not."""

    keys: tuple[TrustedKey, ...] = ()
    required: bool = True


IN_PLACE = Trust(required=False)  # of what was built here, or came with the image


class Wanted(msgspec.Struct, frozen=True):
    """What is read of a bundle, and for which contract; None takes any."""

    all_platforms: bool = False
    interface: Interface | None = CONTRACT


OWN = Wanted()


class VerifiedBundle(msgspec.Struct, frozen=True):
    """Bytes that were checked. `digest` is the bundle's name; `certificates` has a platform for a key.

    `signatures` are the files of those that were checked; `signed_by` is the id of the key, or None.
    """

    digest: str
    origin: Origin
    encoded: bytes
    manifest: Manifest
    signatures: dict[str, bytes]
    signed_by: str | None
    files: dict[str, bytes]
    certificates: dict[str, Certificate]

    @property
    def library(self) -> bytes:
        """This platform's."""
        return self.files[self.manifest.platforms[platform_name()].library]

    @property
    def certificate(self) -> Certificate:
        """This platform's."""
        return self.certificates[platform_name()]

    @property
    def contents(self) -> dict[str, bytes]:
        """All files but the manifest."""
        return {**self.files, **self.signatures}


def verify(
    read: Read,
    origin: Origin,
    trust: Trust,
    digest: str | None = None,
    wanted: Wanted = OWN,
) -> VerifiedBundle:
    """Read and check a bundle. Raises BundleRefusal, naming the file, what was expected and what was found."""
    encoded = read(MANIFEST_FILE, MAX_MANIFEST_BYTES)
    found = Digest.of(encoded).sha256
    if digest is not None and found != digest:
        path = origin.path(MANIFEST_FILE)
        raise BundleRefusal("digest", f"{path}: expected SHA-256 {digest}, found {found}; {origin.mend}")
    signatures, signed_by = _signatures(read, encoded, trust, origin)
    manifest = _manifest(encoded, origin)
    _check_contract(manifest, wanted.interface, origin)
    platforms = list(manifest.platforms) if wanted.all_platforms else [platform_name()]
    names = _names(manifest, platforms, origin)
    files = {name: _read_verified(read, name, manifest.files[name], origin) for name in names}
    certificates = {platform: _certificate(files, manifest, platform, origin) for platform in platforms}
    return VerifiedBundle(found, origin, encoded, manifest, signatures, signed_by, files, certificates)


def _signatures(read: Read, encoded: bytes, trust: Trust, origin: Origin) -> tuple[dict[str, bytes], str | None]:
    """Those by trusted keys, each of which has to hold, and the id of the first key."""
    found = {}
    signers = []
    for key in trust.keys:
        name = signature_file(key)
        signature = _read_if_there(read, name, MAX_SIGNATURE_BYTES)
        if signature is not None:
            signers.append(check(signature, [key], MANIFEST, encoded, origin.path(name)))
            found[name] = signature
    if trust.required and not signers:
        trusted = ", ".join(key.key_id for key in trust.keys) or "none"
        raise BundleRefusal(
            "unsigned",
            f"{origin.place}: no signature by a trusted key (trusted: {trusted}); sign it: python -m bundle sign, "
            "or add the signer's public key to TRUSTED_KEYS",
        )
    return found, signers[0] if signers else None


def _read_if_there(read: Read, name: str, limit: int) -> bytes | None:
    try:
        return read(name, limit)
    except BundleRefusal as refusal:
        if refusal.reason != "missing":
            raise
        return None


def _manifest(encoded: bytes, origin: Origin) -> Manifest:
    try:
        return decode_manifest(encoded, origin.path(MANIFEST_FILE))
    except Refusal as refusal:
        raise BundleRefusal("format", str(refusal)) from refusal


def _check_contract(manifest: Manifest, interface: Interface | None, origin: Origin) -> None:
    mismatch = interface and difference(interface, manifest.interface)
    if mismatch:
        raise BundleRefusal("contract", f"{origin.place} was built for another contract: {mismatch}; {origin.mend}")


def _names(manifest: Manifest, platforms: Iterable[str], origin: Origin) -> list[str]:
    """The files to read. All that the manifest lists have to be names of files, whether they are read or not."""
    for name in manifest.files:
        if not _is_file_name(name):
            raise BundleRefusal(
                "name",
                f"{origin.path(MANIFEST_FILE)} lists {name!r}, which is not the name of a file in it; {origin.mend}",
            )
    if sum(digest.size for digest in manifest.files.values()) > MAX_BUNDLE_BYTES:
        raise BundleRefusal("size", f"{origin.place} lists more than {MAX_BUNDLE_BYTES:,} bytes; {origin.mend}")
    model = manifest.files.get(MODEL_FILE)
    if model is None or model.sha256 != manifest.model_sha256:
        path = origin.path(MANIFEST_FILE)
        raise BundleRefusal("format", f"{path}: {MODEL_FILE} is not the model that it was made from; {origin.mend}")
    for platform in platforms:
        _check_target(manifest, platform, origin)
    wanted = {name for platform in platforms for name in manifest.files_for(platform)}
    return [name for name in manifest.files if name in wanted]


def _is_file_name(name: str) -> bool:
    beside = name == MANIFEST_FILE or name.endswith(".sig")  # beside what the manifest lists
    return re.fullmatch(LABEL_PATTERN, name) is not None and not beside


def _check_target(manifest: Manifest, platform: str, origin: Origin) -> None:
    target = manifest.platforms.get(platform)
    if target is None:
        found = ", ".join(manifest.platforms) or "no platform"
        raise BundleRefusal("platform", f"{origin.place} has libraries for {found}, not {platform}; {origin.mend}")
    if target.certificate not in manifest.files:
        raise BundleRefusal(
            "certificate", f"{origin.place} has no {target.certificate}: nothing proves its library; {origin.mend}"
        )
    if target.library not in manifest.files:
        path = origin.path(MANIFEST_FILE)
        raise BundleRefusal("format", f"{path} gives no digest of {target.library}; {origin.mend}")


def _read_verified(read: Read, name: str, expected: Digest, origin: Origin) -> bytes:
    data = read(name, expected.size)
    found = Digest.of(data)
    if found != expected:
        size = f"more than {expected.size}" if found.size > expected.size else f"{found.size}"
        raise BundleRefusal(
            "digest" if found.size == expected.size else "size",
            f"{origin.path(name)}: expected {expected.size} bytes of SHA-256 {expected.sha256}, "
            f"found {size} of {found.sha256}; {origin.mend}",
        )
    return data


def _certificate(files: dict[str, bytes], manifest: Manifest, platform: str, origin: Origin) -> Certificate:
    """The certificate, which has to be for exactly this library and model."""
    target = manifest.platforms[platform]
    path = origin.path(target.certificate)
    check_machine(files[target.library], platform, origin.path(target.library), origin.mend)
    try:
        certificate = msgspec.json.decode(files[target.certificate], type=Certificate)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleRefusal("certificate", f"{path}: not a certificate ({error}); {origin.mend}") from error
    expected = (manifest.files[target.library].sha256, manifest.model_sha256)  # of verified bytes
    found = (certificate.library_sha256, certificate.model_sha256)
    if found != expected or manifest.files[target.certificate].sha256 != target.certificate_sha256:
        raise BundleRefusal(
            "certificate",
            f"{path}: expected a certificate for library and model {expected}, found one for {found} "
            f"(or a certificate of other bytes than the manifest's {target.certificate_sha256[:16]}); {origin.mend}",
        )
    return certificate
