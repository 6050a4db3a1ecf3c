"""Deploying and setting up a project, as far as a gcloud of our own can show it."""

import re
import shlex
from pathlib import Path

import pytest

from deploy.google import iam
from tests.deploy.gcloud import NUMBER
from tests.deploy.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def assert_refused(ran: object, expected: str) -> None:
    """Check for one line and status 2."""
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran  # type: ignore[attr-defined]
    assert ran.stderr.startswith("error: "), ran  # type: ignore[attr-defined]
    assert expected in ran.stderr  # type: ignore[attr-defined]


def test_the_plan_prints_every_command_and_runs_none(project: Project) -> None:
    """`plan` prints exactly the commands that `up` runs, and runs none."""
    planned = project.deploy("plan")
    assert planned.returncode == 0, planned.stderr
    assert project.calls == []
    assert project.deploy("up").returncode == 0
    printed = [shlex.split(line)[1:] for line in planned.stdout.splitlines() if line.startswith("gcloud ")]
    assert printed == [[word for word in call if word != "--quiet"] for call in project.calls]


def test_the_first_revision_serves_and_the_next_waits(project: Project) -> None:
    """The first revision serves, and the next one gets no share."""
    assert "penguins-one serves" in project.deploy("up").stdout
    second = project.deploy("up", REVISION="two")
    assert second.stdout.splitlines()[-1].endswith("make canary OLD=penguins-one NEW=penguins-two")
    assert project.deploy("status", "--audit", str(project.audit)).stdout.splitlines() == [
        "100.00 %  penguins-one",
        "  0.00 %  penguins-two",
    ]


@pytest.mark.parametrize("kind", ["fail", "denied", "garbage"])
def test_a_failure_of_any_call_is_one_line(project: Project, kind: str) -> None:
    """A failure of any call is one line, what serves goes on, and a rerun finishes."""
    assert project.deploy("up").returncode == 0
    before = project.state
    for call in range(1, 3 if kind == "garbage" else 4):
        ran = project.deploy("up", REVISION="two", fault=f"{kind}:{call}")
        assert_refused(ran, {"denied": "PERMISSION_DENIED", "fail": "UNAVAILABLE", "garbage": "expected JSON"}[kind])
        assert project.state == before
    assert project.deploy("up", REVISION="two").returncode == 0


def test_a_lost_answer_is_made_up_for(project: Project) -> None:
    """A call whose answer was lost is found done by a rerun."""
    assert project.deploy("up").returncode == 0
    assert_refused(project.deploy("up", REVISION="two", fault="lost:3"), "UNAVAILABLE")
    assert project.deploy("up", REVISION="two").returncode == 0
    assert project.state["revisions"] == ["penguins-one", "penguins-two"]


def test_gcloud_that_hangs_is_not_waited_for(project: Project) -> None:
    """A gcloud that hangs is ended after GCLOUD_SECONDS."""
    assert_refused(project.deploy("up", fault="hang:1", GCLOUD_SECONDS="1"), "no answer within 1 s")


def test_there_is_no_gcloud(project: Project, tmp_path: Path) -> None:
    """A missing gcloud is refused with what to install."""
    for command in (["up"], ["iam", "--yes"], ["status"], ["rollback", "a", "b", "--audit", str(project.audit)]):
        assert_refused(project.deploy(*command, PATH=str(tmp_path)), "install the Google Cloud CLI")


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PROJECT", "Penguins", "expected a project's id such as"),
        ("PROJECT", "", "PROJECT is not set"),
        ("PROJECT", "another-project", "NOT_FOUND"),
        ("REGION", "europe", "expected a region such as europe-west1"),
        ("IMAGE", "penguins:latest", "expected an image by digest"),
        ("TRUSTED_KEYS", "ed25519:short", "what bundle keygen prints"),
        ("REVISION", "Two", "lower-case"),
        ("BUNDLE", "artifacts/bundle", "expected gs://"),
        ("MINIMUM_INSTANCES", "-1", "a number of instances"),
        ("MONITORING_VERSION", "latest", "never latest"),
    ],
)
def test_a_mistake_is_told_before_anything_is_done(project: Project, variable: str, value: str, expected: str) -> None:
    """A faulty variable is named before any command runs."""
    ran = project.deploy("up", **{variable: value})
    assert_refused(ran, expected)
    assert project.state == {} or "service" not in project.state or project.state["service"] is None


