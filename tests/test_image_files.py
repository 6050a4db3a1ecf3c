"""What is in the image: its size, its labels, and that another build of the same commit has the same files."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.image.layers import Layer, LayerFile, own_layers
from benchmarks.image.packages import LARGE_BYTES, owners, reason, sizes
from tests.support.commands import ROOT

pytestmark = pytest.mark.image

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = os.environ.get("IMAGE", "penguins")
FLAGS = os.environ.get("DOCKER_BUILD_FLAGS", "")
BUILD_SECONDS = 1800.0
ASK = "from app.core.settings import read_settings; import app.main; print('imported')"
FETCH = ("python", "-m", "bundle", "list", "gs://bucket/penguins")


def make(target: str, **variables: str) -> str:
    """Run `make` with these variables. Returns what it printed."""
    given = [f"{name}={value}" for name, value in {"DOCKER": DOCKER, **variables}.items()]
    inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "PYTHON"}}
    ran = subprocess.run(
        ["make", target, *given],
        cwd=ROOT,
        env=inherited,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout


@contextmanager
def built(**variables: str) -> Iterator[str]:
    """Build another image. Returns its name."""
    name = f"penguins-test-{uuid.uuid4().hex[:8]}"
    make("image", IMAGE=name, **variables)
    try:
        yield name
    finally:
        subprocess.run([DOCKER, "rmi", "--force", name], capture_output=True, timeout=60, check=False)


def inside(image: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a container without a network."""
    whole = [DOCKER, "run", "--rm", "--read-only", "--network", "none", image, *command]
    return subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)


def bytes_of(layers: list[Layer]) -> int:
    """Return the bytes of all layers."""
    return sum(layer.size for layer in layers)


def labels() -> dict[str, str]:
    """Return the image's labels without their common prefix."""
    command = [DOCKER, "inspect", "--format", "{{json .Config.Labels}}", IMAGE]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    given: dict[str, str] = json.loads(ran.stdout)
    return {name.removeprefix("org.opencontainers.image."): value for name, value in given.items()}


def test_its_layers_above_the_base_are_small() -> None:
    """The layers above the base have at most 50 MB, gs:// included."""
    layers = own_layers(DOCKER, IMAGE).layers
    assert len(layers) >= 4
    assert 20_000_000 < bytes_of(layers) <= 50_000_000


def test_without_cloud_storage_it_is_smaller_still() -> None:
    """Built without gs:// they have at most 35 MB; the service is whole, and says what is missing for gs://."""
    with built(STORAGE="none", DOCKER_BUILD_FLAGS=FLAGS) as image:
        assert bytes_of(own_layers(DOCKER, image).layers) <= 35_000_000
        assert inside(image, "python", "-c", ASK).stdout == "imported\n"
        verified = inside(image, "python", "-m", "bundle", "verify", "baked", "--allow-unsigned")
        assert verified.returncode == 0, verified.stderr
        refused = inside(image, *FETCH)
        assert refused.returncode == 2
        assert "build it with STORAGE=gs" in refused.stderr


def test_every_large_package_has_a_reason() -> None:
    """docs/image.md has every package of more than 1 MB with a reason, and every file belongs to a package."""
    layers, records = own_layers(DOCKER, IMAGE)
    page = (ROOT / "docs" / "image.md").read_text(encoding="utf-8")
    for name, size in sizes((file for layer in layers for file in layer.files), owners(records)).items():
        if size >= LARGE_BYTES:
            assert f"| {name} |" in page
            assert reason(name) in page


def test_its_libraries_have_no_symbols_for_a_debugger() -> None:
    """No library of the packages has debug sections."""
    script = (
        "import pathlib; print([str(path) for path in pathlib.Path('packages').rglob('*.so')"
        " if b'\\0.debug_info\\0' in path.read_bytes()])"
    )
    assert inside(IMAGE, "python", "-c", script).stdout == "[]\n"


def test_its_labels_say_what_it_is_made_of() -> None:
    """The labels name the commit, its time and the base."""
    found = labels()
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    assert found["revision"].rstrip("+") == commit, "the image is of another commit: make image"
    assert found["created"].endswith("Z")
    assert found["base.name"] == os.environ.get("BASE", "python:3.13-slim-trixie")
    assert {"title", "description", "licenses", "source", "base.digest"} <= found.keys()


def test_another_build_has_the_same_files() -> None:
    """A build of the same commit without a cache gives every file the same path, mode, owner, size and SHA-256."""
    with built(DOCKER_BUILD_FLAGS=f"{FLAGS} --no-cache".strip()) as image:
        pair = zip(own_layers(DOCKER, IMAGE).layers, own_layers(DOCKER, image).layers, strict=True)
        different: list[LayerFile] = []
        for ours, theirs in pair:
            assert ours.instruction == theirs.instruction
            different += sorted(set(ours.files) ^ set(theirs.files))
        assert different == []
