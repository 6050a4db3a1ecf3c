"""Private Ed25519 keys: in a PEM file (PKCS 8) that only its owner can read, or in Google Cloud KMS."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bundle.refusal import BundleRefusal, without_client
from bundle.signing.keys import KMS_SCHEME, Signer, TrustedKey
from contract.files import sync_directory

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class SigningKey:
    """A private key. It is kept in memory and never printed."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        self.public: TrustedKey = TrustedKey(private.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """Return 64 bytes, always the same for the same data."""
        return self._private.sign(data)


def generate(path: Path) -> SigningKey:
    """Write a new private key that only its owner can read, and its public key beside it as `path`.pub.

    Return the key. Raises BundleRefusal.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = SigningKey(private)
    public_path = path.with_name(f"{path.name}.pub")
    if path.exists() or public_path.exists():
        raise BundleRefusal("key", f"{path} or {public_path} exists, and keys are never overwritten; choose another")
    _create(path, pem, 0o600)
    _create(public_path, f"{key.public}\n".encode(), 0o644)
    return key


def _create(path: Path, data: bytes, mode: int) -> None:
    """Write a file completely or not at all, and never over another file. Raises BundleRefusal."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
        sync_directory(path.parent)
    except FileExistsError as error:
        raise BundleRefusal("key", f"{path} exists, and keys are never overwritten; choose another name") from error
    except OSError as error:
        raise BundleRefusal("disk", f"cannot write {path}: {error.strerror}; choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)


def open_signer(text: str) -> Signer:
    """Return the key in a file, or gcpkms://projects/.../cryptoKeyVersions/N in Google Cloud KMS.

    Raises BundleRefusal.
    """
    if text.startswith(KMS_SCHEME):
        try:
            from bundle.signing.kms import CloudKey
        except ImportError as error:
            raise without_client(text, error) from error
        return CloudKey(text)
    return read_signing_key(Path(text))


def read_signing_key(path: Path) -> SigningKey:
    """Read a key that `generate` wrote. Raises BundleRefusal, also if other users can read the file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BundleRefusal("key", f"others can read the private key {path}; fix it: chmod 600 {path}")
        private = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise BundleRefusal(
            "key", f"cannot read the private key {path}: {error.strerror}; make one: python -m bundle keygen {path}"
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BundleRefusal("key", f"{path} is no private key ({error}); python -m bundle keygen makes one") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise BundleRefusal("key", f"{path}: expected an Ed25519 key; make one: python -m bundle keygen")
    return SigningKey(private)
