"""What the workflows ask of Google is what `python -m deploy iam` gives them: no less, and no more."""

import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.google import iam
from deploy.google.settings import read_settings
from tests.deploy.project import ENVIRONMENT, Project
from tests.deploy.workflows import WORKFLOWS, loaded
from tests.support.commands import ROOT

SETTINGS = read_settings(environment=ENVIRONMENT)
COMMANDS = iam.commands(SETTINGS)
REPOSITORY = ENVIRONMENT["REPOSITORY_ID"]
RELEASING = [loaded(path) for path in WORKFLOWS if "google-github-actions/auth@" in path.read_text(encoding="utf-8")]
STEPS: list[dict[str, Any]] = [step for each in RELEASING for job in each["jobs"].values() for step in job["steps"]]
SCRIPTS = "\n".join(step.get("run", "") for step in STEPS)
ON: Any = True  # what YAML 1.1 reads for the key `on`

IMAGES = {("artifacts repositories", "penguins", "artifactregistry.writer")}
BUNDLES = {("storage buckets", "gs://penguin-models", "storage.objectUser")}
SERVICE = {("projects", SETTINGS.project, "run.developer")}
NEEDS: dict[str, set[tuple[str, str, str]]] = {  # of Google, by what a step runs: rights, each on one thing
    "docker/build-push-action": IMAGES,
    "gcloud auth": set(),
    "gcloud secrets": {("secrets", "penguins-signing", "secretmanager.secretAccessor")},
    "gcloud run": SERVICE,
    "python -m bundle sign": set(),
    "python -m bundle publish": BUNDLES,
    "python -m bundle fetch": BUNDLES,
    "python -m bundle promote": BUNDLES,
    "python -m deploy up": {
        *SERVICE,
        ("iam service-accounts", SETTINGS.runtime_account, "iam.serviceAccountUser"),
    },
    "python -m deploy canary": {*SERVICE, ("projects", SETTINGS.project, "monitoring.viewer")},
}


def flag(command: list[str], name: str) -> str:
    """Return the value of a flag, or nothing."""
    return next((word.partition("=")[2] for word in command if word.startswith(f"{name}=")), "")


def granted(account: str) -> set[tuple[str, str, str]]:
    """Return what an account may do: the kind of thing, its name, the role."""
    grants = [command for command in COMMANDS if flag(command, "--member") == f"serviceAccount:{account}"]
    found = set()
    for command in grants:
        at = command.index("add-iam-policy-binding")
        found.add((" ".join(command[:at]), command[at + 1], flag(command, "--role").removeprefix("roles/")))
    return found


def admits(repository: str, ref: str) -> bool:
    """Whether the provider's condition is true for a run of this repository at this ref."""
    provider = next(command for command in COMMANDS if "create-oidc" in command)
    condition = flag(provider, "--attribute-condition")
    for theirs, ours in (("&&", " and "), ("||", " or "), (".startsWith(", ".startswith(")):
        condition = condition.replace(theirs, ours)
    run = SimpleNamespace(repository_id=repository, ref=ref)
    return bool(eval(condition, {"__builtins__": {}}, {"assertion": run}))  # noqa: S307  # our own


def refs(events: dict[str, Any]) -> set[str]:
    """Return the refs on which these events start a run. By hand, that is the main branch."""
    found = {"refs/heads/main"} if "workflow_dispatch" in events else set()
    push = events.get("push") or {}
    found |= {f"refs/heads/{name}" for name in push.get("branches", ())}
    found |= {f"refs/tags/{name.replace('*', '1.2.3')}" for name in push.get("tags", ())}
    assert set(events) <= {"workflow_dispatch", "push"}, "where does such a run start?"
    return found


def test_the_condition_admits_every_event_of_a_release() -> None:
    """The condition admits the refs on which a release runs."""
    assert RELEASING
    for workflow in RELEASING:
        started = refs(workflow[ON])
        assert started
        assert {ref for ref in started if not admits(REPOSITORY, ref)} == set()


