"""The alerts as policies of Cloud Monitoring, which evaluates no recording rules: each carries its whole expression.

The rules are those of Prometheus, deploy/alerts.yaml and deploy/recording.yaml. Cloud Monitoring keeps `subject` and
`description` of the annotations. Of templates it knows the value, as a plain number, and single labels, under names
of its own (cloud.google.com/monitoring/alerts/doc-variables).
"""

import re
from pathlib import Path
from typing import Any

from contract.refusal import Refusal
from deploy.google.promql import RULES as RECORDING
from deploy.google.promql import expanded, recorded
from deploy.google.settings import DeploySettings

RULES = Path(__file__).parents[1]
VALUE = re.compile(r"\{\{ *\$value(?: *\| *humanizePercentage)? *\}\}")
DURATION = re.compile(r"\{\{ *\$value *\| *humanizeDuration *\}\}")
LABEL = re.compile(r"\{\{ *\$labels\.(\w+) *\}\}")
SEVERITIES = {"page": "CRITICAL", "ticket": "WARNING"}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
OWNER = {"made_by": "python-m-deploy"}  # the label by which our policies are found again
EVALUATION_SECONDS = 60  # a multiple of 30
ABSENT = "PenguinsAbsent"  # without a minimum of instances it is usual that there is none

MONITORING = ["alpha", "monitoring", "policies"]  # in gcloud 528 only the alpha track has them

Policy = dict[str, Any]


def policies(settings: DeploySettings, channels: list[str]) -> list[Policy]:
    """Return the policies in the order of the alerts. `channels` are names of notification channels.

    Raises Refusal if a rule cannot be a policy.
    """
    rules = recorded(RECORDING.read_text("utf-8"))
    alerts = [rule for rule in _rules("alerts.yaml") if rule["alert"] != ABSENT or settings.minimum_instances != "0"]
    return [_policy(settings, alert, rules, channels) for alert in alerts]


def _rules(name: str) -> list[dict[str, Any]]:
    try:
        import yaml  # only this command reads YAML; the tests' requirements have it
    except ImportError as error:
        raise Refusal("to read the alerts' rules PyYAML is needed: pip install -r requirements/dev.txt") from error
    document = yaml.safe_load((RULES / name).read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def _policy(settings: DeploySettings, alert: dict[str, Any], rules: dict[str, str], channels: list[str]) -> Policy:
    name, notes = alert["alert"], alert["annotations"]
    condition = {
        "query": expanded(" ".join(alert["expr"].split()), rules),
        "duration": f"{seconds(alert.get('for', '0s'))}s",
        "evaluationInterval": f"{EVALUATION_SECONDS}s",
        "ruleGroup": "penguins",
        "alertRule": name,
        "disableMetricValidation": True,  # a metric of a fault may not have been seen yet
    }
    content = f"{translated(notes['description'])}\n\n{notes['runbook']}"
    return {
        "displayName": f"{settings.service}/{name}",
        "combiner": "OR",
        "enabled": True,
        "severity": SEVERITIES[alert["labels"]["severity"]],
        "userLabels": OWNER,
        "documentation": {
            "subject": translated(notes["subject"]),
            "content": content,
            "mimeType": "text/markdown",
        },
        "conditions": [{"displayName": name, "conditionPrometheusQueryLanguage": condition}],
        "notificationChannels": channels,
    }


def translated(template: str) -> str:
    """Return a template of Prometheus with Cloud Monitoring's variables. Raises Refusal if it knows no such thing."""
    text = VALUE.sub("${metric.label.value}", DURATION.sub("${metric.label.value} s", template))
    text = LABEL.sub(r"${metric_or_resource.label.\1}", text)
    if "{{" in text:
        raise Refusal(f"Cloud Monitoring knows only {{{{ $value }}}} and {{{{ $labels.NAME }}}}; found {template!r}")
    return text


def seconds(time: str) -> int:
    """Return a time such as 5m in seconds."""
    return int(time[:-1]) * UNITS[time[-1]]


def list_command(settings: DeploySettings) -> list[str]:
    """Return the command that lists the project's policies."""
    return [*MONITORING, "list", f"--project={settings.project}"]


def ours(settings: DeploySettings, listed: list[Policy]) -> dict[str, Policy]:
    """Return those of this service that this command made, by their display name."""
    prefix = f"{settings.service}/"
    own = [each for each in listed if OWNER.items() <= each.get("userLabels", {}).items()]
    return {each["displayName"]: each for each in own if each["displayName"].startswith(prefix)}


def write_command(settings: DeploySettings, path: Path, there: str | None) -> list[str]:
    """Return the command that makes a policy from a file, or replaces the one that is there under that name."""
    verb = ["create"] if there is None else ["update", there]
    return [*MONITORING, *verb, f"--policy-from-file={path}", f"--project={settings.project}"]
