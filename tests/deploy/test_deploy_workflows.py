"""The workflows: linted by programs that do refuse, pinned, without rights they do not need, naming what there is."""

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.workflows import WORKFLOWS, loaded
from tests.support.commands import ROOT

BAD = {  # what each linter has to refuse, and what it is refused for
    "hadolint": ("Dockerfile", "FROM python\nRUN apt-get update && apt-get install gcc\n", "DL3006"),
    "vendor.github-workflows": ("w.yaml", "on: push\njobs: {a: {runs-on: x, step: []}}\n", "step"),
    "custom.github-workflows-require-timeout": (
        "w.yaml",
        "on: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n",
        "timeout-minutes",
    ),
    "vendor.dependabot": (
        "d.yml",
        "version: 2\nupdates: [{package-ecosystem: parchment, directory: /}]\n",
        "parchment",
    ),
    "zizmor": (
        "w.yaml",
        "on: pull_request\npermissions: {}\njobs: {a: {name: a, runs-on: x, "
        "steps: [{run: 'echo ${{ github.event.pull_request.title }}'}]}}\n",
        "template-injection",
    ),
}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all jobs by file and name."""
    for path in WORKFLOWS:
        for name, job in loaded(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all steps by their job."""
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step


def scripts() -> str:
    """Return all scripts that the steps run."""
    return "\n".join(step.get("run", "") for _, step in steps())


def checks() -> list[list[str]]:
    """Return the commands of `make check`."""
    command = ["make", "-n", "--old-file=.venv/.dev", "check"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return [shlex.split(line) for line in ran.stdout.replace("\\\n", " ").splitlines()]


@pytest.mark.parametrize("linter", BAD)
def test_what_is_bad_is_refused(linter: str, tmp_path: Path) -> None:
    """Each command of `make check` refuses a bad file and accepts what is here."""
    name, text, reason = BAD[linter]
    (tmp_path / name).write_text(text)
    found = [command for command in checks() if linter in " ".join(command)]
    assert len(found) == 1
    *program, _ = found[0]
    program[0] = str(Path(sys.executable).parent / Path(program[0]).name)
    ran = subprocess.run([*program, tmp_path / name], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode != 0
    assert reason in ran.stdout + ran.stderr


def test_every_python_that_is_promised_is_tested() -> None:
    """The workflows test every promised Python and check types on the oldest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = int(project["requires-python"].removeprefix(">=3."))
    ci = loaded(ROOT / ".github" / "workflows" / "ci.yaml")["jobs"]
    assert ci["test"]["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(oldest, 15)]
    assert [step["with"]["python-version"] for step in ci["check"]["steps"] if "python" in str(step.get("with"))] == [
        f"3.{oldest}"
    ]


def test_actions_are_pinned() -> None:
    """Every action is pinned by its whole commit, with one version beside it everywhere."""
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")):
            action, pin = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line).groups()  # type: ignore[union-attr]
            pins.setdefault(action, set()).add(pin)
    assert len(pins) > 5
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def test_nothing_more_is_allowed_than_needed() -> None:
    """A workflow has no rights, its jobs only read, and every job has a time limit."""
    for path in WORKFLOWS:
        assert loaded(path)["permissions"] == {}, path
    for name, job in jobs():
        writes = {right for right, access in job["permissions"].items() if access != "read"}
        assert writes <= ({"id-token", "attestations"} if name.startswith("release") else set()), name
        assert job["timeout-minutes"], name


def test_no_key_is_kept_at_github() -> None:
    """No workflow reads a secret, and the checkout keeps no credential."""
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text(encoding="utf-8")
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_its_make_targets_exist() -> None:
    """Every make target of the workflows exists."""
    targets = set(re.findall(r"^\s*make ([a-z-]+)", scripts(), re.MULTILINE))
    assert {"check", "setup", "test"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, timeout=60, check=True)


def test_its_modules_exist() -> None:
    """Every module and command of the workflows exists."""
    asked = set(re.findall(r"python -m ([\w.]+)(?: ([a-z]+)\b)?", scripts()))
    assert {module for module, _ in asked} >= {"bundle", "deploy", "pytest"}
    for module, command in asked:
        assert importlib.util.find_spec(module), module
        if module in ("bundle", "deploy"):
            shown = [sys.executable, "-m", module, command, "--help"]
            ran = subprocess.run(shown, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            assert ran.returncode == 0, f"{module} {command}: {ran.stderr}"


def test_whoever_signs_leaves_no_key_behind() -> None:
    """The shell that writes a private key removes it, and only its owner can read it."""
    for _, step in steps():
        script = step.get("run", "")
        if "release.key" in script:
            assert "umask 077" in script
            assert "trap 'rm -f" in script
