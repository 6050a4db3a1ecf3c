"""From bytes to a bundle that may be loaded. Bundles are verified only here.

The checks are in this order, each before the next file is read: the manifest's digest, its signature, its format, the
names in it and its platforms; the contract; then the size and the SHA-256 of every file, the library's header, and the
certificate. The returned bytes are the bytes that were checked.
"""

import re
from collections.abc import Callable, Iterable

import msgspec

from bundle.machine import check_machine
from bundle.refusal import BundleRefusal
from bundle.signing.keys import TrustedKey
from bundle.signing.signature import signature_file
from bundle.signing.signatures import BadSignatures, Signatures, read_signatures
from contract.certificate import Certificate
from contract.manifest import (
    LABEL_PATTERN,
    MANIFEST_FILE,
    MODEL_FILE,
    Digest,
    Manifest,
    decode_manifest,
    platform_name,
)
from contract.reading import contract_of
from contract.refusal import COMPILE, COMPILE_AGAIN, Refusal
from contract.schema import CONTRACT_FILE, Contract, difference

MAX_MANIFEST_BYTES = 1 << 20
MAX_BUNDLE_BYTES = 1 << 30
_decode_certificate = msgspec.json.Decoder(Certificate).decode  # at import: see contract/manifest.py

# Returns at most the first `limit` + 1 bytes of the file of this name. Raises BundleRefusal.
ReadFile = Callable[[str, int], bytes]


class Origin(msgspec.Struct, frozen=True):
    """Where a bundle is read from, for messages. `fix` is what to do about bytes that are damaged there."""

    place: str
    fix: str

    def path(self, name: str) -> str:
        """Return the path of a file of the bundle."""
        return f"{self.place}/{name}"


class Trust(msgspec.Struct, frozen=True):
    """The keys that may sign a bundle.

    If a signature is not `required`, an absent signature is allowed, but an invalid one is not.
    """

    keys: tuple[TrustedKey, ...] = ()
    required: bool = True


IN_PLACE = Trust(required=False)  # for a bundle that was built here, or is in the image


class Wanted(msgspec.Struct, frozen=True):
    """Which files of a bundle are read, and which contract it must have: the same as `contract`, named `model_name`.

    None and an empty name accept any contract.
    """

    all_platforms: bool = False
    contract: Contract | None = None
    model_name: str = ""


OWN = Wanted()


