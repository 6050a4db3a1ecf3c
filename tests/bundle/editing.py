"""Bundles as somebody with the key would change them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bundle.signing.private import SigningKey
from contract.certificate import certificate_file
from contract.format_2 import INTERFACE
from contract.manifest import MANIFEST_FILE, Digest, encode, platform_name
from contract.schema import CONTRACT_FILE, Contract
from tests.support.bundles import make, put_manifest

LIBRARY = f"libmodel-{platform_name()}.so"
CERTIFICATE = certificate_file(platform_name())
Edit = Callable[[dict[str, Any]], object]


def edit(directory: Path, key: SigningKey, change: Edit) -> str:
    """Change the manifest and sign it. Return the bundle's digest."""
    document = json.loads((directory / MANIFEST_FILE).read_bytes())
    change(document)
    return put_manifest(directory, json.dumps(document).encode(), key)


def put(directory: Path, key: SigningKey, name: str, data: bytes) -> str:
    """Change a file, and the manifest with it. Return the bundle's digest."""
    (directory / name).write_bytes(data)
    digest = Digest.of(data)

    def change(manifest: dict[str, Any]) -> None:
        manifest["files"][name] = {"size": digest.size, "sha256": digest.sha256}
        if name == CERTIFICATE:
            manifest["platforms"][platform_name()]["certificate_sha256"] = digest.sha256

    return edit(directory, key, change)


def make_for(directory: Path, key: SigningKey, contract: Contract, label: str = "1") -> str:
    """Make a small bundle of another contract. Return its digest."""
    make(directory, key, label)
    return put(directory, key, CONTRACT_FILE, encode(contract))


def make_small_format_2(directory: Path, key: SigningKey) -> str:
    """Make a small bundle of the penguins as it was before contracts travelled. Return its digest."""
    make(directory, key)
    (directory / CONTRACT_FILE).unlink()

    def change(manifest: dict[str, Any]) -> None:
        del manifest["files"][CONTRACT_FILE]
        manifest.update(format_version=2, interface=json.loads(encode(INTERFACE)))

    return edit(directory, key, change)
