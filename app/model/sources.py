"""The sources of bundles, from the settings: which bundle to fetch, and which signatures to require."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.settings import Settings
from bundle.address import BundleAddress, parse_address
from bundle.fetch import BundleSource
from bundle.signing.trusted import trust_in
from contract.refusal import Refusal

if TYPE_CHECKING:
    from bundle.cache import Cache

# A pause between two files and between two steps of a load: on a single core, requests that wait can run then.
BREATH_SECONDS = 0.001


def configured_source(settings: Settings) -> BundleSource:
    """Return the source that BUNDLE names, without reading from it. Raises Refusal if the settings do not fit."""
    source = _source(settings, "BUNDLE", settings.bundle)
    if settings.follow_seconds and not source.address.channel:
        raise Refusal(
            f"environment variable FOLLOW_SECONDS={settings.follow_seconds:g}: expected BUNDLE to be a channel, such "
            f"as gs://models/penguins#stable, found {settings.bundle}; name one, or leave FOLLOW_SECONDS out"
        )
    return source


def challenger_source(settings: Settings) -> BundleSource | None:
    """Return the source that CHALLENGER_URI names, or None if it is not set. Raises Refusal as `configured_source`."""
    return _source(settings, "CHALLENGER_URI", settings.challenger_uri) if settings.challenger_uri else None


def _source(settings: Settings, variable: str, text: str) -> BundleSource:
    try:
        address = parse_address(text)
        unsigned = settings.allow_unsigned_bundles
        trust = trust_in(address, settings.trusted_keys, allow_unsigned=unsigned, baked=settings.baked_bundle)
    except Refusal as refusal:
        raise Refusal(f"environment variable {variable}: {refusal}") from refusal
    if trust.required and not trust.keys:
        raise Refusal(
            f"environment variable {variable}={text}: expected TRUSTED_KEYS to name who may have signed it, found "
            "none; set it to what python -m bundle keygen printed, or ALLOW_UNSIGNED_BUNDLES=1 for a bundle of your own"
        )
    cache = _cache(settings, variable, address) if settings.bundle_cache and address.in_store else None
    return BundleSource(address, trust, cache, on_progress=lambda _: time.sleep(BREATH_SECONDS))


def _cache(settings: Settings, variable: str, address: BundleAddress) -> "Cache":
    from bundle.cache import Cache

    cache = Cache(Path(settings.bundle_cache))
    try:
        cache.check_apart(address.place)
    except Refusal as refusal:
        raise Refusal(f"environment variables BUNDLE_CACHE and {variable}: {refusal}") from refusal
    return cache
