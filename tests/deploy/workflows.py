"""The workflows of .github."""

from pathlib import Path
from typing import Any

import yaml

from tests.support.commands import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))


def loaded(path: Path) -> dict[str, Any]:
    """Load a workflow. YAML 1.1 reads the key `on` as true."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document
