"""A channel: a small signed pointer to a bundle, which moves.

Its first line is the pointer, each further line a signature of that line (bundle/signature.py). `version` grows by one
with every move, a rollback included: a pointer older than the newest one seen is a replay. After `expires_at` nobody
follows it, so that whoever holds back newer pointers is noticed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from bundle.keys import SigningKey
from bundle.refusal import BundleRefusal
from bundle.signature import POINTER, check, sign
from bundle.verify import Trust
from contract.manifest import Instant, Label, Sha256

FORMAT_VERSION = 1
MAX_POINTER_BYTES = 16_384
CLOCK_TOLERANCE = timedelta(minutes=5)  # that two clocks may differ by


class Pointer(msgspec.Struct, frozen=True):
    """`digest` is the bundle it points to, `previous` the one it pointed to before; `bundle_version` is for people."""

    format_version: int
    channel: Label
    version: Annotated[int, Meta(ge=1)]
    digest: Sha256
    bundle_version: Label
    previous: Sha256 | None
    created_at: Instant
    expires_at: Instant


class Seen(msgspec.Struct, frozen=True):
    """The newest pointer that was ever verified here."""

    version: int
    digest: str
    created_at: Instant


def encode_pointer(pointer: Pointer, keys: Sequence[SigningKey]) -> bytes:
    """What the store holds."""
    line = msgspec.json.encode(pointer)
    return line + b"\n" + b"".join(sign(key, POINTER, line) for key in keys)


def read_pointer(encoded: bytes, channel: str, trust: Trust, what: str) -> tuple[Pointer, str | None]:
    """The pointer and the id of the key that signed it. Raises BundleRefusal.

    It says what somebody trusted has said at some time: whether to follow it now is `check_current`'s to say.
    """
    if len(encoded) > MAX_POINTER_BYTES:
        raise BundleRefusal(
            "size", f"{what}: expected at most {MAX_POINTER_BYTES:,} bytes, found more; promote a bundle again"
        )
    line, _, rest = encoded.partition(b"\n")
    signed_by = _check_signatures(line, rest.splitlines(), trust, what)
    try:
        pointer = msgspec.json.decode(line, type=Pointer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleRefusal("format", f"{what}: not a channel's pointer ({error}); promote a bundle again") from error
    if (pointer.format_version, pointer.channel) != (FORMAT_VERSION, channel):
        raise BundleRefusal(
            "format",
            f"{what}: expected a pointer of format {FORMAT_VERSION} for {channel}, "
            f"found format {pointer.format_version} for {pointer.channel}; promote a bundle again",
        )
    return pointer, signed_by


def _check_signatures(line: bytes, signatures: list[bytes], trust: Trust, what: str) -> str | None:
    """One signature by a trusted key is enough; the others may be for services that trust another."""
    refused: BundleRefusal | None = None
    for signature in signatures:
        try:
            return check(signature, trust.keys, POINTER, line, what)
        except BundleRefusal as refusal:
            if refused is None or refusal.reason == "signature":
                refused = refusal
    refused = refused or BundleRefusal("unsigned", f"{what}: not signed; promote a bundle again with --key")
    if trust.required or refused.reason != "unsigned":
        raise refused
    return None


def check_clock(pointer: Pointer, now: datetime, what: str) -> None:
    """Raises BundleRefusal where the pointer is from the future: no expiry can be told by this clock."""
    if pointer.created_at > now + CLOCK_TOLERANCE:
        raise BundleRefusal("clock", f"{what}: made at {pointer.created_at}, but here it is {now}; set the clock")


def check_current(pointer: Pointer, seen: Seen | None, now: datetime, what: str) -> None:
    """Raises BundleRefusal where the pointer is older than the newest one seen, or expired.

    A clock that was set back revives nothing: it is later than the newest pointer seen, whatever the clock says.
    """
    if seen and (pointer.version < seen.version or (pointer.version == seen.version and pointer.digest != seen.digest)):
        raise BundleRefusal(
            "rollback",
            f"{what}: version {pointer.version} to {pointer.digest[:16]} came after version {seen.version} to "
            f"{seen.digest[:16]}: an old pointer was put back; to go back on purpose: python -m bundle rollback",
        )
    latest = max(now, seen.created_at) if seen else now
    if latest >= pointer.expires_at:
        raise BundleRefusal(
            "expired",
            f"{what}: version {pointer.version} expired at {pointer.expires_at}; renew it: python -m bundle promote",
        )
