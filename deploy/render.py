"""deploy/service.yaml with its placeholders filled in."""

import string
from pathlib import Path

import msgspec

from deploy.cloud_run import TAG
from deploy.settings import Settings

TEMPLATE = Path(__file__).with_name("service.yaml")


def traffic(settings: Settings, pinned: list[dict[str, object]] | None) -> list[dict[str, object]]:
    """A first revision gets everything, any other nothing yet: it can be asked by its tag; a canary lets it in."""
    if not pinned:
        return [{"latestRevision": True, "percent": 100, "tag": TAG}]
    others = [entry for entry in pinned if entry["revisionName"] != settings.new_revision]
    own = next((entry for entry in pinned if entry["revisionName"] == settings.new_revision), {"percent": 0})
    return [*others, {"revisionName": settings.new_revision, "percent": own["percent"], "tag": TAG}]


def render(settings: Settings, pinned: list[dict[str, object]] | None) -> str:
    """The description of the service, as YAML. Values have the form that the settings were checked for."""
    own = msgspec.structs.asdict(settings)
    text = TEMPLATE.read_text("utf-8").partition("\n")[2]  # without the line about placeholders
    return string.Template(text).substitute(
        {name.upper(): value for name, value in own.items()},
        NEW_REVISION=settings.new_revision,
        RUNTIME_ACCOUNT=settings.runtime_account,
        BUNDLE=msgspec.json.encode(settings.reference).decode(),  # quoted: # would begin a comment
        TRUSTED_KEYS=msgspec.json.encode(settings.trusted_keys).decode(),
        TRAFFIC=msgspec.json.encode(traffic(settings, pinned)).decode(),
    )
