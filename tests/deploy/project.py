"""Commands of `python -m deploy` against the fake gcloud."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.gcloud import PROJECT
from tests.support.commands import ROOT

DIGEST = "0123456789abcdef" * 4
ENVIRONMENT = {
    "PROJECT": PROJECT,
    "REGION": "europe-west1",
    "IMAGE": f"europe-west1-docker.pkg.dev/{PROJECT}/penguins/penguins@sha256:{DIGEST}",
    "BUCKET": "penguin-models",
    "BUNDLE": f"gs://penguin-models/penguins@{DIGEST}",
    "TRUSTED_KEYS": "ed25519:" + "A" * 43,
    "REVISION": "one",
    "REPOSITORY_ID": "1234567",
    "SERVICE": "penguins",
}


class Project:
    """A project in a directory, and a shell in which its gcloud is the only one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.audit = directory / "canary.jsonl"
        (directory / "bin").mkdir()
        program = directory / "bin" / "gcloud"
        program.write_text(f"#!{sys.executable}\n{(ROOT / 'tests/deploy/gcloud.py').read_text()}")
        program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of the shell."""
        return {**os.environ, **ENVIRONMENT, "PATH": f"{self.directory}/bin", "FAKE_GCLOUD": str(self.directory)}

    @property
    def calls(self) -> list[list[str]]:
        """Return what gcloud was told."""
        path = self.directory / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def state(self) -> dict[str, object]:
        """Return what gcloud has made."""
        path = self.directory / "state.json"
        state: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        return state

    def deploy(self, *arguments: str, fault: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m deploy`, with a fault at the Nth call of gcloud."""
        number = ""
        out = [f"--out={self.directory}/service.yaml"] if arguments[0] in ("plan", "up") else []
        if fault:
            kind, _, offset = fault.partition(":")
            number = f"{kind}:{len(self.calls) + int(offset)}"
        return subprocess.run(
            [sys.executable, "-m", "deploy", *arguments, *out],
            cwd=ROOT,
            env={**self.environment, "FAKE_GCLOUD_FAULT": number, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