@pytest.mark.parametrize(
    ("repository", "ref"),
    [
        (REPOSITORY, "refs/heads/other"),
        (REPOSITORY, "refs/heads/main2"),
        (REPOSITORY, "refs/heads/refs/tags/v1"),
        (REPOSITORY, "refs/pull/1/merge"),
        (REPOSITORY, "refs/tags/nightly"),
        ("7654321", "refs/heads/main"),
        ("7654321", "refs/tags/v1.2.3"),
    ],
)
def test_the_condition_admits_nothing_else(repository: str, ref: str) -> None:
    """The condition admits no other branch, tag, pull request or repository."""
    assert not admits(repository, ref)


def test_every_secret_that_is_read_is_made() -> None:
    """Every secret that an account reads is made, and no account may read another's."""
    read = {name.replace("$SERVICE", SETTINGS.service) for name in re.findall(r'--secret="?([^"\s]+)', SCRIPTS)}
    made = {command[2] for command in COMMANDS if command[:2] == ["secrets", "create"]}
    assert read
    assert read <= made
    assert {name for kind, name, _ in granted(SETTINGS.deploy_account) if kind == "secrets"} == read
    assert not {name for kind, name, _ in granted(SETTINGS.runtime_account) if kind == "secrets"} & read


def test_rights_are_those_that_the_steps_need() -> None:
    """Each account has exactly the rights that its commands need."""
    asked = set(re.findall(r"\b(gcloud [a-z-]+|python -m (?:bundle|deploy) [a-z]+)", SCRIPTS))
    asked |= {step["uses"].partition("@")[0] for step in STEPS if "build-push" in step.get("uses", "")}
    assert asked == NEEDS.keys()
    assert set().union(*(NEEDS[command] for command in asked)) == granted(SETTINGS.deploy_account)


def test_the_pages_name_what_is_made() -> None:
    """The pages name the provider, the account, the secret and the command that adds the key."""
    operations = (ROOT / "OPERATIONS.md").read_text(encoding="utf-8")
    provider = f"projects/NUMBER/locations/global/workloadIdentityPools/{iam.POOL}/providers/{iam.PROVIDER}"
    assert f"| `WORKLOAD_IDENTITY_PROVIDER` | {provider} |" in operations
    account = SETTINGS.deploy_account.replace(SETTINGS.service, "SERVICE", 1).replace(SETTINGS.project, "PROJECT")
    assert f"| `DEPLOY_ACCOUNT` | {account} |" in operations
    document = (ROOT / "DEPLOYMENT.md").read_text(encoding="utf-8")
    keygen, add = re.findall(
        r"^ *(python -m bundle keygen .*|gcloud secrets versions add SERVICE-signing .*)$", document, re.MULTILINE
    )
    assert shlex.split(add)[4] == "SERVICE-signing"
    assert flag(shlex.split(add), "--data-file") == shlex.split(keygen)[4]


@pytest.mark.parametrize("kind", ["iam workload-identity-pools", "iam workload-identity-pools providers"])
def test_what_was_deleted_is_not_there(tmp_path: Path, kind: str) -> None:
    """A pool or provider that was deleted is refused with the command that brings it back."""
    ran = Project(tmp_path).deploy("iam", "--yes", FAKE_GCLOUD_DELETED=kind)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "found one that was deleted" in ran.stderr
    more = " --workload-identity-pool=github" if kind.endswith("providers") else ""
    undelete = f"gcloud {kind} undelete github --location=global{more} --project={SETTINGS.project}"
    assert f"type: {undelete}" in ran.stderr


def test_another_project_s_bucket_is_not_ours(tmp_path: Path) -> None:
    """A bucket that somebody else has is refused, and our own is not."""
    project = Project(tmp_path)
    ran = project.deploy("iam", "--yes", FAKE_GCLOUD_TAKEN="gs://penguin-models")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "another one has it" in ran.stderr
    assert "choose another BUCKET" in ran.stderr
    assert not any("buckets add-iam" in line for line in project.state["made"])  # type: ignore[attr-defined]
    assert project.deploy("iam", "--yes").returncode == 0
    again = project.deploy("iam", "--yes")
    assert again.returncode == 0, again.stderr
    assert "already there: gcloud storage buckets create" in again.stdout
