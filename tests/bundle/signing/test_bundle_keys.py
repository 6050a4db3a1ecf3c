import base64
import contextlib
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bundle.refusal import BundleRefusal
from bundle.signing.keys import TrustedKey, trusted_keys
from bundle.signing.private import generate, read_signing_key
from tests.support.faults import fail_nth_write


def test_a_key_pair_signs_and_verifies_after_it_was_written_and_read(tmp_path: Path) -> None:
    """A key pair works after it was written and read, and only its owner can read it."""
    path = tmp_path / "keys" / "release"
    made = generate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (trusted,) = trusted_keys(path.with_name("release.pub").read_text())
    read = read_signing_key(path)
    assert trusted == made.public == read.public
    assert trusted.verifies(read.sign(b"data"), b"data")
    assert not trusted.verifies(read.sign(b"data"), b"other")
    assert sorted(child.name for child in path.parent.iterdir()) == ["release", "release.pub"]


@given(
    st.lists(st.binary(min_size=32, max_size=32).map(TrustedKey), max_size=4), st.sampled_from([",", " ", ", ", "\n"])
)
def test_public_keys_are_read_as_they_are_written(keys: list[TrustedKey], separator: str) -> None:
    """Any public key is read as it was written, and no keys are an empty text."""
    assert trusted_keys(separator.join(map(str, keys))) == tuple(keys)


@pytest.mark.parametrize(
    "text", ["ed25519:", "ed25519:abc", "rsa:" + "A" * 43, "A" * 43, "ed25519:" + "!" * 43, "ed25519:" + "A" * 44]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    """A text that is no key is refused with the form of a key and how to make one."""
    with pytest.raises(BundleRefusal, match="keygen") as refusal:
        trusted_keys(text)
    assert refusal.value.reason == "key"


@pytest.mark.parametrize("there", ["key", "key.pub"])
def test_no_key_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    """An existing file is never overwritten, and then no half of a pair is written."""
    (tmp_path / there).write_bytes(b"precious")
    with pytest.raises(BundleRefusal, match="never overwritten"):
        generate(tmp_path / "key")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(there, b"precious")]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A private key that others can read is refused with the command that repairs it."""
    generate(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(BundleRefusal, match=r"chmod 600 .*key"):
        read_signing_key(tmp_path / "key")


def test_another_file_is_no_private_key(tmp_path: Path) -> None:
    """A file that is absent, of another kind or no key at all is refused."""
    path = tmp_path / "key"
    with pytest.raises(BundleRefusal, match="cannot read the private key"):
        read_signing_key(path)
    path.touch(0o600)
    with pytest.raises(BundleRefusal, match="is no private key"):
        read_signing_key(path)
    other = X25519PrivateKey.generate()
    path.write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(BundleRefusal, match="expected an Ed25519 key"):
        read_signing_key(path)


def test_a_full_disk_leaves_no_half_of_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any write leaves a whole private key or none, and no temporary file."""
    for failing in range(1, 30):
        path = tmp_path / str(failing) / "key"
        with monkeypatch.context() as patch:
            not_reached = fail_nth_write(patch, failing)
            with contextlib.suppress(BundleRefusal):
                generate(path)
        names = {child.name for child in path.parent.iterdir()} if path.parent.exists() else set()
        assert names <= {"key", "key.pub"}
        if "key" in names:
            read_signing_key(path)
        if not_reached():
            break
    else:
        pytest.fail("the fault was injected at every operation tried")
    assert failing > 5


def test_an_id_is_the_same_wherever_it_is_computed() -> None:
    """A key's id is always the same, because file names contain it."""
    key = TrustedKey(bytes(32))
    assert key.key_id == "66687aadf862bd77"
    assert str(key) == "ed25519:" + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
