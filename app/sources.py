"""Where bundles come from, by the settings: which one is meant, and whose signature it needs."""

import time
from pathlib import Path

from app.settings import BUILT, Settings
from bundle.cache import Cache
from bundle.fetch import Source
from bundle.keys import trusted_keys
from bundle.reference import Reference, parse_reference
from bundle.verify import IN_PLACE, Trust
from contract.refusal import Refusal

# Between two files, and two steps of a load: on a single core the requests that wait have their turn then.
BREATH_SECONDS = 0.001


def configured_source(settings: Settings) -> Source:
    """Of BUNDLE. Raises Refusal where the settings cannot be meant so; nothing is read."""
    source = _source(settings, "BUNDLE", settings.bundle)
    if settings.follow_seconds and not source.reference.channel:
        raise Refusal(
            f"environment variable FOLLOW_SECONDS={settings.follow_seconds:g}: expected BUNDLE to be a channel, such "
            f"as gs://models/penguins#stable, found {settings.bundle}; name one, or leave FOLLOW_SECONDS out"
        )
    return source


def challenger_source(settings: Settings) -> Source | None:
    """Of CHALLENGER_URI, by the same order of trust. Raises Refusal."""
    return _source(settings, "CHALLENGER_URI", settings.challenger_uri) if settings.challenger_uri else None


def _source(settings: Settings, variable: str, text: str) -> Source:
    try:
        reference = parse_reference(text)
        trust = _trust(settings, reference)
    except Refusal as refusal:
        raise Refusal(f"environment variable {variable}: {refusal}") from refusal
    if trust.required and not trust.keys:
        raise Refusal(
            f"environment variable {variable}={text}: expected TRUSTED_KEYS to name who may have signed it, found "
            "none; set it to what python -m bundle keygen printed, or ALLOW_UNSIGNED_BUNDLES=1 for a bundle of your own"
        )
    cache = Cache(Path(settings.bundle_cache)) if settings.bundle_cache and reference.in_store else None
    return Source(reference, trust, cache, told=lambda _: time.sleep(BREATH_SECONDS))


def _trust(settings: Settings, reference: Reference) -> Trust:
    """What was built here, or is in the image, is as good as the code that reads it."""
    in_place = {Path(directory).absolute() for directory in (BUILT, settings.baked_bundle) if directory}
    if not reference.in_store and Path(reference.place).absolute() in in_place:
        return IN_PLACE
    return Trust(trusted_keys(settings.trusted_keys), required=not settings.allow_unsigned_bundles)
