"""What is deployed, and where: environment variables that every command reads. An empty variable counts as not set."""

import os
import re
from collections.abc import Mapping

import msgspec

from contract.refusal import Refusal

EXPECTED = {  # the pattern of a value, and its description for people
    "project": ("[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project's id such as penguins-471103: gcloud projects list"),
    "region": ("[a-z]+-[a-z]+[0-9]+", "a region such as europe-west1: gcloud run regions list"),
    "service": ("[a-z][a-z0-9-]{0,20}[a-z0-9]", "a service's name such as penguins"),
    "image": (r"[a-z0-9.-]+(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}", "an image by digest: HOST/PATH@sha256:64 digits"),
    "bucket": ("[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", "a bucket's name without gs://"),
    "bundle": (r"gs://[a-z0-9][a-z0-9._/-]*(#[\w.-]+|@[0-9a-f]{64})", "gs://BUCKET/PREFIX@DIGEST or #CHANNEL"),
    "model_name": (r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "the name in the model's contract"),
    "trusted_keys": (r"ed25519:[\w-]{43}([ ,]+ed25519:[\w-]{43})*", "public keys: what bundle keygen prints"),
    "revision": ("[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?", "up to 20 lower-case letters, digits and hyphens"),
    "repository_id": ("[1-9][0-9]*", "the repository's number on GitHub: gh api repos/OWNER/NAME --jq .id"),
    "minimum_instances": ("[0-9]{1,3}", "a number of instances"),
    "maximum_instances": ("[1-9][0-9]{0,2}", "a number of instances, 1 or more"),
    "monitoring_version": ("[1-9][0-9]*", "a version of the secret SERVICE-monitoring: never latest"),
    "gcloud_seconds": ("[1-9][0-9]*", "seconds for one gcloud command"),
}


class DeploySettings(msgspec.Struct, frozen=True, rename="upper"):
    """Each field is an environment variable of the same name in capitals. A command needs some of them."""

    project: str = ""
    region: str = ""
    service: str = "penguins"
    image: str = ""
    bucket: str = ""  # the bucket of the bundles' store
    bundle: str = ""  # the bundle that is served; by default the store's channel stable
    model_name: str = "penguin"  # in the bundle's contract; the image's own bundle stands in only if it has this name
    trusted_keys: str = ""
    revision: str = ""  # the new revision's name, after the service's name and a hyphen
    repository_id: str = ""  # GitHub's number of the repository whose workflows may deploy; a name can change hands
    minimum_instances: str = "0"  # 1 avoids cold starts, and costs money all the time
    maximum_instances: str = "10"
    monitoring_version: str = "1"
    gcloud_seconds: str = "600"

    @property
    def new_revision(self) -> str:
        """Return the new revision's full name."""
        return f"{self.service}-{self.revision}"

    @property
    def bundle_address(self) -> str:
        """Return the address of the bundle that is served."""
        return self.bundle or f"gs://{self.bucket}/penguins#stable"

    @property
    def runtime_account(self) -> str:
        """Return the account that the service runs as."""
        return f"{self.service}-run@{self.project}.iam.gserviceaccount.com"

    @property
    def deploy_account(self) -> str:
        """Return the account that deploys."""
        return f"{self.service}-deploy@{self.project}.iam.gserviceaccount.com"


def read_settings(*needed: str, environment: Mapping[str, str] = os.environ) -> DeploySettings:
    """Return the settings. `needed` are the fields that must be set.

    Raises Refusal, naming the variable, if one of them is not set or any variable has the wrong form.
    """
    fields = {field.name: field.encode_name for field in msgspec.structs.fields(DeploySettings)}
    given = {name: environment[variable] for name, variable in fields.items() if environment.get(variable)}
    for name, variable in fields.items():
        pattern, expected = EXPECTED[name]
        if name in given and not re.fullmatch(pattern, given[name]):
            raise Refusal(f"{variable}={given[name]!r}: expected {expected}")
        if name in needed and name not in given:
            raise Refusal(f"{variable} is not set: expected {expected}")
    return DeploySettings(**given)
