"""Small bundles whose libraries are not code: everything about them is checked except answers."""

import struct
from datetime import UTC, datetime
from pathlib import Path

from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, sign, signature_file
from contract.certificate import Certificate, certificate_file
from contract.format_2 import CONTRACT
from contract.manifest import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    MODEL_FILE,
    Digest,
    Golden,
    Manifest,
    PlatformBuild,
    Toolchain,
    Trees,
    Tuning,
    encode,
    platform_name,
)
from contract.schema import CONTRACT_FILE

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MACHINES = {"linux-x86_64": 62, "linux-aarch64": 183}


def header(platform: str) -> bytes:
    """Return the start of an ELF shared object."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, MACHINES[platform])


def new_key() -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return SigningKey(Ed25519PrivateKey.generate())


def make(
    directory: Path,
    key: SigningKey | None = None,
    label: str = "1",
    model: bytes = b'{"trees": []}' + b" " * 100,
    platforms: tuple[str, ...] = (platform_name(),),
    size: int = 2000,
) -> str:
    """Write a bundle and its signature. Return its digest."""
    files = {MODEL_FILE: model, CONTRACT_FILE: encode(CONTRACT)}
    targets = {}
    for platform in platforms:
        library = header(platform) + f"{label} {platform} ".encode() * (size // 10)
        files[f"libmodel-{platform}.so"] = library
        certificate = encode(
            Certificate(
                Digest.of(model).sha256, Digest.of(library).sha256, "3.2.0", {"random": 1}, 0, ("baseline",), "any"
            )
        )
        files[certificate_file(platform)] = certificate
        targets[platform] = PlatformBuild(
            library=f"libmodel-{platform}.so",
            certificate=certificate_file(platform),
            certificate_sha256=Digest.of(certificate).sha256,
            toolchain=Toolchain("cc 12", ("-O2",), {}),
            tuning=Tuning("walk", 16, {}),
        )
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        bundle_version=label,
        created_at=NOW,
        model_sha256=Digest.of(model).sha256,
        trees=Trees("multi:softprob", 3, 9, 1, (0.5, 0.5, 0.5)),
        golden=Golden((1.0, 2.0, 3.0, 4.0), (0.0, 0.0, 1.0), 2),
        platforms=targets,
        files={name: Digest.of(data) for name, data in files.items()},
    )
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return put_manifest(directory, encode(manifest), key)


def put_manifest(directory: Path, encoded: bytes, key: SigningKey | None) -> str:
    """Write the manifest, and its signature if there is a key. Return its digest."""
    (directory / MANIFEST_FILE).write_bytes(encoded)
    if key:
        (directory / signature_file(key.public)).write_bytes(sign(key, MANIFEST, encoded))
    return Digest.of(encoded).sha256
