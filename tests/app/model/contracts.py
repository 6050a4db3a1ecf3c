"""Releases of other contracts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bundle.fetch import read_directory
from bundle.signing.private import SigningKey
from bundle.verify import IN_PLACE
from contract.manifest import Digest, encode
from contract.schema import CONTRACT_FILE
from tests.support.bundles import put_manifest
from tests.support.releases import ALL, Release

Edit = Callable[[dict[str, Any]], object]


def recontracted(release: Release, out: Path, key: SigningKey, edit: Edit) -> Release:
    """Make a signed copy of a release whose contract was edited."""
    files = read_directory(release.directory, IN_PLACE, ALL).files
    document = json.loads(files[CONTRACT_FILE])
    edit(document)
    files = {**files, CONTRACT_FILE: json.dumps(document).encode()}
    digests = {name: Digest.of(data) for name, data in files.items()}
    manifest = msgspec.structs.replace(release.manifest, files=digests, bundle_version="edited")
    out.mkdir(parents=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
    return Release(out, put_manifest(out, encode(manifest), key), manifest)
