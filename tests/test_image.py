"""The container image, in a real engine: `make test-image`."""

import json
import os
import re
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from tests.commands import EXAMPLE

pytestmark = pytest.mark.image

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = os.environ.get("IMAGE", "penguins")
PORT = "18080"
# As little as a container can be given: nothing writable, no capability, Cloud Run's default memory.
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m")


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
    """Read-only, without capabilities, in 512 MiB, on the port that $PORT names."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/predict", json.dumps(EXAMPLE).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        assert json.load(response)["prediction"] == 2
    assert docker("exec", container, "id", "-u").stdout.strip() == "65532"


def test_it_stops_by_itself(container: str) -> None:
    """SIGTERM ends it with status 0 before the engine would kill it."""
    docker("stop", "--time", "8", container)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container).stdout.strip() == "0"


def test_what_only_the_build_needs_is_not_in_it() -> None:
    """Training, compiling and installing happen in stages that are left behind; a compiler would serve an intruder."""
    modules = ("xgboost", "numpy", "treelite", "tl2cgen", "sklearn", "matplotlib", "pip", "train", "compile")
    programs = ("gcc", "cc", "ld", "make", "pip", "pip3")
    script = (
        "import importlib.util, json, shutil; print(json.dumps("
        f"[name for name in {modules} if importlib.util.find_spec(name)]"
        f" + [name for name in {programs} if shutil.which(name)]))"
    )
    result = docker("run", "--rm", "--network", "none", *CONFINED, IMAGE, "python", "-c", script)
    assert json.loads(result.stdout) == []


def test_its_layers_above_the_base_are_small() -> None:
    """The application, its packages and the bundle stay under 80 MB, half of it to verify and to fetch bundles."""
    history = docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", "--human=false", IMAGE).stdout
    sizes = [int(size) for size in re.findall(r"^(\d+)\t(?:COPY|RUN)", history, re.MULTILINE)]
    assert len(sizes) >= 5
    assert sum(sizes) < 80_000_000
