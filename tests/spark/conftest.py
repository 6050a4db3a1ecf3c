"""What the tests of score.spark share: one cluster, one zip of our code, one session."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.spark.cluster import Cluster, needed, running_cluster, session, sparks_own
from tests.support.commands import run_module


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the zip as `make spark-zip` does."""
    path = tmp_path_factory.mktemp("code") / "score-spark.zip"
    ran = run_module("score.lake.package", path)
    assert ran.returncode == 0, ran.stderr
    return path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a master and two workers."""
    needed()
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def spark(cluster: Cluster, code: Path) -> Iterator[Any]:
    """Give a session whose executors are new."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in sparks_own().items():
            patched.setenv(name, value)
        with session(cluster, code) as made:
            yield made
