from datetime import timedelta

import msgspec
import pytest

from bundle.channels.channel import SignedPointer, check_clock, check_expiry, check_order, encode_pointer, read_pointer
from bundle.channels.pointer import MAX_VERSION, Pointer
from bundle.channels.seen import Seen
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, sign
from bundle.signing.signature import POINTER as CHANNEL
from bundle.verify import Trust
from tests.support.bundles import NOW, new_key

POINTER = Pointer(
    format_version=1,
    channel="stable",
    version=7,
    digest="a" * 64,
    bundle_version="1",
    previous=None,
    created_at=NOW,
    expires_at=NOW + timedelta(days=30),
)
VERSION = "replace it: python -m bundle promote --version"  # no other promotion reads past it
SEEN = Seen(7, "a" * 64, NOW)
MINUTE = timedelta(minutes=1)


def reason_of(pointer: Pointer, seen: Seen | None, after: timedelta) -> str | None:
    try:
        check_clock(pointer, NOW + after, "stable")
        check_order(pointer, seen, "stable")
        check_expiry(pointer, seen, NOW + after, "stable")
    except BundleRefusal as refusal:
        return refusal.reason
    return None


def test_a_pointer_is_read_as_it_was_written(key: SigningKey, trust: Trust) -> None:
    """A reader gets the pointer that was written, and who signed it."""
    assert read_pointer(encode_pointer(POINTER, [key]), "stable", trust, "it") == SignedPointer(
        POINTER, (key.public.key_id,)
    )


def test_a_pointer_signed_with_two_keys_is_read_by_who_trusts_either(key: SigningKey, trust: Trust) -> None:
    """A reader that trusts either of two keys accepts the pointer, so keys can change."""
    other = new_key()
    encoded = encode_pointer(POINTER, [other, key])
    both = (other.public.key_id, key.public.key_id)
    assert read_pointer(encoded, "stable", trust, "it").signers == (key.public.key_id,)
    assert read_pointer(encoded, "stable", Trust((other.public,)), "it").signers == (other.public.key_id,)
    assert read_pointer(encoded, "stable", Trust((other.public, key.public)), "it").signers == both


def test_junk_beside_a_good_signature_is_told_and_no_more(key: SigningKey, trust: Trust) -> None:
    """Junk beside a good signature is reported and stops nobody."""
    good = encode_pointer(POINTER, [key])
    line, signature, _ = good.split(b"\n")
    other = sign(key, MANIFEST, line).rstrip()
    for junk in (b"{}", b"\xff", other):
        read = read_pointer(b"\n".join((line, junk, signature)), "stable", trust, "it")
        assert (read.pointer, read.signers, len(read.bad_signatures)) == (POINTER, (key.public.key_id,), 1)
    strangers = read_pointer(encode_pointer(POINTER, [new_key(), key]), "stable", trust, "it")
    assert strangers.bad_signatures == ()


@pytest.mark.parametrize("field", ["channel", "digest", "bundle_version", "previous"])
def test_no_newline_ends_what_is_one_line(key: SigningKey, trust: Trust, field: str) -> None:
    """A value of one line does not accept a newline at its end."""
    pointer = msgspec.structs.replace(POINTER, previous="b" * 64)
    changed = msgspec.structs.replace(pointer, **{field: f"{getattr(pointer, field)}\n"})
    with pytest.raises(BundleRefusal) as refusal:
        read_pointer(encode_pointer(changed, [key]), "stable", trust, "it")
    assert refusal.value.reason == "format"


def test_a_version_has_a_bound(key: SigningKey, trust: Trust) -> None:
    """A pointer at the highest version says that only another key goes on."""
    highest = msgspec.structs.replace(POINTER, version=MAX_VERSION)
    assert read_pointer(encode_pointer(highest, [key]), "stable", trust, "it").pointer == highest
    line = msgspec.json.encode(POINTER).replace(b'"version":7', b'"version":' + b"9" * 4300)
    for encoded in (
        encode_pointer(msgspec.structs.replace(POINTER, version=MAX_VERSION + 1), [key]),
        line + b"\n" + sign(key, CHANNEL, line),
    ):
        with pytest.raises(BundleRefusal) as refusal:
            read_pointer(encoded, "stable", trust, "it")
        assert refusal.value.reason == "format"
    seen = Seen(MAX_VERSION, "b" * 64, NOW, key.public.key_id)
    with pytest.raises(BundleRefusal, match=f"take key {key.public.key_id} out of TRUSTED_KEYS"):
        check_order(POINTER, seen, "stable")


