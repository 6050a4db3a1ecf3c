"""A service whose channel moves to a bundle of another format, contract or name."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.manifest import MANIFEST_FILE, Digest, decode_manifest, encode
from contract.reading import PENGUINS, read_contract
from contract.schema import CONTRACT_FILE
from tests.support.bundles import put_manifest
from tests.support.format_2 import make_format_2
from tests.support.releases import FAST, Release, Shop, assert_serves, assert_unready, said, until_ready, until_served
from tests.support.service import APP, Service, serving

CONTRACT = read_contract(PENGUINS)
INCHES = msgspec.structs.replace(
    CONTRACT, inputs=(msgspec.structs.replace(CONTRACT.inputs[0], unit="in"), *CONTRACT.inputs[1:])
)
GULL = msgspec.structs.replace(CONTRACT, name="gull")


def changed(release: Release, out: Path, shop: Shop, contract: bytes | None = None, **manifest: Any) -> Release:
    """Make a release with another contract or manifest, and put it into the store as another version would."""
    shutil.copytree(release.directory, out)
    files = dict(release.manifest.files)
    if contract:
        (out / CONTRACT_FILE).write_bytes(contract)
        files[CONTRACT_FILE] = Digest.of(contract)
    made = msgspec.structs.replace(release.manifest, files=files, **manifest)
    digest = put_manifest(out, encode(made), shop.key)
    shutil.copytree(out, Path(shop.place) / "bundles" / digest)
    return Release(out, digest, made)


@pytest.mark.parametrize(
    ("contract", "manifest", "told"),
    [
        (None, {"format_version": 4}, r"poll refused \(format\): .* expected bundle format 2 or 3, found 4"),
        (encode(INCHES), {}, r"poll refused \(contract\): .* expected unit of input 'bill_length_mm' to be 'mm'"),
        (b"{}", {}, r"poll refused \(contract\): .*contract.json: Object missing required field `name`"),
    ],
    ids=["newer format", "another unit", "no contract"],
)
def test_what_the_service_cannot_answer_for_is_not_served(
    following: Service,
    shop: Shop,
    first: Release,
    second: Release,
    tmp_path: Path,
    contract: bytes | None,
    manifest: dict[str, int],
    told: str,
) -> None:
    """The service goes on with what it has, says why, and follows the next release that fits."""
    shop.promote(changed(second, tmp_path / "changed", shop, contract, **manifest))
    assert f"goes on with {first.digest[:16]}" in said(following, told)
    said(following, told)
    assert_serves(following, first)
    shop.promote(second)
    until_served(following, second)


def test_a_service_keeps_the_name_that_it_began_with(
    following: Service, shop: Shop, second: Release, tmp_path: Path
) -> None:
    """A bundle may give its model another name, such as its file's: the paths of the protocol stay."""
    gull = changed(second, tmp_path / "gull", shop, encode(GULL))
    shop.promote(gull)
    until_served(following, gull)
    assert following.request("GET", "/model").document["contract"]["name"] == "gull"
    assert following.request("GET", "/v2/models/penguin/ready").status == 200
    assert following.request("GET", "/v2/models/gull/ready").status == 404


def test_a_service_goes_back_to_format_2_and_on(following: Service, shop: Shop, first: Release, tmp_path: Path) -> None:
    """A channel may be rolled back to a bundle from before contracts travelled."""
    digest = make_format_2(tmp_path / "old", shop.key)
    manifest = decode_manifest((tmp_path / "old" / MANIFEST_FILE).read_bytes(), "old")
    old = Release(tmp_path / "old", digest, manifest)
    shop.publish(old)
    for release in (old, first):
        shop.promote(release)
        until_served(following, release)
        assert_serves(following, release)


def test_a_model_of_another_name_is_never_served(shop: Shop, first: Release, second: Release, tmp_path: Path) -> None:
    """A service with MODEL_NAME waits for that model, also if the cache and the image have another one."""
    shop.release(first)
    environment = shop.environment(**FAST, BUNDLE_CACHE=str(tmp_path / "cache"), BAKED_BUNDLE=str(second.directory))
    with serving(shop.stable, APP, MODEL_NAME="penguin", **environment) as service:
        until_ready(service)
        until_served(service, first)
    with serving(shop.stable, APP, MODEL_NAME="gull", **environment) as service:
        said(service, r"fetch refused \(contract\): .* expected the model gull \(MODEL_NAME\), found penguin")
        assert_unready(service, "expected the model gull (MODEL_NAME), found penguin")
        gull = changed(second, tmp_path / "gull", shop, encode(GULL))
        shop.promote(gull)
        until_ready(service)
        until_served(service, gull)
        assert service.request("GET", "/model").document["name"] == "gull"
        assert service.request("GET", "/v2/models/gull/ready").status == 200
        assert service.request("GET", "/v2/models/penguin/ready").status == 404