@pytest.mark.long
def test_iam_prints_first_and_acts_when_told(project: Project) -> None:
    """`iam` prints all commands before it runs them, and a second run finds all done."""
    printed = project.deploy("iam")
    assert printed.returncode == 0, printed.stderr
    assert project.calls == []
    commands = [line for line in printed.stdout.splitlines() if line.startswith("gcloud ")]
    done = project.deploy("iam", "--yes")
    assert done.returncode == 0, done.stderr
    assert [line.replace(NUMBER, iam.PROJECT_NUMBER) for line in done.stdout.splitlines()[: len(commands)]] == commands
    assert len(project.calls) == len(commands) + 1
    made = project.state["made"]
    again = project.deploy("iam", "--yes")
    assert again.returncode == 0, again.stderr
    assert "already there: gcloud storage buckets create" in again.stdout
    assert project.state["made"] == made


@pytest.mark.long
def test_iam_goes_on_where_it_was_stopped(project: Project) -> None:
    """`iam` says how far it came when a call fails, and a rerun does the rest."""
    count = len([line for line in project.deploy("iam").stdout.splitlines() if line.startswith("gcloud ")])
    for call, looks in ((2, 0), (count // 2, 0), (count + 2, 1)):  # the last one also looks whose the bucket is
        assert_refused(
            project.deploy("iam", "--yes", fault=f"denied:{call}"), f"{call - looks - 2} of {count} are done"
        )
    assert project.deploy("iam", "--yes").returncode == 0
    assert len(project.state["made"]) == count  # type: ignore[arg-type]


def test_rights_are_the_least(project: Project) -> None:
    """No account gets a basic role or a key, and no secret gets a version that signs."""
    printed = project.deploy("iam").stdout
    roles = {word.partition("=")[2] for word in printed.split() if word.startswith("--role=")}
    assert not {role for role in roles if role.endswith(("admin", "Admin", "owner", "editor", "viewer"))} - {
        "roles/monitoring.viewer"
    }
    assert "keys create" not in printed
    assert "versions add" not in printed
    assert re.findall(r"--data-file=(\S+)", printed) == ["deploy/monitoring.yaml"]
    assert "allUsers" not in printed


def test_rollback_by_hand(project: Project) -> None:
    """A rollback sends all requests to the old revision in one call, or refuses an absent one."""
    for revision in ("one", "two"):
        assert project.deploy("up", REVISION=revision).returncode == 0
    audit = ["--audit", str(project.audit)]
    missing = project.deploy("rollback", "penguins-one", "penguins-nine", *audit)
    assert_refused(missing, "has no revision penguins-nine; there are: penguins-one, penguins-two")
    ran = project.deploy("rollback", "penguins-two", "penguins-one", *audit)
    assert ran.stdout == "all requests go to penguins-two\n", ran.stderr
    status = project.deploy("status", *audit).stdout
    assert "100.00 %  penguins-two" in status
    assert "penguins-two -> penguins-one: rolled back 0 % by hand" in status


def test_a_wrong_place_of_the_log_is_told(project: Project, tmp_path: Path) -> None:
    """A log that cannot be opened ends the command before it does anything."""
    (tmp_path / "file").write_text("")
    ran = project.deploy("rollback", "a", "b", "--audit", str(tmp_path / "file" / "log"))
    assert_refused(ran, "choose another with --audit")
    assert project.calls == []
