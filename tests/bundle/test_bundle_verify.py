"""Verification: each fault of a bundle is refused by its own reason."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.fetch import read_directory
from bundle.machine import check_machine
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.signing.signature import MANIFEST, POINTER, sign, signature_file
from bundle.verify import IN_PLACE, Trust, Wanted
from contract.manifest import MANIFEST_FILE, MODEL_FILE, Digest, platform_name
from contract.schema import CONTRACT_FILE
from tests.bundle.editing import CERTIFICATE, LIBRARY, Edit, edit, put
from tests.support.bundles import MACHINES, header, make, new_key

OTHER = next(platform for platform in MACHINES if platform != platform_name())


def refused(directory: Path, trust: Trust, reason: str, told: str | None = None) -> None:
    with pytest.raises(BundleRefusal, match=told) as refusal:
        read_directory(directory, trust)
    assert refusal.value.reason == reason, str(refusal.value)


def test_a_good_bundle_is_what_was_read(made: Path, key: SigningKey, trust: Trust) -> None:
    """A good bundle has the very bytes and names its signer."""
    verified = read_directory(made, trust)
    assert verified.digest == Digest.of((made / MANIFEST_FILE).read_bytes()).sha256
    assert verified.library == (made / LIBRARY).read_bytes()
    assert verified.signed_by == key.public.key_id
    assert set(verified.contents) | {MANIFEST_FILE} == set(os.listdir(made))


def test_a_library_cut_anywhere_is_refused(bundle_path: Path, tmp_path: Path) -> None:
    """A library cut at any 512 bytes, or by one byte, is refused."""
    copy = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    data = (copy / LIBRARY).read_bytes()
    for length in [*range(0, len(data), 512), len(data) - 1]:
        (copy / LIBRARY).write_bytes(data[:length])
        refused(copy, IN_PLACE, "size", r"expected .* bytes of SHA-256")


@given(data=st.data())
def test_any_flipped_bit_of_any_file_is_refused(
    data: st.DataObject, key: SigningKey, trust: Trust, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A flipped bit in any file is refused."""
    directory = tmp_path_factory.mktemp("flipped")
    make(directory, key, size=100)
    path = directory / data.draw(st.sampled_from(sorted(set(os.listdir(directory)) - {signature_file(key.public)})))
    found = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, len(found) * 8 - 1))
    found[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(found)
    with pytest.raises(BundleRefusal):
        read_directory(directory, trust)


def test_more_bytes_than_the_manifest_says_are_not_read(made: Path, trust: Trust) -> None:
    """A file longer than the manifest says is refused after one byte more."""
    with (made / LIBRARY).open("ab") as file:
        file.truncate(1 << 40)  # a hole, larger than any memory
    refused(made, trust, "size", "found more than")
    (made / MANIFEST_FILE).unlink()
    (made / MANIFEST_FILE).touch()
    os.truncate(made / MANIFEST_FILE, 1 << 40)
    refused(made, Trust(required=False), "format")


def test_a_library_for_another_machine_is_refused(made: Path, key: SigningKey, trust: Trust) -> None:
    """A library for another machine is refused, although everything else fits."""
    library = header(OTHER) + bytes(100)
    certificate = json.loads((made / CERTIFICATE).read_bytes())
    put(made, key, LIBRARY, library)
    put(made, key, CERTIFICATE, json.dumps({**certificate, "library_sha256": Digest.of(library).sha256}).encode())
    refused(made, trust, "architecture", f"expected a library for {platform_name()}, found one for")


def test_a_library_of_another_model_is_refused(made: Path, key: SigningKey, trust: Trust, tmp_path: Path) -> None:
    """A library with another model's certificate is refused."""
    make(tmp_path / "other", key, label="2", model=b'{"another": 1}')
    for name in (LIBRARY, CERTIFICATE):
        put(made, key, name, (tmp_path / "other" / name).read_bytes())
    refused(made, trust, "certificate", "expected a certificate for library and model")


@pytest.mark.parametrize("names", [(LIBRARY,), (LIBRARY, CERTIFICATE), (MANIFEST_FILE,), (CERTIFICATE,)])
def test_two_releases_do_not_mix(
    made: Path, key: SigningKey, trust: Trust, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Files of another release are refused, and so is its manifest without its signature."""
    make(tmp_path / "other", key, label="2")
    for name in names:
        shutil.copy(tmp_path / "other" / name, made / name)
    with pytest.raises(BundleRefusal) as refusal:
        read_directory(made, trust)
    assert refusal.value.reason in ("size", "digest", "signature")


def test_an_unsigned_bundle_is_refused_unless_that_is_excused(made: Path, key: SigningKey, trust: Trust) -> None:
    """A setting excuses an absent signature and never a wrong one."""
    path = made / signature_file(key.public)
    signature = path.read_bytes()
    path.unlink()
    refused(made, trust, "unsigned", "add the signer's public key to TRUSTED_KEYS")
    refused(made, Trust(), "unsigned", "trusted: none")
    assert read_directory(made, IN_PLACE).signed_by is None
    excused = Trust(trust.keys, required=False)
    assert read_directory(made, excused).signed_by is None
    for changed in (
        b"",
        signature.replace(b"ed25519", b"ed448"),
        sign(key, POINTER, (made / MANIFEST_FILE).read_bytes()),
    ):
        path.write_bytes(changed)
        refused(made, excused, "signature")
        refused(made, trust, "signature")


def test_another_key_s_signature_does_not_count(made: Path, key: SigningKey) -> None:
    """Another key's signature is refused under its own name and under a trusted one."""
    other = new_key()
    refused(made, Trust((other.public,)), "unsigned")
    shutil.copy(made / signature_file(key.public), made / signature_file(other.public))
    refused(made, Trust((other.public,)), "unsigned", f"signed by key {key.public.key_id}")


def test_one_of_several_trusted_keys_is_enough(made: Path, key: SigningKey) -> None:
    """A signature by one of several trusted keys is enough, so keys can change."""
    other = new_key()
    assert read_directory(made, Trust((other.public, key.public))).signed_by == key.public.key_id
    encoded = (made / MANIFEST_FILE).read_bytes()
    (made / signature_file(other.public)).write_bytes(sign(other, MANIFEST, encoded))
    both = read_directory(made, Trust((other.public, key.public)))
    assert both.signed_by == other.public.key_id
    assert len(both.signatures) == 2


@pytest.mark.parametrize("junk", ["", "junk", "of other bytes", "a directory", "a link", "too long"])
def test_one_good_signature_is_enough_whatever_lies_beside_it(
    made: Path, key: SigningKey, tmp_path: Path, junk: str
) -> None:
    """A good signature is enough, and other files beside it are reported."""
    other = new_key()
    path = made / signature_file(other.public)
    if junk == "a directory":
        path.mkdir()
    elif junk == "a link":
        (tmp_path / "far").write_bytes(sign(other, MANIFEST, (made / MANIFEST_FILE).read_bytes()))
        path.symlink_to(tmp_path / "far")
    else:
        path.write_bytes(
            {"of other bytes": sign(other, MANIFEST, b"x"), "too long": b" " * 9999}.get(junk, junk.encode())
        )
    for keys in ((other.public, key.public), (key.public, other.public)):
        bundle = read_directory(made, Trust(keys))
        assert bundle.signed_by == key.public.key_id
        assert bundle.signers == (key.public.key_id,)
        assert list(bundle.bad_signatures) == [path.name]
        assert str(path) in bundle.bad_signatures[path.name]
    with pytest.raises(BundleRefusal) as refusal:
        read_directory(made, Trust((other.public,), required=False))  # a wrong one alone is not excused
    assert refusal.value.reason in ("signature", "name")


def test_a_symbolic_link_in_a_bundle_is_refused(made: Path, trust: Trust, tmp_path: Path) -> None:
    """A symbolic link is refused, although it leads to the right bytes."""
    for name in (LIBRARY, MODEL_FILE, MANIFEST_FILE, CONTRACT_FILE):
        outside = tmp_path / name
        (made / name).rename(outside)
        (made / name).symlink_to(outside)
        refused(made, trust, "name", "found a symbolic link")
        (made / name).unlink()
        outside.rename(made / name)
    read_directory(made, trust)


def test_what_is_no_regular_file_is_refused(made: Path, trust: Trust) -> None:
    """A named pipe or a directory in the place of a file is refused."""
    (made / LIBRARY).unlink()
    os.mkfifo(made / LIBRARY)
    refused(made, trust, "name", "expected a regular file")
    (made / LIBRARY).unlink()
    (made / LIBRARY).mkdir()
    with pytest.raises(BundleRefusal):
        read_directory(made, trust)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "a/b",
        "..",
        ".",
        "",
        ".hidden",
        "a\\b",
        "a\n",
        "a\0",
        MANIFEST_FILE,
        "manifest.0.sig",
        "é",
    ],
)
def test_a_name_that_is_none_is_refused(made: Path, key: SigningKey, trust: Trust, name: str) -> None:
    """A file name that is hidden, reserved or leads out of the bundle is refused."""
    edit(made, key, lambda m: m["files"].update({name: m["files"][MODEL_FILE]}))
    refused(made, trust, "name", "not the name of a file")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m["files"].pop(CONTRACT_FILE), "contract"),
        (lambda m: m["platforms"].clear(), "platform"),
        (lambda m: m["platforms"][platform_name()].update(library="unlisted"), "format"),
        (lambda m: m["platforms"][platform_name()].update(certificate="unlisted"), "certificate"),
        (lambda m: m["platforms"][platform_name()].update(certificate=MODEL_FILE), "certificate"),
        (lambda m: m["platforms"][platform_name()].update(certificate_sha256="0" * 64), "certificate"),
        (lambda m: m.update(model_sha256="0" * 64), "format"),
        (lambda m: m.update(bundle_version="two words"), "format"),
        (lambda m: m.update(bundle_version="1\n"), "format"),
        (lambda m: m.update(model_sha256=m["model_sha256"] + "\n"), "format"),
        (lambda m: m.update(created_at="2026-11-23"), "format"),
        (lambda m: m.update(format_version=1), "format"),
        (lambda m: m.update(format_version=4), "format"),
        (lambda m: m["files"].pop(MODEL_FILE), "format"),
        (lambda m: m["files"].update(huge={"size": 1 << 40, "sha256": "0" * 64}), "size"),
        (lambda m: m["files"].update(negative={"size": -1, "sha256": "0" * 64}), "format"),
        (lambda m: m["files"].update(absent=m["files"][MODEL_FILE]), "missing"),
    ],
)
def test_a_signed_manifest_that_does_not_fit_is_refused(
    made: Path, key: SigningKey, trust: Trust, change: Edit, reason: str
) -> None:
    """A signed manifest that does not fit this service is refused."""
    edit(made, key, change)
    refused(made, trust, reason)


def test_only_this_platform_s_files_are_read(tmp_path: Path, key: SigningKey, trust: Trust) -> None:
    """Files of other platforms may be absent, unless all are wanted."""
    make(tmp_path, key, platforms=(platform_name(), OTHER))
    assert set(read_directory(tmp_path, trust, Wanted(all_platforms=True)).certificates) == {platform_name(), OTHER}
    (tmp_path / f"libmodel-{OTHER}.so").unlink()
    verified = read_directory(tmp_path, trust)
    assert set(verified.files) == {LIBRARY, CERTIFICATE, MODEL_FILE, CONTRACT_FILE}
    with pytest.raises(BundleRefusal):
        read_directory(tmp_path, trust, Wanted(all_platforms=True))


def test_a_file_that_is_swapped_while_it_is_checked_changes_nothing(
    made: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checked bytes are the loaded bytes, although the file was swapped."""
    before = (made / LIBRARY).read_bytes()

    def swap(*arguments: Any) -> None:
        (made / LIBRARY).write_bytes(b"another library")
        check_machine(*arguments)

    monkeypatch.setattr("bundle.verify.check_machine", swap)
    assert read_directory(made, trust).library == before
