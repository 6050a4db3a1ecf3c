from datetime import timedelta

import msgspec
import pytest

from bundle.channel import Pointer, Seen, check_clock, check_current, encode_pointer, read_pointer
from bundle.keys import SigningKey
from bundle.refusal import BundleRefusal
from bundle.signature import MANIFEST, sign
from bundle.verify import Trust
from tests.bundle.making import NOW, new_key

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
SEEN = Seen(7, "a" * 64, NOW)
MINUTE = timedelta(minutes=1)


def reason_of(pointer: Pointer, seen: Seen | None, after: timedelta) -> str | None:
    try:
        check_clock(pointer, NOW + after, "stable")
        check_current(pointer, seen, NOW + after, "stable")
    except BundleRefusal as refusal:
        return refusal.reason
    return None


def test_a_pointer_is_read_as_it_was_written(key: SigningKey, trust: Trust) -> None:
    """And by whom it was signed."""
    assert read_pointer(encode_pointer(POINTER, [key]), "stable", trust, "it") == (POINTER, key.public.key_id)


def test_a_pointer_signed_with_two_keys_is_read_by_who_trusts_either(key: SigningKey, trust: Trust) -> None:
    """So that keys can be changed while services run."""
    other = new_key()
    encoded = encode_pointer(POINTER, [other, key])
    assert read_pointer(encoded, "stable", trust, "it")[1] == key.public.key_id
    assert read_pointer(encoded, "stable", Trust((other.public,)), "it")[1] == other.public.key_id


@pytest.mark.parametrize("bit", range(0, 200 * 8, 37))
def test_one_flipped_bit_is_refused(key: SigningKey, trust: Trust, bit: int) -> None:
    """Of what it says."""
    changed = bytearray(encode_pointer(POINTER, [key]))
    changed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(BundleRefusal) as refusal:
        read_pointer(bytes(changed), "stable", trust, "it")
    assert refusal.value.reason in ("signature", "unsigned")


def test_what_is_no_pointer_of_this_channel_is_refused(key: SigningKey, trust: Trust) -> None:
    """Another channel's, another format's, something else that is signed, a manifest's signature, nothing."""
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


def test_an_absent_signature_can_be_excused_but_no_wrong_one(key: SigningKey) -> None:
    """Where a setting says so by name."""
    line = msgspec.json.encode(POINTER)
    excused = Trust((key.public,), required=False)
    assert read_pointer(line + b"\n", "stable", excused, "it") == (POINTER, None)
    assert read_pointer(encode_pointer(POINTER, [new_key()]), "stable", excused, "it") == (POINTER, None)
    with pytest.raises(BundleRefusal):
        read_pointer(line + b"\n" + sign(key, MANIFEST, line), "stable", excused, "it")


def test_only_newer_pointers_are_followed() -> None:
    """The same one again is; an older one, or another of the same version, is a replay."""
    assert reason_of(POINTER, None, MINUTE) is None
    assert reason_of(POINTER, SEEN, MINUTE) is None
    assert reason_of(msgspec.structs.replace(POINTER, version=8, digest="b" * 64), SEEN, MINUTE) is None
    assert reason_of(msgspec.structs.replace(POINTER, version=6), SEEN, MINUTE) == "rollback"
    assert reason_of(msgspec.structs.replace(POINTER, digest="b" * 64), SEEN, MINUTE) == "rollback"


def test_an_expired_pointer_is_not_followed() -> None:
    """From the second on that it names."""
    assert reason_of(POINTER, SEEN, timedelta(days=30) - timedelta(seconds=1)) is None
    assert reason_of(POINTER, SEEN, timedelta(days=30)) == "expired"


def test_a_clock_that_was_set_back_revives_no_expired_pointer() -> None:
    """A newer pointer was made after its expiry: so late it is at least."""
    seen = Seen(8, "b" * 64, NOW + timedelta(days=40))
    later = msgspec.structs.replace(POINTER, version=9)
    assert reason_of(later, seen, MINUTE) == "expired"


def test_a_clock_that_is_behind_the_pointer_is_told() -> None:
    """Five minutes are forgiven."""
    assert reason_of(POINTER, None, -5 * MINUTE) is None
    assert reason_of(POINTER, None, -6 * MINUTE) == "clock"
    assert reason_of(POINTER, None, -timedelta(days=20_000)) == "clock"
