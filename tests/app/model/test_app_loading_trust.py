"""Which signatures a service trusts at its start."""

from pathlib import Path

import pytest

from tests.support.bundles import new_key
from tests.support.releases import (
    Release,
    Shop,
    assert_serves,
    assert_unready,
    said,
    sign_copy,
    until_ready,
)
from tests.support.service import APP, serving


# Whose code runs
@pytest.mark.parametrize("how", ["none", "another key"])
def test_what_no_trusted_key_has_signed_is_not_loaded(shop: Shop, bundle_path: Path, tmp_path: Path, how: str) -> None:
    """A bundle without a trusted signature is not loaded; a setting excuses only an absent one."""
    other = Shop(shop.place, new_key())
    release = sign_copy(bundle_path, tmp_path / "other", other.key)
    if how == "none":
        for signature in release.directory.glob("*.sig"):
            signature.unlink()
    with serving(release.directory, APP, **shop.environment()) as service:
        assert_unready(service, "fetch refused (unsigned)", retried=False)
    other.release(sign_copy(bundle_path, tmp_path / "again", other.key))
    with serving(shop.stable, APP, **shop.environment()) as service:
        said(service, r"fetch refused \(unsigned\)")
        assert_unready(service, "fetch refused (unsigned)")
    with serving(release.directory, APP, **shop.environment(ALLOW_UNSIGNED_BUNDLES="1")) as service:
        assert_serves(service, release)


def test_a_signed_bundle_is_named_with_its_key(shop: Shop, first: Release) -> None:
    """A bundle by directory, digest or channel is shown with the key that signed it."""
    shop.release(first)
    for reference in (str(first.directory), f"{shop.place}@{first.digest}", shop.stable):
        with serving(reference, APP, **shop.environment()) as service:
            until_ready(service)
            assert_serves(service, first)
            assert service.request("GET", "/model").document["signed_by"] == shop.key.public.key_id
