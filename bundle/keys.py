"""Ed25519 keys: who may say that a bundle is good.

A public key is written `ed25519:` and 43 characters, so that it fits an environment variable; TRUSTED_KEYS is one or
more of them, separated by commas or blanks. Its id is the start of its SHA-256. A private key is a PEM file (PKCS 8)
that only its owner can read. `cryptography` is imported when a key is first used, not with this module.
"""

import base64
import binascii
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bundle.refusal import BundleRefusal
from contract.files import sync_directory

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "ed25519"
PUBLIC_KEY_BYTES = 32
KEY_ID_DIGITS = 16  # hexadecimal


class TrustedKey(msgspec.Struct, frozen=True):
    """A public key: its 32 bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """What signatures name it by."""
        return hashlib.sha256(self.raw).hexdigest()[:KEY_ID_DIGITS]

    def __str__(self) -> str:
        return f"{ALGORITHM}:{base64.urlsafe_b64encode(self.raw).decode().rstrip('=')}"

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` was made of exactly these bytes with this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A private key. It is held in memory and never printed."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        self.public = TrustedKey(private.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """64 bytes, always the same for the same data."""
        return self._private.sign(data)


def trusted_keys(text: str) -> tuple[TrustedKey, ...]:
    """The keys of TRUSTED_KEYS, none where it is empty. Raises BundleRefusal."""
    return tuple(_trusted_key(word) for word in text.replace(",", " ").split())


def _trusted_key(word: str) -> TrustedKey:
    algorithm, _, encoded = word.partition(":")
    try:
        raw = base64.b64decode(f"{encoded}=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if algorithm != ALGORITHM or len(raw) != PUBLIC_KEY_BYTES:
        raise BundleRefusal(
            "key", f"trusted key {word!r}: expected {ALGORITHM}: and 43 characters; python -m bundle keygen prints one"
        )
    return TrustedKey(raw)


def generate(path: Path) -> SigningKey:
    """Write a new private key, readable by its owner alone, and its public key beside it as `path`.pub."""
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
    """Whole or not at all, and never over another file."""
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


def read_signing_key(path: Path) -> SigningKey:
    """A key that `generate` wrote. Raises BundleRefusal where others can read it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BundleRefusal("key", f"others can read the private key {path}; mend it: chmod 600 {path}")
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
