"""Exactly once: whatever is killed at whatever moment, running the command again ends in the same bytes."""

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cloud import Cloud
from tests.support.scoring import Digests, command, digests, finished, kill_after, scored, season

SEEDS = 4
KILLS = int(os.environ.get("SCORE_KILLS", "20")) // SEEDS  # of one test
TASKS = 3
BUCKET = "gs://birds/scored"
OPTIONS = ("--bad-rows", "separate", "--quiet")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return season(tmp_path_factory.mktemp("season"), rows=20_000, groups=12)


@pytest.fixture(scope="module")
def wanted(files: Path, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Digests, float]:
    """Return the digests of a job that nothing disturbed, and how many seconds it took."""
    out, start = tmp_path_factory.mktemp("whole") / "out", time.monotonic()
    result = scored(bundle_path, files, "--out", out, *OPTIONS)
    assert result.returncode == 0, result.stderr
    return digests(out), time.monotonic() - start


def until_killed(seed: int, seconds: float, run: Callable[[float], bool]) -> None:
    """Call `run` with random delays until it was killed KILLS times. It says whether it was."""
    chance, killed, tries = random.Random(seed), 0, 0  # noqa: S311  # no secret
    while killed < KILLS:
        killed += run(chance.uniform(0.2, 1.1) * seconds)
        tries += 1
        assert tries < 20 * KILLS, "it is never killed"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kills_in_a_directory_change_nothing(
    files: Path, bundle_path: Path, wanted: tuple[Digests, float], tmp_path: Path, seed: int
) -> None:
    """A job that was killed at random moments, with all its processes, ends with the bytes of one that was not."""
    expected, seconds = wanted
    places = [tmp_path / "out0"]

    def run(delay: float) -> bool:
        if kill_after(command(bundle_path, files, "--out", places[-1], *OPTIONS), delay):
            return True
        assert digests(places[-1]) == expected
        places.append(tmp_path / f"out{len(places)}")
        return False

    until_killed(seed, seconds, run)
    result = scored(bundle_path, files, "--out", places[-1], *OPTIONS)
    assert result.returncode == 0, result.stderr
    assert digests(places[-1]) == expected


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kills_of_tasks_in_a_bucket_change_nothing(
    files: Path, bundle_path: Path, wanted: tuple[Digests, float], cloud: Cloud, seed: int
) -> None:
    """Three tasks share a job in a bucket. Each is killed at random moments and started again, as Cloud Run does."""
    expected, seconds = wanted

    def start(task: int, out: str) -> "subprocess.Popen[str]":
        return command(bundle_path, files, "--out", out, "--processes", "1", *OPTIONS, task=(task, TASKS))

    def objects(out: str) -> Digests:
        prefix = out.removeprefix("gs://birds/") + "/"
        found = {name: cloud.objects[name].data for name in cloud.names() if name.startswith(prefix)}
        return {name.removeprefix(prefix): hashlib.sha256(data).hexdigest() for name, data in found.items()}

    def complete(out: str) -> None:
        for process in [start(task, out) for task in range(TASKS)]:
            result = finished(process)
            assert result.returncode == 0, result.stderr
        assert objects(out) == expected

    places = [f"{BUCKET}0"]
    chance = random.Random(-seed)  # noqa: S311  # no secret

    def run(delay: float) -> bool:
        out = places[-1]
        processes = [start(task, out) for task in range(TASKS)]
        victim = processes.pop(chance.randrange(TASKS))
        killed = kill_after(victim, delay)
        for process in processes:
            kill_after(process, chance.uniform(0, 0.3) * seconds)
        if f"{out.removeprefix('gs://birds/')}/_manifest.json" in cloud.names():
            complete(out)
            places.append(f"{BUCKET}{len(places)}")
        return killed

    until_killed(seed, seconds, run)
    complete(places[-1])
