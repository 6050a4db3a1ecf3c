"""The image that scores files, in a real engine: `make test-image`."""

import json
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.scoring import season

pytestmark = pytest.mark.image

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = f"{os.environ.get('IMAGE', 'penguins')}-score"
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "2g")


def test_a_confined_container_scores_files(tmp_path: Path) -> None:
    """A confined, read-only container scores a season with the bundle that is in the image."""
    files, out = season(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    for path in (tmp_path, files, files / "more"):
        path.chmod(0o755)
    mounts = ("--volume", f"{files}:/in:ro", "--volume", f"{out}:/out")
    command = [DOCKER, "run", "--rm", *CONFINED, *mounts, IMAGE, "/in", "--out", "/out/scored"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    manifest = json.loads((out / "scored" / "_manifest.json").read_text())
    assert (manifest["rows"], len(manifest["parts"])) == (3000 + 1500 + 750 + 3000, 9)
    assert pq.read_table(out / "scored" / "birds-00000-of-00006.parquet").num_rows == 500
