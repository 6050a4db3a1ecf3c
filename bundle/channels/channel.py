"""A channel: a small signed pointer to a bundle. Moving the channel replaces the pointer.

The first line of its file is the pointer. Each further line is a signature of that line (bundle/signing/signature.py).
`version` grows by one with every move, also with a rollback. A pointer that is older than the newest one seen
(bundle/channels/seen.py) is a replay. Nobody follows a pointer after its `expires_at`, so it is noticed if an attacker
holds back newer pointers.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from bundle.channels.pointer import MAX_VERSION, Pointer
from bundle.channels.seen import Seen
from bundle.refusal import BundleRefusal
from bundle.signing.keys import Signer
from bundle.signing.signature import FIX, POINTER, check, sign
from bundle.verify import Trust

FORMAT_VERSION = 1
MAX_POINTER_BYTES = 16_384
CLOCK_TOLERANCE = timedelta(minutes=5)  # how far two clocks may differ
REPLACE = FIX[POINTER]


class SignedPointer(msgspec.Struct, frozen=True):
    """A pointer, the ids of the trusted keys that signed it, and what is wrong with other signatures."""

    pointer: Pointer
    signers: tuple[str, ...]
    bad_signatures: tuple[str, ...] = ()


_decode_pointer = msgspec.json.Decoder(Pointer).decode


def encode_pointer(pointer: Pointer, keys: Sequence[Signer]) -> bytes:
    """Return the pointer and its signatures as the store holds them."""
    line = msgspec.json.encode(pointer)
    return line + b"\n" + b"".join(sign(key, POINTER, line) for key in keys)


def read_pointer(encoded: bytes, channel: str, trust: Trust, what: str) -> SignedPointer:
    """Return the pointer and who signed it. Raises BundleRefusal, naming `what`.

    A trusted key has signed this pointer at some time. `check_order` and `check_expiry` decide whether to follow it
    now.
    """
    if len(encoded) > MAX_POINTER_BYTES:
        raise BundleRefusal("size", f"{what}: expected at most {MAX_POINTER_BYTES:,} bytes, found more; {REPLACE}")
    line, _, rest = encoded.partition(b"\n")
    signers, bad = _check_signatures(line, rest.splitlines(), trust, what)
    try:
        pointer = _decode_pointer(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleRefusal("format", f"{what}: not a channel's pointer ({error}); {REPLACE}") from error
    if (pointer.format_version, pointer.channel) != (FORMAT_VERSION, channel):
        raise BundleRefusal(
            "format",
            f"{what}: expected a pointer of format {FORMAT_VERSION} for {channel}, "
            f"found format {pointer.format_version} for {pointer.channel}; {REPLACE}",
        )
    return SignedPointer(pointer, signers, bad)


def _check_signatures(
    line: bytes, signatures: list[bytes], trust: Trust, what: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of trusted signers, and what is wrong with other signatures. Raises BundleRefusal.

    One signature by a trusted key is enough. The others may be for services that trust another key.
    """
    signers: list[str] = []
    refusals: list[BundleRefusal] = []
    for signature in signatures:
        try:
            signers.append(check(signature, trust.keys, POINTER, line, what))
        except BundleRefusal as refusal:
            refusals.append(refusal)
    wrong = [refusal for refusal in refusals if refusal.reason != "unsigned"]
    if not signers:
        refused = next(iter(wrong or refusals), BundleRefusal("unsigned", f"{what}: not signed; {REPLACE}"))
        if trust.required or wrong:
            raise refused
    return tuple(dict.fromkeys(signers)), tuple(map(str, wrong))


def check_clock(pointer: Pointer, now: datetime, what: str) -> None:
    """Raise BundleRefusal if the pointer is from the future: this clock cannot decide whether it has expired."""
    if pointer.created_at > now + CLOCK_TOLERANCE:
        raise BundleRefusal("clock", f"{what}: made at {pointer.created_at}, but here it is {now}; set the clock")


def check_order(pointer: Pointer, seen: Seen | None, what: str) -> None:
    """Raise BundleRefusal if the pointer is older than the newest one seen, or differs at the same version."""
    if seen and (pointer.version < seen.version or (pointer.version == seen.version and pointer.digest != seen.digest)):
        by = f", which key {seen.signer} signed" if seen.signer else ""
        raise BundleRefusal(
            "rollback",
            f"{what}: version {pointer.version} to {pointer.digest[:16]} came after version {seen.version} to "
            f"{seen.digest[:16]}{by}: an old pointer was put back; {_way_back(seen)}",
        )


def _way_back(seen: Seen) -> str:
    if seen.version < MAX_VERSION:
        return f"to go back on purpose: python -m bundle rollback --version {seen.version + 1}"
    return f"no version comes after that: take key {seen.signer} out of TRUSTED_KEYS (OPERATIONS.md, a leaked key)"


def check_expiry(pointer: Pointer, seen: Seen | None, now: datetime, what: str) -> None:
    """Raise BundleRefusal if the pointer has expired.

    Setting the clock back does not revive a pointer: the time is at least that of the newest pointer seen.
    """
    latest = max(now, seen.created_at) if seen else now
    if latest >= pointer.expires_at:
        raise BundleRefusal(
            "expired",
            f"{what}: version {pointer.version} expired at {pointer.expires_at}; renew it: python -m bundle promote",
        )
