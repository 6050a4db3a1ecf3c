"""The canary of a Cloud Run service: shares by a gcloud of our own, figures by a real Prometheus."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from contract.refusal import Refusal
from deploy.canary.audit import read_entries
from deploy.canary.rollout import PROMOTED, ROLLED_BACK
from deploy.canary.scrape import Prometheus
from deploy.haproxy import HAProxyFront
from tests.deploy.load import Load
from tests.deploy.managed_prometheus import Sample, managed_prometheus, real
from tests.deploy.project import Project
from tests.deploy.stage import PLAN, Stage, stage
from tests.support.releases import Release
from tests.support.telemetry import eventually, prometheus_server

NAMES = ("penguins-one", "penguins-two")
NAMED = ("failures", "errors", "slower", "tolerance", "classes")
NUMBERS = [f"--{name}={getattr(PLAN, name)}" for name in NAMED]


@contextmanager
def prometheus(directory: Path, ports: tuple[int, int]) -> Iterator[str]:
    """Run a Prometheus that knows which revision it scrapes, as Google's does. Yields its address."""
    targets = "".join(
        f"    - {{targets: ['127.0.0.1:{port}'], labels: {{revision_name: {name}}}}}\n"
        for port, name in zip(ports, NAMES, strict=True)
    )
    configuration = (
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        f"scrape_configs:\n- job_name: penguins\n  static_configs:\n{targets}"
    )
    with prometheus_server(directory, configuration) as port:
        yield f"http://127.0.0.1:{port}"


def known(server: str) -> bool:
    """Whether Prometheus has scraped both revisions."""
    with suppress(Refusal):
        return all(Prometheus(server, name).read() for name in NAMES)
    return False


def canary(
    project: Project, release: Release, *more: str, fault: str = "", url: str, google: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a canary to its end. `url` is the tag's."""
    audit = f"--audit={project.audit}"
    times = ("--poll-seconds=0.3", "--rate-seconds=1")
    arguments = ("canary", *NAMES, f"--bundle={release.directory}", audit, *times, *NUMBERS, *more)
    override = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING": google} if google else {}
    return project.deploy(*arguments, fault=fault, FAKE_GCLOUD_URL=url, **override)


def shares(project: Project) -> dict[str, int]:
    """Return the shares that the fake has."""
    traffic: list[dict[str, object]] = project.state["service"]["traffic"]  # type: ignore[index]
    return {str(entry["revisionName"]): int(str(entry["percent"])) for entry in traffic if entry["percent"]}


def front_of(on: Stage) -> Callable[[str, float], list[Sample]]:
    """Return Cloud Run's counts of a revision in a window, which here are HAProxy's."""
    fronts = {name: HAProxyFront(on.splitter, server) for name, server in zip(NAMES, ("blue", "green"), strict=True)}

    def front(revision: str, window: float) -> list[Sample]:
        found = fronts[revision].read(time.time() - window)
        counts = {"2xx": found.requests - found.failures, "5xx": found.failures}
        return [({"response_code_class": name}, float(count)) for name, count in counts.items()]

    return front


@pytest.mark.long
def test_a_good_revision_is_promoted(tmp_path: Path, old: Release, good: Release, bodies: list[bytes]) -> None:
    """A good revision is promoted, although any call of gcloud may fail: a rerun finishes."""
    project = Project(tmp_path)
    with (
        stage(tmp_path, old, good) as on,
        Load(on.port, bodies),
        prometheus(tmp_path, on.metrics) as server,
        managed_prometheus(real(server, front_of(on))) as google,
    ):
        on.splitter.send("blue", "green", 10)  # requests are real, Cloud Run's shares of them are not
        eventually(lambda: known(server))
        url = f"http://127.0.0.1:{on.green.port}"
        for revision in ("one", "two"):
            assert project.deploy("up", REVISION=revision, FAKE_GCLOUD_URL=url).returncode == 0
        stopped = canary(project, good, fault="lost:8", url=url, google=google)
        assert (stopped.returncode, stopped.stderr.count("\n")) == (2, 1)
        assert "gcloud run services update-traffic: (gcloud) UNAVAILABLE" in stopped.stderr
        assert shares(project) == {NAMES[0]: 99, NAMES[1]: 1}
        ran = canary(project, good, url=url, google=google)
        assert ran.returncode == PROMOTED, ran.stdout + ran.stderr
    assert shares(project) == {NAMES[1]: 100}
    assert read_entries(project.audit)[-1].event == "promoted"


@pytest.mark.long
def test_a_failure_while_rolling_back_is_tried_again(tmp_path: Path, old: Release, good: Release) -> None:
    """A failed call while rolling back is tried again."""
    project = Project(tmp_path)
    with stage(tmp_path, old, old) as on:
        url = f"http://127.0.0.1:{on.green.port}"
        for revision in ("one", "two"):
            assert project.deploy("up", REVISION=revision, FAKE_GCLOUD_URL=url).returncode == 0
        pages = zip(("old", "new"), on.metrics, strict=True)
        where = [f"--{name}-metrics=http://127.0.0.1:{port}/metrics" for name, port in pages]
        calls = len(project.calls)
        ran = canary(project, good, *where, url=url)
        assert ran.returncode == ROLLED_BACK, ran.stderr
        update = next(number for number, call in enumerate(project.calls[calls:], 1) if "update-traffic" in call)
        for kind in ("fail", "lost"):
            again = canary(project, good, *where, "--again", fault=f"{kind}:{update}", url=url)
            assert again.returncode == ROLLED_BACK, again.stderr
            assert shares(project) == {NAMES[0]: 100}


def test_gcloud_refuses(tmp_path: Path, good: Release) -> None:
    """A refusal of gcloud ends with one line and status 2, and changes nothing."""
    project = Project(tmp_path)
    none = canary(project, good, url="https://tag.test")
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert "Cannot find service" in none.stderr
    assert project.deploy("up").returncode == 0
    before = project.state
    missing = canary(project, good, url="https://tag.test")
    denied = canary(project, good, fault="denied:1", url="https://tag.test")
    assert (missing.returncode, denied.returncode) == (2, 2)
    assert "has no revision penguins-two; there are: penguins-one" in missing.stderr
    assert "PERMISSION_DENIED" in denied.stderr
    assert "ask an owner of the project" in denied.stderr
    assert project.state == before
