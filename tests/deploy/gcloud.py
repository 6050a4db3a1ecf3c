"""A gcloud for the tests: it keeps what it was told in a file, takes only the flags there are, and fails when told to.

FAKE_GCLOUD is its directory: `state.json`, `calls.jsonl`. FAKE_GCLOUD_FAULT is KIND:N, for the Nth call: `fail`,
`denied`, `hang`, `garbage`, `lost`, which does what it is told and then says that it failed, or
`kill`, which does it and then kills who asked.
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

PROJECT = "penguins-471103"
NUMBER = "123456789012"
PLACE = {"--project", "--region"}
BINDING = {"--project", "--member", "--role"}
# Flags that a command must have, and those that it may have.
COMMANDS: dict[str, tuple[set[str], set[str]]] = {
    "projects describe": ({"--format"}, set()),
    "projects add-iam-policy-binding": (BINDING | {"--condition"}, set()),
    "run services describe": (PLACE | {"--format"}, set()),
    "run services replace": (PLACE, set()),
    "run services update-traffic": (PLACE | {"--to-revisions"}, {"--update-tags"}),
    "run jobs replace": (PLACE, set()),
    "run jobs execute": (PLACE, set()),
    "run revisions list": (PLACE | {"--service", "--format"}, set()),
    "auth print-access-token": (set(), set()),
    "alpha monitoring policies list": ({"--project", "--format"}, set()),
    "alpha monitoring policies create": ({"--project", "--policy-from-file"}, set()),
    "alpha monitoring policies update": ({"--project", "--policy-from-file"}, set()),
    "services enable": ({"--project"}, set()),
    "artifacts repositories create": ({"--project", "--repository-format", "--location"}, set()),
    "artifacts repositories add-iam-policy-binding": (BINDING | {"--location"}, set()),
    "storage buckets create": (
        {"--project", "--location", "--uniform-bucket-level-access", "--public-access-prevention"},
        set(),
    ),
    "storage buckets update": ({"--project", "--versioning"}, set()),
    "storage buckets add-iam-policy-binding": (BINDING, set()),
    "secrets create": ({"--project", "--replication-policy"}, {"--data-file"}),
    "secrets add-iam-policy-binding": (BINDING, set()),
    "secrets versions access": ({"--project", "--secret", "--out-file"}, set()),
    "iam service-accounts create": ({"--project"}, set()),
    "iam service-accounts add-iam-policy-binding": (BINDING, set()),
    "iam workload-identity-pools create": ({"--project", "--location"}, set()),
    "iam workload-identity-pools providers create-oidc": (
        {
            *("--project", "--location", "--workload-identity-pool", "--issuer-uri"),
            *("--attribute-mapping", "--attribute-condition"),
        },
        set(),
    ),
}
COMMANDS |= {
    "storage buckets list": ({"--project", "--filter", "--format"}, set()),
    "iam workload-identity-pools describe": ({"--project", "--location", "--format"}, set()),
    "iam workload-identity-pools undelete": ({"--project", "--location"}, set()),
    "iam workload-identity-pools providers describe": (
        {"--project", "--location", "--workload-identity-pool", "--format"},
        set(),
    ),
}
# The words of Google's APIs. Bucket names: https://docs.cloud.google.com/storage/docs/troubleshooting (409); a deleted
# pool keeps its name for 30 days: https://docs.cloud.google.com/iam/docs/manage-workload-identity-pools-providers
OWN = "HTTPError 409: Your previous request to create the named bucket succeeded and you already own it."
TAKEN = "HTTPError 409: The requested bucket name is not available. The bucket namespace is shared by all users."
WITHOUT_SUBJECT = {
    *("storage buckets list", "run revisions list", "auth print-access-token"),
    *("alpha monitoring policies list", "alpha monitoring policies create"),
}
MANY_SUBJECTS = {"services enable"}


def refuse(message: str, status: int = 1) -> NoReturn:
    """End as gcloud does."""
    print(f"ERROR: {message}", file=sys.stderr)
    sys.exit(status)


def parsed(words: list[str]) -> tuple[str, list[str], dict[str, str]]:
    """Return the command, its subjects and its flags. Ends if gcloud would not take any of them."""
    plain = [word for word in words if not word.startswith("--")]
    flags = {flag: value for flag, _, value in (word.partition("=") for word in words if word.startswith("--"))}
    flags.pop("--quiet", None)
    name = next((name for name in COMMANDS if plain[: len(name.split())] == name.split()), None)
    if name is None:
        refuse(f"(gcloud) Invalid choice: {' '.join(plain)!r}.", 2)
    subjects = plain[len(name.split()) :]
    required, optional = COMMANDS[name]
    if required - set(flags) or set(flags) - required - optional:
        refuse(f"(gcloud.{name}) unrecognized or missing arguments: {set(flags) ^ required}", 2)
    if len(subjects) != (0 if name in WITHOUT_SUBJECT else 1) and name not in MANY_SUBJECTS:
        refuse(f"(gcloud.{name}) expected one argument, found {subjects}", 2)
    if flags.get("--format", "json") != "json":
        refuse("(gcloud) unknown format", 2)
    return name, subjects, flags


class Google:
    """What Google Cloud has, kept in a file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "state.json"
        state = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.service: dict[str, object] | None = state.get("service")
        self.revisions: list[str] = state.get("revisions", [])
        self.made: list[str] = state.get("made", [])
        self.policies: dict[str, dict[str, object]] = state.get("policies", {})  # by their resource name

    def save(self) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(vars(self) | {"path": ""}))
        temporary.replace(self.path)

    def answer(self, name: str, subjects: list[str], flags: dict[str, str]) -> str:
        if flags.get("--project", PROJECT) != PROJECT or (name == "projects describe" and subjects != [PROJECT]):
            refuse("(gcloud.projects.describe) [me] does not have permission to access projects instance: NOT_FOUND")
        if name == "projects describe":
            return json.dumps({"projectId": PROJECT, "projectNumber": NUMBER})
        if name == "auth print-access-token":
            return "token\n"
        if name == "secrets versions access":
            Path(flags["--out-file"]).write_bytes(Path(os.environ["FAKE_GCLOUD_SECRET"]).read_bytes())
            return ""
        if name.startswith("alpha monitoring policies"):
            return self.monitor(name.split()[-1], subjects, flags)
        if name.startswith("run"):
            return self.run(name, subjects, flags)
        if name == "storage buckets list":
            wanted = flags["--filter"].removeprefix("name=")
            mine = self.has(f"storage buckets create gs://{wanted}")
            return json.dumps([{"name": wanted}] if mine else [])
        if name.endswith(" describe"):
            deleted = name.removesuffix(" describe") == os.environ.get("FAKE_GCLOUD_DELETED")
            return json.dumps({"name": subjects[0], "state": "DELETED" if deleted else "ACTIVE"})
        self.make(name, subjects, flags)
        return ""

    def make(self, name: str, subjects: list[str], flags: dict[str, str]) -> None:
        line = " ".join([name, *subjects, *(f"{flag}={value}" for flag, value in sorted(flags.items()))])
        if name == "storage buckets create" and (
            subjects[0] == os.environ.get("FAKE_GCLOUD_TAKEN") or line in self.made
        ):
            refuse(f"(gcloud.{name}) {OWN if line in self.made else TAKEN}")
        deleted = f"{os.environ.get('FAKE_GCLOUD_DELETED')} create"
        if "create" in name and (line in self.made or name in (deleted, f"{deleted}-oidc")):
            refuse(f"(gcloud.{name}) ALREADY_EXISTS: {subjects[0]} already exists")
        if name == "secrets add-iam-policy-binding" and not self.has(f"secrets create {subjects[0]}"):
            refuse(f"(gcloud.{name}) NOT_FOUND: Secret [{subjects[0]}] not found.")
        if line not in self.made:
            self.made.append(line)

    def monitor(self, verb: str, subjects: list[str], flags: dict[str, str]) -> str:
        if verb == "list":
            return json.dumps([{**policy, "name": name} for name, policy in self.policies.items()])
        policy = json.loads(Path(flags["--policy-from-file"]).read_text())
        if verb == "update" and subjects[0] not in self.policies:
            refuse(f"(gcloud.alpha.monitoring.policies.update) NOT_FOUND: {subjects[0]}")
        made = f"projects/{PROJECT}/alertPolicies/{len(self.policies) + 1}"
        self.policies[subjects[0] if verb == "update" else made] = policy
        return ""

    def has(self, made: str) -> bool:
        return any(line.startswith(f"{made} ") for line in self.made)

    def run(self, name: str, subjects: list[str], flags: dict[str, str]) -> str:
        if name == "run revisions list":
            return json.dumps([{"metadata": {"name": revision}} for revision in self.revisions])
        if name.startswith("run jobs"):
            return ""
        if name == "run services replace":
            return self.replace(Path(subjects[0]).read_text())
        if self.service is None:
            refuse(f"(gcloud.run.services.describe) Cannot find service [{subjects[0]}]")
        if name == "run services update-traffic":
            return self.update(flags["--to-revisions"], flags.get("--update-tags", ""))
        return json.dumps({"status": {"traffic": self.traffic}})

    @property
    def traffic(self) -> list[dict[str, object]]:
        assert self.service is not None
        traffic: list[dict[str, object]] = self.service["traffic"]  # type: ignore[assignment]
        return traffic

    def replace(self, description: str) -> str:
        import yaml

        document = yaml.safe_load(description)
        revision = document["spec"]["template"]["metadata"]["name"]
        entries = document["spec"]["traffic"]
        for entry in entries:
            if entry.pop("latestRevision", False):
                entry["revisionName"] = revision
        self.check({entry["revisionName"]: entry.get("percent", 0) for entry in entries}, {*self.revisions, revision})
        self.revisions = [*self.revisions, *({revision} - set(self.revisions))]
        self.service = {"traffic": [self.addressed(entry) for entry in entries]}
        return ""

    def addressed(self, entry: dict[str, object]) -> dict[str, object]:
        return {**entry, "url": os.environ.get("FAKE_GCLOUD_URL", "https://tag.test")} if "tag" in entry else entry

    def update(self, wanted: str, tags: str) -> str:
        shares = {name: int(percent) for name, percent in (part.split("=") for part in wanted.split(","))}
        moved = dict(part.split("=") for part in tags.split(",") if part)
        self.check({**dict.fromkeys(moved.values(), 0), **shares}, set(self.revisions))
        tagged = [{**entry, "percent": 0} for entry in self.traffic if entry.get("tag", "") not in ("", *moved)]
        tagged += [self.addressed({"revisionName": name, "percent": 0, "tag": tag}) for tag, name in moved.items()]
        self.service = {
            "traffic": [*({"revisionName": name, "percent": percent} for name, percent in shares.items()), *tagged]
        }
        return ""

    def check(self, shares: dict[str, int], there: set[str]) -> None:
        if sum(shares.values()) != 100 or not set(shares) <= there or not all(map(valid, shares)):
            refuse(f"(gcloud.run) INVALID_ARGUMENT: traffic {shares} of {sorted(there)}")


def valid(name: str) -> bool:
    """Whether it is a revision's name."""
    return bool(re.fullmatch("[a-z][a-z0-9-]{0,61}[a-z0-9]", name))


def main() -> None:
    """Answer one call."""
    directory = Path(os.environ["FAKE_GCLOUD"])
    with (directory / "calls.jsonl").open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    kind, _, number = os.environ.get("FAKE_GCLOUD_FAULT", "").partition(":")
    here = number == str(len((directory / "calls.jsonl").read_text().splitlines()))
    if here and kind == "fail":
        refuse("(gcloud) UNAVAILABLE: the service is currently unavailable.")
    if here and kind == "denied":
        refuse("(gcloud) PERMISSION_DENIED: Permission 'run.services.get' denied on resource.")
    if here and kind == "hang":
        time.sleep(60)
    if here and kind == "garbage":
        print("Updates are available for some Google Cloud CLI components.")
        return
    google = Google(directory)
    answer = google.answer(*parsed(sys.argv[1:]))
    google.save()
    if here and kind == "lost":
        refuse("(gcloud) UNAVAILABLE: the connection was reset.")
    if here and kind == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
    print(answer, end="")


if __name__ == "__main__":
    main()