class VerifiedBundle(msgspec.Struct, frozen=True):
    """A bundle whose bytes were checked. `digest` is its name. The keys of `certificates` are platforms.

    `signatures` are the signature files that are valid. `signed_by` is the id of the key of the first one, or None.
    `bad_signatures` says by file name what is wrong with the others: somebody without a trusted key wrote them.
    """

    digest: str
    origin: Origin
    encoded: bytes
    manifest: Manifest
    contract: Contract
    signatures: dict[str, bytes]
    signed_by: str | None
    files: dict[str, bytes]
    certificates: dict[str, Certificate]
    bad_signatures: dict[str, str] = {}

    @property
    def signers(self) -> tuple[str, ...]:
        """Return the ids of the trusted keys that signed it."""
        return tuple(name.split(".")[1] for name in self.signatures)

    @property
    def library(self) -> bytes:
        """Return the bytes of this platform's library."""
        return self.files[self.manifest.platforms[platform_name()].library]

    @property
    def certificate(self) -> Certificate:
        """Return this platform's certificate."""
        return self.certificates[platform_name()]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return all files except the manifest."""
        return {**self.files, **self.signatures}


def verify(
    read: ReadFile,
    origin: Origin,
    trust: Trust,
    digest: str | None = None,
    wanted: Wanted = OWN,
) -> VerifiedBundle:
    """Read and check a bundle. Raises BundleRefusal, naming the file, what was expected and what was found.

    If `digest` is given, the manifest must have it.
    """
    encoded = read(MANIFEST_FILE, MAX_MANIFEST_BYTES)
    found = Digest.of(encoded).sha256
    if digest is not None and found != digest:
        path = origin.path(MANIFEST_FILE)
        raise BundleRefusal("digest", f"{path}: expected SHA-256 {digest}, found {found}; {origin.fix}")
    signatures, bad = read_signatures(read, encoded, trust.keys, origin.path)
    _check_signed(signatures, bad, trust, origin)
    manifest = _manifest(encoded, origin)
    platforms = list(manifest.platforms) if wanted.all_platforms else [platform_name()]
    names = _names(manifest, platforms, origin)
    first = [name for name in names if name == CONTRACT_FILE]  # another contract is refused before the rest is read
    files = {name: _read_verified(read, name, manifest.files[name], origin) for name in first}
    contract = _contract(manifest, files, origin)
    _check_contract(contract, wanted, origin)
    files |= {name: _read_verified(read, name, manifest.files[name], origin) for name in names if name not in first}
    certificates = {platform: _certificate(files, manifest, platform, origin) for platform in platforms}
    signed_by = next((key.key_id for key in trust.keys if signature_file(key) in signatures), None)
    problems = {name: str(refusal) for name, refusal in bad.items()}
    return VerifiedBundle(
        found, origin, encoded, manifest, contract, signatures, signed_by, files, certificates, problems
    )


def with_more_signatures(read: ReadFile, bundle: VerifiedBundle, trust: Trust, origin: Origin) -> VerifiedBundle:
    """Return the bundle with further valid signatures that `read` finds. Raises BundleRefusal."""
    lacking = tuple(key for key in trust.keys if signature_file(key) not in bundle.signatures)
    signatures, _ = read_signatures(read, bundle.encoded, lacking, origin.path)
    bad = {name: why for name, why in bundle.bad_signatures.items() if name not in signatures}
    return msgspec.structs.replace(bundle, signatures={**bundle.signatures, **signatures}, bad_signatures=bad)


def read_signers(
    read: ReadFile, encoded: bytes, trust: Trust, origin: Origin
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of a manifest's trusted signers, and what is wrong with other signatures. Raises BundleRefusal."""
    found, bad = read_signatures(read, encoded, trust.keys, origin.path)
    signers = tuple(key.key_id for key in trust.keys if signature_file(key) in found)
    return signers, tuple(map(str, bad.values()))


def _check_signed(found: Signatures, bad: BadSignatures, trust: Trust, origin: Origin) -> None:
    """Raise BundleRefusal unless one signature is valid. Then invalid ones beside it do not matter.

    An absent signature can be allowed. An invalid one alone cannot.
    """
    if found:
        return
    if bad:
        raise next(iter(bad.values()))
    if trust.required:
        trusted = ", ".join(key.key_id for key in trust.keys) or "none"
        raise BundleRefusal(
            "unsigned",
            f"{origin.place}: no signature by a trusted key (trusted: {trusted}); sign it: python -m bundle sign, "
            "or add the signer's public key to TRUSTED_KEYS",
        )


def _manifest(encoded: bytes, origin: Origin) -> Manifest:
    try:
        return decode_manifest(encoded, origin.path(MANIFEST_FILE))
    except Refusal as refusal:
        raise BundleRefusal("format", str(refusal)) from refusal


def _contract(manifest: Manifest, files: dict[str, bytes], origin: Origin) -> Contract:
    try:
        return contract_of(manifest, files.get(CONTRACT_FILE), origin.place)
    except Refusal as refusal:
        raise BundleRefusal("contract", str(refusal)) from refusal


def _check_contract(contract: Contract, wanted: Wanted, origin: Origin) -> None:
    """Raise BundleRefusal unless the model has the wanted contract."""
    if wanted.model_name and contract.name != wanted.model_name:
        raise BundleRefusal(
            "contract",
            f"{origin.place}: expected the model {wanted.model_name} (MODEL_NAME), found {contract.name}; name its "
            "bundle, or change MODEL_NAME",
        )
    mismatch = wanted.contract and difference(wanted.contract, contract)
    if mismatch:
        raise BundleRefusal(
            "contract",
            f"{origin.place} has another contract than the one that this service began with: {mismatch}; start a "
            "service for the new contract, or publish a model of the old one",
        )


