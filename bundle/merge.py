"""Merging bundles of one model into one. Each was compiled on another platform."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from bundle.refusal import BundleRefusal
from bundle.verify import VerifiedBundle
from contract.manifest import LABEL_PATTERN, Digest, Manifest, PlatformBuild

Value = TypeVar("Value")

SAME = ("model_sha256", "format_version", "interface", "trees", "golden", "missing")


def merge(bundles: Sequence[VerifiedBundle], label: str | None) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest and the files of the merged bundle. Raises BundleRefusal if two bundles do not fit together.

    Its time is the latest of theirs. Its label is theirs, unless `label` is given. The order of the bundles does not
    matter.
    """
    if label is not None and not re.fullmatch(LABEL_PATTERN, label):
        raise BundleRefusal(
            "usage", f"--bundle-version {label!r}: expected letters, digits and '._+-', such as 2026.11-2"
        )
    first = bundles[0]
    targets: dict[str, PlatformBuild] = {}
    files: dict[str, bytes] = {}
    for bundle in bundles:
        _check_same(first, bundle, SAME if label else (*SAME, "bundle_version"))
        _add(targets, bundle.manifest.platforms, bundle, "platform")
        _add(files, bundle.files, bundle, "file")
    manifest = msgspec.structs.replace(
        first.manifest,
        bundle_version=label or first.manifest.bundle_version,
        created_at=max(bundle.manifest.created_at for bundle in bundles),
        platforms=dict(sorted(targets.items())),
        files={name: Digest.of(data) for name, data in sorted(files.items())},
    )
    return manifest, files


def _check_same(first: VerifiedBundle, other: VerifiedBundle, fields: tuple[str, ...]) -> None:
    for field in fields:
        expected, found = getattr(first.manifest, field), getattr(other.manifest, field)
        if expected != found:
            hint = (
                "give one --bundle-version" if field == "bundle_version" else "compile the same model on each platform"
            )
            raise BundleRefusal(
                "usage",
                f"{other.origin.place}: expected {field} {expected} as in {first.origin.place}, found {found}; {hint}",
            )


def _add(known: dict[str, Value], more: Mapping[str, Value], bundle: VerifiedBundle, kind: str) -> None:
    for name, value in more.items():
        if known.setdefault(name, value) != value:
            raise BundleRefusal(
                "usage", f"{bundle.origin.place}: another bundle has another {kind} {name}; leave one of them out"
            )
