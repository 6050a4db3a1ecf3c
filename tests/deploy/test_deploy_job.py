"""deploy/job.yaml: what Cloud Run takes, and what the job is told."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.google.render import render_job
from deploy.google.settings import read_settings
from score.__main__ import parser
from tests.deploy.project import ENVIRONMENT, Project
from tests.support.commands import ROOT
from tests.support.telemetry import needed

REPLACE = ("gcloud", "run", "jobs", "replace", "--region=europe-west1", "--project=penguins-471103")
ARGUMENTS = ["gs://birds/2026", "--out", "gs://birds/scored", "--bad-rows", "separate"]


def test_the_job_is_told_what_was_typed() -> None:
    """The job has as many tasks as were asked for, and arguments that the command takes."""
    document = yaml.safe_load(render_job(read_settings(environment=ENVIRONMENT), ARGUMENTS, 7))
    template = document["spec"]["template"]["spec"]
    (container,) = template["template"]["spec"]["containers"]
    assert (template["taskCount"], template["parallelism"]) == (7, 7)
    assert container["args"] == ARGUMENTS
    assert parser().parse_args(container["args"]).out == "gs://birds/scored"
    assert {each["name"]: each["value"] for each in container["env"]}["BUNDLE"] == ENVIRONMENT["BUNDLE"]
    assert container["image"] == ENVIRONMENT["IMAGE"]


def test_commands_of_a_job_are_printed_or_run(tmp_path: Path) -> None:
    """Without --yes nothing is run; with it, exactly what was printed."""
    project = Project(tmp_path)
    out = f"--out={tmp_path}/job.yaml"
    printed = project.deploy("job", out, "--tasks=3", "--", *ARGUMENTS)
    assert printed.returncode == 0, printed.stderr
    assert project.calls == []
    assert project.deploy("job", out, "--tasks=3", "--yes", "--", *ARGUMENTS).returncode == 0
    commands = [shlex.split(line)[1:] for line in printed.stdout.splitlines() if line.startswith("gcloud ")]
    assert [[word for word in call if word != "--quiet"] for call in project.calls] == commands
    assert project.deploy("job", out, "--tasks=0", "--", *ARGUMENTS).returncode == 2


@pytest.mark.parametrize("slip", ["", "taskCoun", "maxRetrie", "memor"])
def test_gcloud_itself_takes_the_job(tmp_path: Path, slip: str) -> None:
    """The real gcloud understands the whole description, and would notice a slip in it."""
    needed("gcloud", "google-cloud-cli")
    text = render_job(read_settings(environment=ENVIRONMENT), ARGUMENTS, 3)
    if slip == "memor":
        text = text.replace("resources:", "resource:")
    elif slip:
        text = text.replace(f"{slip}{ {'taskCoun': 't', 'maxRetrie': 's'}[slip] }:", f"{slip}:")
    (tmp_path / "job.yaml").write_text(text)
    ran = subprocess.run(
        [*REPLACE, f"{tmp_path}/job.yaml"],
        env={**os.environ, "CLOUDSDK_CONFIG": str(tmp_path / "config"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode, "there is no account"
    assert ("Failed to parse value(s) in protobuf [Job]" in ran.stderr) == bool(slip), ran.stderr
    assert slip or "gcloud auth login" in ran.stderr


def test_the_image_reads_what_the_build_needs() -> None:
    """Every lock that the Dockerfile copies is let through to the build."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY requirements/"):
            assert f"!{line.split()[1]}" in ignored
