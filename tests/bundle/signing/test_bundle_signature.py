import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, POINTER, Signature, check, sign
from tests.support.bundles import new_key

DATA = b'{"format_version": 2}\n'


def test_a_signature_holds_for_its_bytes_and_its_purpose(key: SigningKey) -> None:
    """A signature is valid for one purpose: a pointer's is never a manifest's."""
    signature = sign(key, POINTER, DATA)
    assert check(signature, [key.public], POINTER, DATA, "it") == key.public.key_id
    with pytest.raises(BundleRefusal, match="not of these bytes") as refusal:
        check(signature, [key.public], MANIFEST, DATA, "it")
    assert refusal.value.reason == "signature"


@given(st.integers(0, len(DATA) * 8 - 1))
def test_one_flipped_bit_of_the_data_is_found(key: SigningKey, bit: int) -> None:
    """A flipped bit anywhere in the data makes the signature invalid."""
    changed = bytearray(DATA)
    changed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(BundleRefusal, match="not of these bytes"):
        check(sign(key, MANIFEST, DATA), [key.public], MANIFEST, bytes(changed), "it")


@given(st.integers(0, 64 * 8 - 1))
def test_one_flipped_bit_of_the_signature_is_found(key: SigningKey, bit: int) -> None:
    """A flipped bit anywhere in the signature makes it invalid."""
    signature = msgspec.json.decode(sign(key, MANIFEST, DATA), type=Signature)
    changed = bytearray(signature.signature)
    changed[bit // 8] ^= 1 << (bit % 8)
    encoded = msgspec.json.encode(msgspec.structs.replace(signature, signature=bytes(changed)))
    with pytest.raises(BundleRefusal, match="not of these bytes"):
        check(encoded, [key.public], MANIFEST, DATA, "it")


@pytest.mark.parametrize(
    ("encoded", "told"),
    [
        (b"", "found nothing"),
        (b"{}", "expected a signature"),
        (b"\xff", "expected a signature"),
        (b"[" * 3000, "expected a signature"),
    ],
)
def test_what_is_no_signature_is_refused(key: SigningKey, encoded: bytes, told: str) -> None:
    """A file that is no signature is refused, an empty one too."""
    with pytest.raises(BundleRefusal, match=told) as refusal:
        check(encoded, [key.public], MANIFEST, DATA, "it")
    assert refusal.value.reason == "signature"


def test_another_algorithm_is_refused(key: SigningKey) -> None:
    """A signature that names another algorithm is refused."""
    signature = msgspec.json.decode(sign(key, MANIFEST, DATA), type=Signature)
    encoded = msgspec.json.encode(msgspec.structs.replace(signature, algorithm="none"))
    with pytest.raises(BundleRefusal, match="expected a signature by ed25519, found 'none'"):
        check(encoded, [key.public], MANIFEST, DATA, "it")


def test_another_key_is_refused(key: SigningKey) -> None:
    """A signature by another key is refused, even under a trusted key's name."""
    other = new_key()
    with pytest.raises(BundleRefusal, match=r"add the key to TRUSTED_KEYS") as refusal:
        check(sign(other, MANIFEST, DATA), [key.public], MANIFEST, DATA, "it")
    assert refusal.value.reason == "unsigned"
    forged = msgspec.json.decode(sign(other, MANIFEST, DATA), type=Signature)
    for signature in (forged.signature, b"", bytes(1000)):
        encoded = msgspec.json.encode(Signature("ed25519", key.public.key_id, signature))
        with pytest.raises(BundleRefusal, match="not of these bytes"):
            check(encoded, [key.public], MANIFEST, DATA, "it")
