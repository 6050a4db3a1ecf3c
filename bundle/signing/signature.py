"""A detached signature of exact bytes, for one purpose.

The signed data are the purpose, a newline and the bytes, so a signature for one purpose is never valid for another. A
manifest's signature is a file beside it, `manifest.<key id>.sig`, one for each key. So a key can be changed without
touching existing files.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from bundle.refusal import BundleRefusal
from bundle.signing.keys import ALGORITHM, Signer, TrustedKey

Purpose = Literal["penguins bundle manifest", "penguins channel pointer"]

MANIFEST: Purpose = "penguins bundle manifest"
POINTER: Purpose = "penguins channel pointer"
MAX_SIGNATURE_BYTES = 4096
FIX: dict[Purpose, str] = {  # how to fix a missing or invalid signature
    MANIFEST: "sign it again: python -m bundle sign",
    POINTER: "replace it: python -m bundle promote --version, with a number above the last one's",
}


class Signature(msgspec.Struct, frozen=True):
    """`signature` is 64 bytes, in base64 when it is written."""

    algorithm: str
    key_id: str
    signature: bytes


_decode_signature = msgspec.json.Decoder(Signature).decode


def signature_file(key: TrustedKey) -> str:
    """Return the name of the file that holds this key's signature of the manifest."""
    return f"manifest.{key.key_id}.sig"


def sign(key: Signer, purpose: Purpose, data: bytes) -> bytes:
    """Return a signature as one line of JSON."""
    return msgspec.json.encode(Signature(ALGORITHM, key.public.key_id, key.sign(_signed(purpose, data)))) + b"\n"


def check(encoded: bytes, keys: Sequence[TrustedKey], purpose: Purpose, data: bytes, what: str) -> str:
    """Return the id of the trusted key that made this signature of `data`. Raises BundleRefusal, naming `what`."""
    signature = _decode(encoded, purpose, what)
    if signature.algorithm != ALGORITHM:
        raise BundleRefusal(
            "signature",
            f"{what}: expected a signature by {ALGORITHM}, found {signature.algorithm!r}; {FIX[purpose]}",
        )
    key = next((key for key in keys if key.key_id == signature.key_id), None)
    if key is None:
        from bundle.command.printable import printable

        trusted = ", ".join(key.key_id for key in keys) or "none"
        raise BundleRefusal(
            "unsigned",
            f"{what}: signed by key {printable(signature.key_id)}, trusted are: {trusted}; "
            f"{FIX[purpose]}, by a trusted key; or add the key to TRUSTED_KEYS, if nobody else can have it",
        )
    if not key.verifies(signature.signature, _signed(purpose, data)):
        raise BundleRefusal(
            "signature",
            f"{what}: the signature by key {key.key_id} is not of these bytes; they were changed: do not use them",
        )
    return key.key_id


def _signed(purpose: Purpose, data: bytes) -> bytes:
    return purpose.encode() + b"\n" + data


def _decode(encoded: bytes, purpose: Purpose, what: str) -> Signature:
    try:
        return _decode_signature(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = "nothing" if not encoded else str(error)
        raise BundleRefusal("signature", f"{what}: expected a signature, found {found}; {FIX[purpose]}") from error
