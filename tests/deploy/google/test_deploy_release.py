"""The deploy job of a release, killed after each change and run again by a machine that remembers nothing."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from contract.metrics import COMPARISONS, DURATION, PREDICTIONS, STARTED, WORKER_ENDS
from deploy.canary.rollout import PROMOTED, ROLLED_BACK
from tests.deploy.managed_prometheus import Sample, managed_prometheus
from tests.deploy.project import Project
from tests.support.releases import Release
from tests.support.service import serving

REQUESTS = 300_000  # between two readings
OLD, NEW = "penguins-one", "penguins-two"
OWN = {"job": "penguins", "instance": "i"}
ROUTE = {"http_route": "/predict", "http_response_status_code": "200"}


class World:
    """Requests that go by the shares of the fake Cloud Run. A bad revision dies at times, which only the front sees."""

    def __init__(self, project: Project, bad: bool) -> None:
        self._project, self._bad = project, bad
        self._counts: Counter[str] = Counter()

    def answer(self, expression: str, _: str) -> list[Sample]:
        """Answer as Google does."""
        revision = OLD if OLD in expression else NEW
        if "run_googleapis_com:" in expression:
            if ":request_count" not in expression:
                return []
            failed = self._counts[revision] // 5 if self._bad and revision == NEW else 0
            counts = {"2xx": self._counts[revision] - failed, "5xx": failed}
            return [({"response_code_class": name}, float(count)) for name, count in counts.items()]
        name = expression.partition("{")[0]
        if name == f"{DURATION}_bucket":  # the first that is asked for
            self._counts[revision] += REQUESTS * shares(self._project).get(revision, 0) // 100
        count = float(self._counts[revision])
        return {
            f"{DURATION}_bucket": [({**OWN, **ROUTE, "le": bound}, count) for bound in ("0.001", "+Inf")],
            f"{DURATION}_count": [({**OWN, **ROUTE}, count)],
            PREDICTIONS: [({**OWN, "species": bird}, count // 2) for bird in ("Adelie", "Gentoo")],
            WORKER_ENDS: [(OWN, 0.0)],
            STARTED: [(OWN, 1.0)],
            COMPARISONS: [],
        }[name]


def shares(project: Project) -> dict[str, int]:
    """Return the shares of the fake."""
    traffic: list[dict[str, object]] = project.state["service"]["traffic"]  # type: ignore[index]
    found: Counter[str] = Counter()
    for entry in traffic:
        found[str(entry["revisionName"])] += int(str(entry["percent"]))
    return dict(found)


class Job(NamedTuple):
    """The steps of the workflow's job `deploy` after those that fetch the bundle."""

    project: Project
    release: Release
    environment: dict[str, str]

    def run(self, attempt: int, fault: str = "") -> "subprocess.CompletedProcess[str]":
        """Run the steps until one fails, on a machine without a log. Return the last one."""
        times = ["--poll-seconds=0.01", "--rate-seconds=0.01", "--within-seconds=9000"]
        audit = f"--audit={self.project.directory}/runner-{attempt}/canary.jsonl"
        bundle = f"--bundle={self.release.directory}"
        first = len(self.project.calls)
        ran = self.project.deploy("up", REVISION="two", fault=fault, **self.environment)
        if ran.returncode:
            return ran
        if fault:
            kind, _, number = fault.partition(":")
            left = int(number) - (len(self.project.calls) - first)
            fault = f"{kind}:{left}" if left > 0 else ""
        return self.project.deploy("canary", "serving", NEW, bundle, audit, *times, fault=fault, **self.environment)


@pytest.mark.long
@pytest.mark.parametrize(("bad", "status"), [(False, PROMOTED), (True, ROLLED_BACK)], ids=["good", "bad"])
def test_killed_after_each_change_a_release_ends_the_same(
    tmp_path: Path, good: Release, bad: bool, status: int
) -> None:
    """However often and wherever the job is killed, the platform and the status are those of an undisturbed one."""
    with serving(good.directory) as service:
        url = f"http://127.0.0.1:{service.port}"

        def released(name: str, kills: list[int]) -> tuple[object, list[int]]:
            """Return the last traffic, and the calls of an undisturbed job that change something."""
            (directory := tmp_path / name).mkdir()
            project = Project(directory)
            assert project.deploy("up", FAKE_GCLOUD_URL=url).returncode == 0
            first = len(project.calls)
            with managed_prometheus(World(project, bad).answer) as google:
                where = {"FAKE_GCLOUD_URL": url, "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING": google}
                job = Job(project, good, where)
                for attempt, call in enumerate(kills):
                    assert job.run(attempt, f"kill:{call}").returncode < 0
                changing = ("update-traffic", "replace")
                ran = job.run(len(kills))
                assert ran.returncode == status, ran.stdout + ran.stderr
                calls = [number for number, call in enumerate(project.calls[first:], 1) if {*changing} & {*call}]
                again = job.run(len(kills) + 1)
                assert again.returncode == status, again.stdout + again.stderr
            return sorted(map(str, project.state["service"]["traffic"])), calls  # type: ignore[index]

        expected, changes = released("undisturbed", [])
        assert len(changes) == (3 if bad else 6)
        for call in changes:
            assert released(f"killed-{call}", [call])[0] == expected, call
        assert released("killed-twice", [changes[0], changes[1]])[0] == expected
    assert (f"'{NEW}', 'percent': 100" in str(expected)) != bad
    assert ("'tag': 'rolled-back'" in str(expected)) == bad
