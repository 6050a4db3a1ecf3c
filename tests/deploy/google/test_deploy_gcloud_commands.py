"""Every gcloud command that we print or document, parsed by the real gcloud."""

from pathlib import Path

import pytest

from deploy.commands import _deployment
from deploy.google import gcloud, iam
from deploy.google.settings import read_settings
from tests.deploy.google.linted import in_document, judged
from tests.deploy.project import ENVIRONMENT
from tests.support.commands import ROOT

SETTINGS = read_settings(environment=ENVIRONMENT)
PAGES = ("DEPLOYMENT.md", "OPERATIONS.md")
WRONG = {
    "gcloud run services frobnicate penguins": "Invalid choice",
    "gcloud secrets versions add penguins-signing --data-fil=x --project=penguins-471103": "unrecognized arguments",
    "gcloud secrets versions add --data-file=x --project=penguins-471103": "Must be specified",
}


def printed() -> list[str]:
    """Return what `iam` and `plan` print, and what they ask on the way."""
    everything = [*iam.commands(SETTINGS, "123456789012"), *_deployment(SETTINGS, Path("service.yaml"))]
    where = ["--location=global", f"--project={SETTINGS.project}"]
    pool = ["iam", "workload-identity-pools"]
    looks = [
        [
            "storage",
            "buckets",
            "list",
            "--filter=name=penguin-models",
            f"--project={SETTINGS.project}",
            "--format=json",
        ],
        [*pool, "describe", "github", *where, "--format=json"],
        [*pool, "providers", "describe", "github", "--workload-identity-pool=github", *where, "--format=json"],
        ["auth", "print-access-token"],
    ]
    return [gcloud.shell_command([*command, "--quiet"]) for command in (*everything, *looks)]


@pytest.mark.long
def test_gcloud_parses_what_we_print_and_document(tmp_path: Path) -> None:
    """The real gcloud parses every command of `iam`, `plan` and the documents, and refuses wrong ones."""
    documented = [command for page in PAGES for command in in_document((ROOT / page).read_text(encoding="utf-8"))]
    assert len(documented) > 12
    found = judged([*printed(), *documented, *WRONG], tmp_path)
    right, wrong = found[: -len(WRONG)], found[-len(WRONG) :]
    assert [each for each in right if each.refusal] == []
    for each in wrong:
        assert WRONG[each.command] in each.refusal, each


def test_every_documented_command_names_its_project() -> None:
    """Every gcloud command of the documents has --project, but the logins and what is about a project itself."""
    without = ("gcloud auth ", "gcloud projects ", "gcloud config ", "gcloud components ")
    for page in PAGES:
        for command in in_document((ROOT / page).read_text(encoding="utf-8")):
            assert command.startswith(without) or "--project=" in command, f"{page}: {command}"