def _names(manifest: Manifest, platforms: Iterable[str], origin: Origin) -> list[str]:
    """Return the files to read. All names in the manifest must be plain file names, also of files that are not read."""
    for name in manifest.files:
        if not _is_file_name(name):
            raise BundleRefusal(
                "name",
                f"{origin.path(MANIFEST_FILE)} lists {name!r}, which is not the name of a file in it; {COMPILE_AGAIN}",
            )
    if sum(digest.size for digest in manifest.files.values()) > MAX_BUNDLE_BYTES:
        raise BundleRefusal(
            "size", f"{origin.place} lists more than {MAX_BUNDLE_BYTES:,} bytes; compile a smaller model"
        )
    model = manifest.files.get(MODEL_FILE)
    if model is None or model.sha256 != manifest.model_sha256:
        path = origin.path(MANIFEST_FILE)
        raise BundleRefusal("format", f"{path}: {MODEL_FILE} is not the model that it was made from; {COMPILE_AGAIN}")
    for platform in platforms:
        _check_target(manifest, platform, origin)
    wanted = {name for platform in platforms for name in manifest.files_for(platform)}
    return [name for name in manifest.files if name in wanted]


def _is_file_name(name: str) -> bool:
    beside = name == MANIFEST_FILE or name.endswith(".sig")  # the manifest does not list these
    return re.fullmatch(LABEL_PATTERN, name) is not None and not beside


def _check_target(manifest: Manifest, platform: str, origin: Origin) -> None:
    target = manifest.platforms.get(platform)
    if target is None:
        found = ", ".join(manifest.platforms) or "no platform"
        raise BundleRefusal(
            "platform",
            f"{origin.place} has libraries for {found}, not {platform}; compile its model on {platform}: "
            f"{COMPILE}; python -m bundle merge joins both",
        )
    if target.certificate not in manifest.files:
        raise BundleRefusal(
            "certificate", f"{origin.place} has no {target.certificate}: nothing proves its library; {COMPILE_AGAIN}"
        )
    if target.library not in manifest.files:
        path = origin.path(MANIFEST_FILE)
        raise BundleRefusal("format", f"{path} gives no digest of {target.library}; {COMPILE_AGAIN}")


def _read_verified(read: ReadFile, name: str, expected: Digest, origin: Origin) -> bytes:
    data = read(name, expected.size)
    found = Digest.of(data)
    if found != expected:
        size = f"more than {expected.size}" if found.size > expected.size else f"{found.size}"
        raise BundleRefusal(
            "digest" if found.size == expected.size else "size",
            f"{origin.path(name)}: expected {expected.size} bytes of SHA-256 {expected.sha256}, "
            f"found {size} of {found.sha256}; {origin.fix}",
        )
    return data


def _certificate(files: dict[str, bytes], manifest: Manifest, platform: str, origin: Origin) -> Certificate:
    """Return the certificate. It must be for exactly this library and this model."""
    target = manifest.platforms[platform]
    path = origin.path(target.certificate)
    check_machine(files[target.library], platform, origin.path(target.library))
    try:
        certificate = _decode_certificate(files[target.certificate])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleRefusal("certificate", f"{path}: not a certificate ({error}); {COMPILE_AGAIN}") from error
    expected = (manifest.files[target.library].sha256, manifest.model_sha256)  # digests of the verified bytes
    found = (certificate.library_sha256, certificate.model_sha256)
    if found != expected or manifest.files[target.certificate].sha256 != target.certificate_sha256:
        raise BundleRefusal(
            "certificate",
            f"{path}: expected a certificate for library and model {expected}, found one for {found} "
            f"(or a certificate of other bytes than the manifest's {target.certificate_sha256[:16]}); {COMPILE_AGAIN}",
        )
    return certificate
