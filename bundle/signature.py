"""A detached signature: of exact bytes, for one purpose.

What is signed is the purpose, a newline and the bytes: a signature for one purpose never holds for another. That of a
manifest is a file beside it, one for each key, so that a key can be changed without touching what is there:
`manifest.<key id>.sig`.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from bundle.keys import ALGORITHM, SigningKey, TrustedKey
from bundle.refusal import BundleRefusal

Purpose = Literal["penguins bundle manifest", "penguins channel pointer"]

MANIFEST: Purpose = "penguins bundle manifest"
POINTER: Purpose = "penguins channel pointer"
MAX_SIGNATURE_BYTES = 4096


class Signature(msgspec.Struct, frozen=True):
    """`signature` is 64 bytes, in base64 when it is written."""

    algorithm: str
    key_id: str
    signature: bytes


def signature_file(key: TrustedKey) -> str:
    """Where a bundle keeps this key's signature of its manifest."""
    return f"manifest.{key.key_id}.sig"


def sign(key: SigningKey, purpose: Purpose, data: bytes) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(Signature(ALGORITHM, key.public.key_id, key.sign(_signed(purpose, data)))) + b"\n"


def check(encoded: bytes, keys: Sequence[TrustedKey], purpose: Purpose, data: bytes, what: str) -> str:
    """The id of the trusted key that made this signature of `data`. Raises BundleRefusal, naming `what`."""
    signature = _decode(encoded, what)
    if signature.algorithm != ALGORITHM:
        raise BundleRefusal(
            "signature", f"{what}: expected a signature by {ALGORITHM}, found {signature.algorithm!r}; sign it again"
        )
    key = next((key for key in keys if key.key_id == signature.key_id), None)
    if key is None:
        trusted = ", ".join(key.key_id for key in keys) or "none"
        raise BundleRefusal(
            "unsigned",
            f"{what}: signed by key {signature.key_id}, trusted are: {trusted}; "
            "sign it with a trusted key, or add the key to TRUSTED_KEYS",
        )
    if not key.verifies(signature.signature, _signed(purpose, data)):
        raise BundleRefusal(
            "signature",
            f"{what}: the signature by key {key.key_id} is not of these bytes; they were changed: do not use them",
        )
    return key.key_id


def _signed(purpose: Purpose, data: bytes) -> bytes:
    return purpose.encode() + b"\n" + data


def _decode(encoded: bytes, what: str) -> Signature:
    try:
        return msgspec.json.decode(encoded, type=Signature)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = "nothing" if not encoded else str(error)
        raise BundleRefusal("signature", f"{what}: expected a signature, found {found}; sign it again") from error
