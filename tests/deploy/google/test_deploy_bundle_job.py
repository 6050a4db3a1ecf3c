"""The steps of a release that sign, publish and promote: killed anywhere and run again by another machine."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from bundle.signing.private import generate, read_signing_key
from tests.deploy.gcloud import PROJECT
from tests.deploy.project import Project
from tests.deploy.workflows import WORKFLOWS, loaded
from tests.support.cloud import Cloud, Fault
from tests.support.releases import Release

MOST = 60  # requests of one attempt
STEPS = {
    "bundle": ("Sign it", "Publish it"),
    "deploy": ("Point the channel at what serves",),
}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Make the key that Secret Manager keeps."""
    generate(tmp_path / "key")
    return tmp_path / "key"


class Runner(NamedTuple):
    """What a job has on its machine: the repository, the image's bundle, which is not signed, and programs."""

    directory: Path
    environment: dict[str, str]

    def start(self, job: str) -> "subprocess.Popen[str]":
        """Start the steps of a job in one shell, as GitHub runs each of them."""
        workflow = loaded(next(path for path in WORKFLOWS if path.stem == "release"))
        steps = [step["run"] for step in workflow["jobs"][job]["steps"] if step.get("name") in STEPS[job]]
        assert len(steps) == len(STEPS[job])
        script = "set -eo pipefail\n" + "".join(f"(\n{step}\n)\n" for step in steps)
        return subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc", "-c", script],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def runner(directory: Path, release: Release, key_file: Path, cloud: Cloud, digest: str = "") -> Runner:
    """Make a machine that has run nothing yet."""
    directory.mkdir()
    shutil.copytree(release.directory, directory / "released", ignore=shutil.ignore_patterns("*.sig"))
    project = Project(directory)
    (directory / "bin" / "python").symlink_to(sys.executable)
    public = str(read_signing_key(key_file).public)
    return Runner(
        directory,
        {
            **project.environment,
            **cloud.environment,
            "PATH": f"{directory}/bin:{os.defpath}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "GITHUB_OUTPUT": f"{directory}/output",
            "RUNNER_TEMP": str(directory),
            "FAKE_GCLOUD_SECRET": str(key_file),
            "PROJECT": PROJECT,
            "BUCKET": "models",
            "KEY_VERSION": "1",
            "TRUSTED_KEYS": public,
            "DIGEST": digest,
        },
    )


def ended(started: Runner, job: str) -> str:
    """Run a job to its end. Return what it tells the next ones."""
    process = started.start(job)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert not [*started.directory.glob("*.key")]
    output = started.directory / "output"
    return output.read_text() if output.exists() else ""


def killed(started: Runner, job: str, cloud: Cloud, number: int) -> bool:
    """Kill a job with all its processes at its Nth request. Return whether it came so far.

    An even request is done all the same, and its answer lost.
    """
    process = started.start(job)

    def kill(n: int, _: str) -> Fault | None:
        if n != number:
            return None
        os.killpg(process.pid, signal.SIGKILL)
        return "reset" if number % 2 else "lost"

    cloud.requests.clear()
    cloud.fault = kill
    process.communicate(timeout=60)
    cloud.fail_all(None)
    return process.returncode == -signal.SIGKILL


def contents(cloud: Cloud) -> dict[str, bytes]:
    """Return what is in the bucket."""
    return {name: cloud.objects[name].data for name in cloud.names()}


@pytest.mark.long
def test_a_bundle_job_that_is_killed_ends_the_same(cloud: Cloud, tmp_path: Path, good: Release, key_file: Path) -> None:
    """Wherever it is killed, another attempt names the same digest and leaves the same objects."""
    expected = ended(runner(tmp_path / "undisturbed", good, key_file, cloud), "bundle")
    assert expected == f"digest={good.digest}\n"
    objects = contents(cloud)
    for number in range(1, MOST):
        cloud.objects.clear()
        if not killed(runner(tmp_path / f"killed-{number}", good, key_file, cloud), "bundle", cloud, number):
            break
        assert ended(runner(tmp_path / f"again-{number}", good, key_file, cloud), "bundle") == expected
        assert contents(cloud) == objects, number
    assert 6 < number < MOST - 1


@pytest.mark.long
def test_a_promotion_that_is_killed_ends_the_same(cloud: Cloud, tmp_path: Path, good: Release, key_file: Path) -> None:
    """Wherever it is killed, another attempt ends with the channel at the bundle."""
    first = runner(tmp_path / "bundle", good, key_file, cloud)
    ended(first, "bundle")
    before = dict(cloud.objects)
    for number in range(1, MOST):
        cloud.objects = dict(before)
        disturbed = runner(tmp_path / f"killed-{number}", good, key_file, cloud, good.digest)
        if not killed(disturbed, "deploy", cloud, number):
            break
        again = runner(tmp_path / f"again-{number}", good, key_file, cloud, good.digest)
        ended(again, "deploy")
        listed = subprocess.run(
            [sys.executable, "-m", "bundle", "list", "gs://models/penguins"],
            env=again.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert f"#stable  version 1 -> @{good.digest[:16]}" in listed.stdout
    assert 2 < number < MOST - 1
