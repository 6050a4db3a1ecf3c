"""deploy/service.yaml and deploy/job.yaml with values in place of their placeholders."""

import string
from pathlib import Path

import msgspec

from deploy.google.cloud_run import TAG
from deploy.google.settings import DeploySettings

TEMPLATE = Path(__file__).parents[1] / "service.yaml"
JOB_TEMPLATE = TEMPLATE.with_name("job.yaml")


def traffic(settings: DeploySettings, pinned: list[dict[str, object]] | None) -> list[dict[str, object]]:
    """Return the traffic of each revision.

    A first revision gets everything. Any other new revision gets nothing until a canary gives it a share. It answers
    under its tag.
    """
    if not pinned:
        return [{"latestRevision": True, "percent": 100, "tag": TAG}]
    others = [entry for entry in pinned if entry["revisionName"] != settings.new_revision]
    own = next((entry for entry in pinned if entry["revisionName"] == settings.new_revision), {"percent": 0})
    return [*others, {"revisionName": settings.new_revision, "percent": own["percent"], "tag": TAG}]


def render(settings: DeploySettings, pinned: list[dict[str, object]] | None) -> str:
    """Return the description of the service as YAML. `read_settings` has checked the values."""
    own = msgspec.structs.asdict(settings)
    text = TEMPLATE.read_text("utf-8").partition("\n")[2]  # without the line about placeholders
    return string.Template(text).substitute(
        {name.upper(): value for name, value in own.items()},
        NEW_REVISION=settings.new_revision,
        RUNTIME_ACCOUNT=settings.runtime_account,
        BUNDLE=msgspec.json.encode(settings.bundle_address).decode(),  # quoted: # would begin a comment
        TRUSTED_KEYS=msgspec.json.encode(settings.trusted_keys).decode(),
        TRAFFIC=msgspec.json.encode(traffic(settings, pinned)).decode(),
    )


def render_job(settings: DeploySettings, arguments: list[str], tasks: int) -> str:
    """Return the description of the job that runs `python -m score` with these arguments, as YAML."""
    text = JOB_TEMPLATE.read_text("utf-8").partition("\n")[2]  # without the line about placeholders
    return string.Template(text).substitute(
        {name.upper(): value for name, value in msgspec.structs.asdict(settings).items()},
        RUNTIME_ACCOUNT=settings.runtime_account,
        TASKS=tasks,
        ARGUMENTS=msgspec.json.encode(arguments).decode(),
        BUNDLE=msgspec.json.encode(settings.bundle_address).decode(),
        TRUSTED_KEYS=msgspec.json.encode(settings.trusted_keys).decode(),
    )
