"""Ed25519 keys: who may sign bundles.

A public key is written as `ed25519:` and 43 characters, so that it fits into an environment variable. TRUSTED_KEYS is
one or more of them, separated by commas or spaces. A key's id is the start of its SHA-256. A private key is a PEM file
(PKCS 8) that only its owner can read. `cryptography` is imported when a key is first used, not with this module.
"""

import base64
import binascii
import hashlib
from typing import Protocol

import msgspec

from bundle.refusal import BundleRefusal

ALGORITHM = "ed25519"
PUBLIC_KEY_BYTES = 32
KEY_ID_DIGITS = 16  # hexadecimal
KMS_SCHEME = "gcpkms://"


class TrustedKey(msgspec.Struct, frozen=True):
    """A public key: its 32 bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """Return the id by which signatures name the key."""
        return hashlib.sha256(self.raw).hexdigest()[:KEY_ID_DIGITS]

    def __str__(self) -> str:
        return f"{ALGORITHM}:{base64.urlsafe_b64encode(self.raw).decode().rstrip('=')}"

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Return whether `signature` was made from exactly these bytes with this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """A key that can sign: in a file (SigningKey), or in a KMS that it never leaves (bundle/signing/kms.py)."""

    @property
    def public(self) -> TrustedKey:
        """Return the key that verifies its signatures."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return 64 bytes, always the same for the same data. Raises BundleRefusal if signing fails."""
        ...


def trusted_keys(text: str) -> tuple[TrustedKey, ...]:
    """Return the keys of TRUSTED_KEYS, none if it is empty. Raises BundleRefusal."""
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
