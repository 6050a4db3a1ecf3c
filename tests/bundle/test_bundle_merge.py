from pathlib import Path

import msgspec
import pytest

from bundle.fetch import read_directory
from bundle.merge import merge
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.verify import IN_PLACE, VerifiedBundle, Wanted
from bundle.write import write_bundle
from contract.format_2 import CONTRACT
from contract.manifest import encode, platform_name
from contract.schema import CONTRACT_FILE
from tests.bundle.editing import edit, make_small_format_2, put
from tests.support.bundles import MACHINES, make

ALL = Wanted(all_platforms=True)


MODEL = b'{"trees": []}' + b" " * 100


def made_for(directory: Path, platform: str, label: str = "1", model: bytes = MODEL) -> VerifiedBundle:
    make(directory, label=label, model=model, platforms=(platform,))
    return read_directory(directory, IN_PLACE, ALL)


def test_bundles_of_one_model_become_one(tmp_path: Path) -> None:
    """A merge in any order has for each platform what its own bundle had."""
    parts = [made_for(tmp_path / platform, platform) for platform in MACHINES]
    manifest, files = merge(parts, None)
    assert merge(parts[::-1], None) == (manifest, files)
    write_bundle(tmp_path / "merged", manifest, files)
    merged = read_directory(tmp_path / "merged", IN_PLACE, ALL)
    assert set(merged.certificates) == set(MACHINES)
    for part in parts:
        assert part.files.items() <= merged.files.items()
    assert read_directory(tmp_path / "merged", IN_PLACE).library == merged.files[f"libmodel-{platform_name()}.so"]


def test_bundles_of_two_models_do_not(tmp_path: Path) -> None:
    """A merge of two models, of one platform twice, or of two versions is refused."""
    first, second = MACHINES
    one = made_for(tmp_path / "1", first)
    for other, told in (
        (made_for(tmp_path / "2", second, model=b'{"a": 1}'), "expected model_sha256"),
        (made_for(tmp_path / "3", first, label="3"), "give one --bundle-version"),
        (made_for(tmp_path / "4", second, label="4"), "give one --bundle-version"),
    ):
        with pytest.raises(BundleRefusal, match=told):
            merge([one, other], None)
    with pytest.raises(BundleRefusal, match=f"another platform {first}"):
        merge([one, made_for(tmp_path / "3", first, label="3")], "5")
    assert merge([one, made_for(tmp_path / "4", second, label="4")], "5")[0].bundle_version == "5"


def test_bundles_of_two_contracts_do_not(tmp_path: Path, key: SigningKey) -> None:
    """A merge of two contracts, of two formats, or of two values that are missing is refused by name."""
    first, second = MACHINES
    one = made_for(tmp_path / "1", first)
    make(tmp_path / "2", platforms=(second,))
    put(tmp_path / "2", key, CONTRACT_FILE, encode(msgspec.structs.replace(CONTRACT, title="Birds")))
    make_small_format_2(tmp_path / "3", key)
    make(tmp_path / "4", platforms=(second,))
    edit(tmp_path / "4", key, lambda manifest: manifest.update(missing=-1.0))
    for place, told in (
        ("2", f"another bundle has another file {CONTRACT_FILE}"),
        ("3", "expected format_version 3 as in .*, found 2; compile the same model on each platform"),
        ("4", "expected missing None as in .*, found -1.0; compile the same model on each platform"),
    ):
        with pytest.raises(BundleRefusal, match=told):
            merge([one, read_directory(tmp_path / place, IN_PLACE, ALL)], None)


def test_the_same_twice_is_the_same(tmp_path: Path, key: SigningKey) -> None:
    """A second merge adds nothing."""
    make(tmp_path, key)
    bundle = read_directory(tmp_path, IN_PLACE, ALL)
    assert merge([bundle, bundle], None)[1] == bundle.files


@pytest.mark.parametrize("label", ["", "two words", "2026\n", "\x1b[31m", "a" * 65])
def test_a_label_that_no_manifest_may_have_is_refused(tmp_path: Path, key: SigningKey, label: str) -> None:
    """A faulty label is refused before anything is written."""
    make(tmp_path, key)
    with pytest.raises(BundleRefusal, match="expected letters, digits") as refusal:
        merge([read_directory(tmp_path, IN_PLACE, ALL)], label)
    assert refusal.value.reason == "usage"
