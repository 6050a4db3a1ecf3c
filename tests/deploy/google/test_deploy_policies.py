"""The alerts as policies of Cloud Monitoring: whole, accepted by gcloud's own messages, installed by one command."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.refusal import Refusal
from deploy.google.cloud_run import BACK
from deploy.google.policies import list_command, policies, translated, write_command
from deploy.google.settings import DeploySettings, read_settings
from tests.deploy.managed_prometheus import refusal
from tests.deploy.project import ENVIRONMENT, Project
from tests.support.commands import ROOT
from tests.support.telemetry import needed

ALWAYS = {**ENVIRONMENT, "MINIMUM_INSTANCES": "1"}
# Reads each file as gcloud does before it sends it (googlecloudsdk, api_lib/util and generated_clients).
STRICT = """
import sys
sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]
from apitools.base.py import encoding
from googlecloudsdk.generated_clients.apis.monitoring.v3 import monitoring_v3_messages as messages
for path in sys.argv[2:]:
    policy = encoding.JsonToMessage(messages.AlertPolicy, open(path).read())
    def unknown(message):
        assert not message.all_unrecognized_fields(), (path, message.all_unrecognized_fields())
    unknown(policy); unknown(policy.documentation)
    for condition in policy.conditions:
        unknown(condition); unknown(condition.conditionPrometheusQueryLanguage)
        assert condition.conditionPrometheusQueryLanguage.query
print("read")
"""


def settings(**given: str) -> DeploySettings:
    return read_settings(environment={**ALWAYS, **given})


def rules(name: str) -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "deploy" / name).read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def conditions() -> dict[str, dict[str, Any]]:
    """Return the condition of every policy by its alert."""
    found = [policy["conditions"][0] for policy in policies(settings(), [])]
    return {each["displayName"]: each["conditionPrometheusQueryLanguage"] for each in found}


def test_every_alert_is_a_policy_that_stands_by_itself() -> None:
    """Every alert is a policy, no policy needs a recorded series, and Google refuses none of the expressions."""
    found = conditions()
    assert list(found) == [rule["alert"] for rule in rules("alerts.yaml")]
    for name, condition in found.items():
        assert not re.search(r"penguins:[a-z]", condition["query"]), name
        assert refusal(condition["query"]) is None, name
        assert re.fullmatch(r"\d+s", condition["duration"]), name


@pytest.mark.long
def test_policies_fire_where_the_rules_do(tmp_path: Path) -> None:
    """Whole expressions pass the same tests in figures as the rules with recorded series."""
    needed("promtool")
    alerts = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text(encoding="utf-8"))
    found = conditions()
    for rule in alerts["groups"][0]["rules"]:
        rule["expr"] = found[rule["alert"]]["query"]
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(alerts))
    test = yaml.safe_load((ROOT / "deploy" / "alerts_test.yaml").read_text(encoding="utf-8"))
    test["rule_files"] = ["alerts.yaml"]
    for case in test["tests"]:
        asked = case.get("promql_expr_test", [])
        case["promql_expr_test"] = [each for each in asked if "penguins:" not in each["expr"]]
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    command = ["promtool", "test", "rules", str(tmp_path / "test.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_where_there_may_be_no_instance_its_absence_is_no_alert() -> None:
    """Without a minimum of instances, nobody is told that there are none."""
    assert "PenguinsAbsent" in conditions()
    names = [policy["displayName"] for policy in policies(settings(MINIMUM_INSTANCES="0"), [])]
    assert "penguins/PenguinsAbsent" not in names
    assert "penguins/PenguinsNotReady" in names


def test_what_cannot_be_a_policy_is_refused() -> None:
    """A template that Cloud Monitoring does not know is refused."""
    assert translated("{{ $labels.job }}: {{ $value | humanizeDuration }}") == (
        "${metric_or_resource.label.job}: ${metric.label.value} s"
    )
    with pytest.raises(Refusal, match="Cloud Monitoring knows only"):
        translated("{{ with query }}")


def test_one_command_installs_them_and_again_replaces_them(tmp_path: Path) -> None:
    """It prints every command before it runs. A second run replaces each, and keeps channels that were added."""
    project = Project(tmp_path)
    out = ("alerts", f"--out={tmp_path}/policies")
    printed = project.deploy(*out)
    assert (printed.returncode, project.calls) == (0, []), printed.stderr
    first = project.deploy(*out, "--yes", "--channel=projects/p/notificationChannels/1")
    assert first.returncode == 0, first.stderr
    assert first.stdout == printed.stdout
    made: dict[str, dict[str, Any]] = project.state["policies"]  # type: ignore[assignment]
    assert len(made) == printed.stdout.count("policies create")
    again = project.deploy(*out, "--yes")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("policies update") == len(made)
    assert project.state["policies"] == made
    assert project.deploy(*out, "--yes", MINIMUM_INSTANCES="1").returncode == 0
    assert "# penguins/PenguinsAbsent is no alert any more; it stays until" in project.deploy(*out, "--yes").stdout
    made = dict(project.state["policies"])
    interrupted = project.deploy(*out, "--yes", fault="denied:3")
    assert (interrupted.returncode, interrupted.stderr.count("\n")) == (2, 1)
    assert project.deploy(*out, "--yes").returncode == 0
    assert project.state["policies"] == made


def test_gcloud_parses_the_commands(tmp_path: Path) -> None:
    """The real gcloud, if it is here, takes every flag: it only misses an account."""
    needed("gcloud", "google-cloud-cli")
    (path := tmp_path / "policy.json").write_text("{}")
    where = read_settings(environment=ENVIRONMENT)
    place = [f"--project={where.project}", "--region=europe-west1"]
    for command in (
        [*list_command(where), "--format=json"],
        write_command(where, path, None),
        write_command(where, path, "projects/p/alertPolicies/1"),
        ["run", "services", "update-traffic", "penguins", "--to-revisions=a=100", f"--update-tags={BACK}=b", *place],
    ):
        environment = {**os.environ, "CLOUDSDK_CONFIG": str(tmp_path), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        ran = subprocess.run(
            ["gcloud", *command], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        if "alpha" in command and "alpha" in ran.stderr and "component" in ran.stderr:
            pytest.skip("this gcloud has no alpha commands")
        assert "active account" in ran.stderr, ran.stderr


def test_gcloud_reads_them(tmp_path: Path) -> None:
    """The real gcloud's messages know every field, if it is here."""
    needed("gcloud", "google-cloud-cli")
    root = Path(str(shutil.which("gcloud"))).resolve().parents[1]
    if not (root / "lib/googlecloudsdk/generated_clients").exists():
        pytest.skip(f"no messages of gcloud in {root}")
    paths = []
    for policy in policies(settings(), []):
        paths.append(tmp_path / f"{policy['displayName'].rpartition('/')[2]}.json")
        paths[-1].write_text(json.dumps(policy))
    command = ["python3", "-W", "ignore", "-c", STRICT, str(root), *map(str, paths)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == "read\n", ran.stderr