@pytest.mark.parametrize("bit", range(0, 200 * 8, 37))
def test_one_flipped_bit_is_refused(key: SigningKey, trust: Trust, bit: int) -> None:
    """A flipped bit anywhere in a pointer is refused."""
    changed = bytearray(encode_pointer(POINTER, [key]))
    changed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(BundleRefusal) as refusal:
        read_pointer(bytes(changed), "stable", trust, "it")
    assert refusal.value.reason in ("signature", "unsigned")


def test_what_is_no_pointer_of_this_channel_is_refused(key: SigningKey, trust: Trust) -> None:
    """A pointer of another channel or format, or another signed document, is refused."""
    line = msgspec.json.encode(POINTER)
    for encoded, reason in (
        (encode_pointer(msgspec.structs.replace(POINTER, channel="canary"), [key]), "format"),
        (encode_pointer(msgspec.structs.replace(POINTER, format_version=2), [key]), "format"),
        (encode_pointer(msgspec.structs.replace(POINTER, version=0), [key]), "format"),
        (line + b"\n" + sign(key, MANIFEST, line), "signature"),
        (line + b"\n", "unsigned"),
        (line + b"\n{}\n", "signature"),
        (encode_pointer(POINTER, [new_key()]), "unsigned"),
        (encode_pointer(POINTER, [key]) + b" " * 20_000, "size"),
        (b"", "unsigned"),
    ):
        with pytest.raises(BundleRefusal) as refusal:
            read_pointer(encoded, "stable", trust, "it")
        assert refusal.value.reason == reason, encoded
        assert (
            "TRUSTED_KEYS" in str(refusal.value) or "do not use" in str(refusal.value) or VERSION in str(refusal.value)
        )


def test_an_absent_signature_can_be_excused_but_no_wrong_one(key: SigningKey) -> None:
    """A setting excuses an absent signature and never a wrong one."""
    line = msgspec.json.encode(POINTER)
    excused = Trust((key.public,), required=False)
    unsigned = SignedPointer(POINTER, ())
    assert read_pointer(line + b"\n", "stable", excused, "it") == unsigned
    assert read_pointer(encode_pointer(POINTER, [new_key()]), "stable", excused, "it") == unsigned
    with pytest.raises(BundleRefusal):
        read_pointer(line + b"\n" + sign(key, MANIFEST, line), "stable", excused, "it")


def test_only_newer_pointers_are_followed() -> None:
    """A reader follows the same or a newer pointer, and refuses an older one as a replay."""
    assert reason_of(POINTER, None, MINUTE) is None
    assert reason_of(POINTER, SEEN, MINUTE) is None
    assert reason_of(msgspec.structs.replace(POINTER, version=8, digest="b" * 64), SEEN, MINUTE) is None
    assert reason_of(msgspec.structs.replace(POINTER, version=6), SEEN, MINUTE) == "rollback"
    assert reason_of(msgspec.structs.replace(POINTER, digest="b" * 64), SEEN, MINUTE) == "rollback"


def test_an_expired_pointer_is_not_followed() -> None:
    """A pointer is refused from the second of its expiry on."""
    assert reason_of(POINTER, SEEN, timedelta(days=30) - timedelta(seconds=1)) is None
    assert reason_of(POINTER, SEEN, timedelta(days=30)) == "expired"


def test_a_clock_that_was_set_back_revives_no_expired_pointer() -> None:
    """An expired pointer stays expired when the clock goes back behind a newer pointer."""
    seen = Seen(8, "b" * 64, NOW + timedelta(days=40))
    later = msgspec.structs.replace(POINTER, version=9)
    assert reason_of(later, seen, MINUTE) == "expired"


def test_a_clock_that_is_behind_the_pointer_is_told() -> None:
    """A pointer from more than five minutes in the future is refused."""
    assert reason_of(POINTER, None, -5 * MINUTE) is None
    assert reason_of(POINTER, None, -6 * MINUTE) == "clock"
    assert reason_of(POINTER, None, -timedelta(days=20_000)) == "clock"
