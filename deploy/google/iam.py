"""What a project needs once: places for images and bundles, and two accounts with only the roles that they need.

`run` reads bundles and its collector's configuration, and writes metrics and logs. `deploy` pushes images, publishes
bundles, reads the key that signs them, deploys this service as `run`, and reads metrics for the canary. Only workflows
of one repository may act as `deploy`, without a key of their own, and only where a release starts: on a tag v*, or by
hand on the main branch.
"""

from contract.refusal import Refusal
from deploy.google import gcloud
from deploy.google.settings import DeploySettings

PROJECT_NUMBER = "PROJECT_NUMBER"  # stands for the number until gcloud has returned it
POOL = PROVIDER = "github"
ISSUER = "https://token.actions.githubusercontent.com"
RELEASED = "(assertion.ref=='refs/heads/main' || assertion.ref.startsWith('refs/tags/v'))"  # .github/workflows
SERVICES = (
    *("run", "artifactregistry", "secretmanager", "storage", "monitoring"),
    *("iam", "iamcredentials", "sts", "cloudresourcemanager"),
)
THERE = ("ALREADY_EXISTS", "already exists", "HTTPError 409", "already own it")  # or it is somebody else's: present()
KEPT_BY_PROVIDER = ("--issuer-uri", "--attribute-mapping", "--attribute-condition")  # what describing does not take

Command = list[str]


def commands(settings: DeploySettings, number: str = PROJECT_NUMBER) -> list[Command]:
    """Return all commands in order. Each may be run again."""
    project = f"--project={settings.project}"
    return [
        [*command, project] for command in (*_places(settings), *_accounts(settings), *_workflows(settings, number))
    ]


def _places(settings: DeploySettings) -> list[Command]:
    bucket = f"gs://{settings.bucket}"
    where = f"--location={settings.region}"
    kept = ["--uniform-bucket-level-access", "--public-access-prevention"]
    secret = ["secrets", "create"]
    kept_everywhere = "--replication-policy=automatic"
    return [
        ["services", "enable", *(f"{name}.googleapis.com" for name in SERVICES)],
        ["artifacts", "repositories", "create", settings.service, "--repository-format=docker", where],
        ["storage", "buckets", "create", bucket, where, *kept],
        ["storage", "buckets", "update", bucket, "--versioning"],
        [*secret, f"{settings.service}-monitoring", kept_everywhere, "--data-file=deploy/monitoring.yaml"],
        [*secret, f"{settings.service}-signing", kept_everywhere],  # empty: the operator adds the key
    ]


def _accounts(settings: DeploySettings) -> list[Command]:
    run, deploy = (f"serviceAccount:{name}" for name in (settings.runtime_account, settings.deploy_account))
    bucket = ["storage", "buckets", "add-iam-policy-binding", f"gs://{settings.bucket}"]
    monitoring, signing = (
        ["secrets", "add-iam-policy-binding", f"{settings.service}-{name}"] for name in ("monitoring", "signing")
    )
    images = ["artifacts", "repositories", "add-iam-policy-binding", settings.service, f"--location={settings.region}"]
    everything = ["projects", "add-iam-policy-binding", settings.project, "--condition=None"]
    account = ["iam", "service-accounts", "add-iam-policy-binding", settings.runtime_account]
    return [
        ["iam", "service-accounts", "create", f"{settings.service}-run"],
        ["iam", "service-accounts", "create", f"{settings.service}-deploy"],
        _grant(bucket, run, "storage.objectViewer"),
        _grant(monitoring, run, "secretmanager.secretAccessor"),
        _grant(everything, run, "monitoring.metricWriter"),
        _grant(everything, run, "logging.logWriter"),
        _grant(images, deploy, "artifactregistry.writer"),
        _grant(bucket, deploy, "storage.objectUser"),
        _grant(signing, deploy, "secretmanager.secretAccessor"),
        _grant(everything, deploy, "run.developer"),
        _grant(everything, deploy, "monitoring.viewer"),
        _grant(account, deploy, "iam.serviceAccountUser"),
    ]


def _workflows(settings: DeploySettings, number: str) -> list[Command]:
    pool = ["iam", "workload-identity-pools"]
    # By its number: a name that its owner gives up can be taken by somebody else. Google's advice:
    # https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
    condition = f"assertion.repository_id=='{settings.repository_id}' && {RELEASED}"
    mapping = "google.subject=assertion.sub,attribute.repository_id=assertion.repository_id"
    principals = f"projects/{number}/locations/global/workloadIdentityPools/{POOL}"
    member = f"{principals}/attribute.repository_id/{settings.repository_id}"
    account = ["iam", "service-accounts", "add-iam-policy-binding", settings.deploy_account]
    return [
        [*pool, "create", POOL, "--location=global"],
        [
            *(*pool, "providers", "create-oidc", PROVIDER, "--location=global", f"--workload-identity-pool={POOL}"),
            *(f"--issuer-uri={ISSUER}", f"--attribute-mapping={mapping}", f"--attribute-condition={condition}"),
        ],
        _grant(account, f"principalSet://iam.googleapis.com/{member}", "iam.workloadIdentityUser"),
    ]


def _grant(what: Command, member: str, role: str) -> Command:
    return [*what, f"--member={member}", f"--role=roles/{role}"]


def project_number(settings: DeploySettings) -> str:
    """Return the project's number. Raises Refusal if it does not exist or this account may not see it."""
    described = gcloud.run_json(["projects", "describe", settings.project], float(settings.gcloud_seconds))
    return str(described["projectNumber"])


def apply(command: Command, seconds: float) -> str:
    """Run one command and return what happened. If the thing exists already, that is a success.

    Raises Refusal, also if what exists is not of this project, or was deleted.
    """
    try:
        gcloud.run([*command, "--quiet"], seconds)
    except gcloud.GcloudRefusal as refusal:
        making = "create" in command or "create-oidc" in command
        if making and any(word in refusal.output for word in THERE):
            _present(command, seconds)
            return "already there"
        raise
    return "done"


def _present(command: Command, seconds: float) -> None:
    """Raise Refusal if "already exists" is not so: for another project's bucket, or a pool that was deleted."""
    if command[:3] == ["storage", "buckets", "create"]:
        name = command[3].removeprefix("gs://")
        if not gcloud.run_json(["storage", "buckets", "list", f"--filter=name={name}", command[-1]], seconds):
            raise Refusal(
                f"expected the bucket {name} in this project, found that another one has it: names are shared by all "
                "of Google; choose another BUCKET"
            )
    elif "workload-identity-pools" in command:
        verb = "create" if "create" in command else "create-oidc"
        where = [word for word in command[command.index(verb) + 1 :] if not word.startswith(KEPT_BY_PROVIDER)]
        thing = [*command[: command.index(verb)], "{}", *where]
        state = gcloud.run_json([word.format("describe") for word in thing], seconds).get("state")
        if state == "DELETED":
            undelete = gcloud.shell_command([word.format("undelete") for word in thing])
            raise Refusal(
                f"expected {' '.join(command[1:3])} {where[0]} or none, found one that was deleted, which keeps its "
                f"name for 30 days; type: {undelete}"
            )
