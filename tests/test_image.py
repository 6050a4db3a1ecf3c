"""The container image, in a real engine: `make test-image`."""

import json
import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from tests.support.commands import EXAMPLE, ROOT
from tests.support.crowd import BIRD, Crowd, asking
from tests.support.wire import Wire

pytestmark = pytest.mark.image

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = os.environ.get("IMAGE", "penguins")
PORT = "18080"
# As little as a container can be given: nothing writable, no capability, Cloud Run's default memory.
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m")

# Bytes, by both versions of Linux's control groups.
MEMORY_USED = "cat /sys/fs/cgroup/memory.current 2>/dev/null || cat /sys/fs/cgroup/memory/memory.usage_in_bytes"


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DOCKER, *arguments], capture_output=True, text=True, check=check, timeout=60)


@pytest.fixture
def container() -> Iterator[str]:
    """The name of a running, confined container that answers on PORT."""
    name = f"penguins-test-{uuid.uuid4().hex[:8]}"
    docker("run", "--detach", "--name", name, "--network", "host", *CONFINED, "--env", f"PORT={PORT}", IMAGE)
    try:
        wait_until_ready(name)
        yield name
    finally:
        docker("rm", "--force", name, check=False)


def wait_until_ready(name: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=1).close()
        except OSError:
            assert docker("inspect", "--format", "{{.State.Running}}", name).stdout.strip() == "true"
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"not ready: {docker('logs', name).stderr}")


def test_a_confined_container_predicts(container: str) -> None:
    """A confined, read-only container in 512 MiB gives README's answer."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/predict", json.dumps(EXAMPLE).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        assert response.read().decode() in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert docker("exec", container, "id", "-u").stdout.strip() == "65532"


def test_it_stops_by_itself(container: str) -> None:
    """SIGTERM ends the container with status 0."""
    docker("stop", "--time", "8", container)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container).stdout.strip() == "0"


def test_no_crowd_takes_its_memory(container: str) -> None:
    """A crowd that drives every bound at once does not exhaust the memory."""
    used = []

    def another_client() -> None:
        with Wire(int(PORT), seconds=30) as wire:
            wire.send(asking("/predict", BIRD))
            assert wire.response().status in (200, 503)
        used.append(int(docker("exec", container, "sh", "-c", MEMORY_USED).stdout))

    crowd = Crowd(int(PORT), 1060)  # four places are left for another client
    crowd.push(another_client, 60)
    crowd.leave()
    with Wire(int(PORT), seconds=30) as wire:
        wire.send(asking("/predict", BIRD))
        assert wire.response().status == 200
    assert (
        docker("inspect", "--format", "{{.State.OOMKilled}} {{.RestartCount}}", container).stdout.strip() == "false 0"
    )
    assert max(used) < 448 << 20
    assert max(used) > 128 << 20  # else nothing was driven


LOOK = """
import importlib.util, json, os, shutil, sys
modules, programs = json.loads(sys.argv[1])
found = [name for name in modules if importlib.util.find_spec(name)]
found += [name for name in programs if shutil.which(name)]
for directory, _, names in os.walk("/", onerror=None):
    if not directory.startswith(("/proc", "/sys")):
        found += [f"{directory}/{name}" for name in names if name.endswith(".whl")]
print(json.dumps(found))
"""


def test_what_only_the_build_needs_is_not_in_it() -> None:
    """The image has no compiler, no package of the build and nothing that installs, not even a wheel of pip."""
    packages = ("xgboost", "numpy", "treelite", "tl2cgen", "sklearn", "matplotlib", "markdown_it")
    modules = (*packages, "evaluation", "cards", "train", "compile", "pip", "ensurepip", "setuptools", "venv", "wheel")
    installers = ("pip", "pip3", "uv", "easy_install", "apt", "apt-get", "apt-cache", "dpkg", "dpkg-deb", "apk", "rpm")
    programs = ("gcc", "cc", "ld", "make", *installers, "curl", "wget", "git")
    asked = json.dumps([modules, programs])
    result = docker("run", "--rm", "--network", "none", *CONFINED, IMAGE, "python", "-c", LOOK, asked)
    assert json.loads(result.stdout) == []


def test_advice_can_be_followed_in_it() -> None:
    """A bundle that is not there is refused with a command that is not said to be in the image."""
    command = ("python", "-m", "bundle", "verify", "none", "--allow-unsigned")
    said = docker("run", "--rm", "--network", "none", *CONFINED, IMAGE, *command, check=False)
    assert said.returncode != 0
    assert "python -m compile MODEL, in a checkout: there is no compiler here" in said.stderr
