"""The archive of a bundle: what comes out was verified, or nothing comes out."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle.fetch import read_directory
from bundle.refusal import BundleRefusal
from bundle.verify import Trust, VerifiedBundle, Wanted
from score.lake.archive import archive_name, read_archive, write_archive
from tests.spark.releases import drop_signatures, rewrite, spoil_library
from tests.support.bundles import make, new_key

KEY = new_key()


@pytest.fixture
def bundle(tmp_path: Path) -> VerifiedBundle:
    make(tmp_path / "bundle", KEY, platforms=("linux-x86_64", "linux-aarch64"))
    return read_directory(tmp_path / "bundle", Trust((KEY.public,)), Wanted(all_platforms=True))


@pytest.fixture
def archive(tmp_path: Path, bundle: VerifiedBundle) -> Path:
    path = tmp_path / archive_name(bundle.digest)
    write_archive(path, bundle)
    return path


def test_a_bundle_comes_out_as_it_went_in(bundle: VerifiedBundle, archive: Path) -> None:
    """The files of this platform, the manifest and the signatures are the same bytes."""
    found = read_archive(archive, bundle.digest, str(KEY.public), required=True)
    assert (found.digest, found.encoded, found.signers) == (bundle.digest, bundle.encoded, bundle.signers)
    assert found.library == bundle.library


def test_one_bundle_gives_one_archive(tmp_path: Path, bundle: VerifiedBundle, archive: Path) -> None:
    """Two drivers write the same bytes."""
    write_archive(tmp_path / "again.zip", bundle)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        (spoil_library, "digest", "of SHA-256"),
        (drop_signatures, "unsigned", "no signature by a trusted key"),
        (lambda files: files.pop("contract.json"), "missing", "expected contract.json in it"),
        (lambda files: files.update({"manifest.json": files["manifest.json"] + b" "}), "digest", "manifest.json"),
        (lambda files: files.update({"model.json": files["model.json"] * 1000}), "size", "more than"),
    ],
    ids=["library", "signature", "contract", "manifest", "large"],
)
def test_a_changed_archive_is_refused(
    bundle: VerifiedBundle, archive: Path, change: Callable[[dict[str, bytes]], None], reason: str, words: str
) -> None:
    """Whoever changes a file of an archive changes what it says, never what runs."""
    rewrite(archive, change)
    with pytest.raises(BundleRefusal, match=words) as refused:
        read_archive(archive, bundle.digest, str(KEY.public), required=True)
    assert refused.value.reason == reason


def test_every_cut_or_changed_byte_is_refused_or_harmless(bundle: VerifiedBundle, archive: Path) -> None:
    """A damaged archive gives a refusal or the same library, never another error."""
    whole = archive.read_bytes()
    for place in range(0, len(whole), 61):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]):
            archive.write_bytes(damaged)
            try:
                found = read_archive(archive, bundle.digest, "", required=False)
            except BundleRefusal:
                continue
            assert found.library == bundle.library


def test_an_absent_archive_says_what_to_do(tmp_path: Path) -> None:
    """Without the file, the refusal names it and what to do."""
    with pytest.raises(BundleRefusal, match=r"none\.zip: No such file or directory; start the job again"):
        read_archive(tmp_path / "none.zip", "0" * 64, "", required=False)


def test_the_code_for_spark_is_complete(tmp_path: Path) -> None:
    """The zip has the four stages and nothing but Python."""
    from score.lake.package import main, packed

    main([str(tmp_path / "code.zip")])
    assert (tmp_path / "code.zip").read_bytes() == packed()
    with zipfile.ZipFile(tmp_path / "code.zip") as opened:
        names = opened.namelist()
    assert {name.partition("/")[0] for name in names} == {"contract", "binding", "bundle", "score"}
    assert {Path(name).suffix for name in names} == {".py"}
