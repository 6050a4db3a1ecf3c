"""deploy/service.yaml: what Cloud Run takes, and the settings that the application has."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from app.core.settings import Settings as AppSettings
from app.core.settings import read_settings as read_app_settings
from benchmarks.load import prices
from contract.refusal import Refusal
from deploy.google.render import render
from deploy.google.settings import DeploySettings, read_settings
from tests.deploy.project import ENVIRONMENT
from tests.support.commands import ROOT, run_module
from tests.support.service import Service

SCHEMA = Path(__file__).with_name("service_schema.json")
PINNED: list[dict[str, object]] = [{"revisionName": "penguins-zero", "percent": 100}]
# Everything else is in the description.
LEFT_AT_THEIR_DEFAULT = {
    *("HOST", "PORT", "LOG_LEVEL", "LOG_LINES_PER_SECOND", "SERVER_TIMING", "OTEL_EXPORTER_OTLP_ENDPOINT", "FAST_PATH"),
    *("BATCH_THREADS", "ALLOWED_ORIGINS"),
    *("BUNDLE_CACHE", "ALLOW_UNSIGNED_BUNDLES", "POLL_SECONDS", "CHALLENGER_URI"),
    *(
        "MAX_BODY_BYTES",
        "MAX_BATCH_BYTES",
        "MAX_BATCH_ROWS",
        "MAX_BATCH_MEMORY_BYTES",
        "MAX_REQUEST_LINE_BYTES",
        "MAX_HEADER_BYTES",
    ),
    *("FIRST_BYTE_SECONDS", "HEADER_SECONDS", "BODY_SECONDS", "KEEP_ALIVE_SECONDS", "WRITE_SECONDS"),
    *("MAX_CONNECTIONS", "MAX_REQUESTS_PER_CONNECTION", "MAX_IN_FLIGHT", "MAX_LAG_MILLISECONDS"),
    *("REQUESTS_PER_SECOND", "BURST_REQUESTS", "NOT_READY_SECONDS", "SHUTDOWN_SECONDS"),
}


@pytest.fixture
def settings() -> DeploySettings:
    return read_settings(environment=ENVIRONMENT)


@pytest.fixture
def document(settings: DeploySettings) -> Any:
    return yaml.safe_load(render(settings, None))


def environment_of(document: Any) -> dict[str, str]:
    """Return the environment of the application."""
    app = document["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each["value"] for each in app["env"]}


@pytest.mark.parametrize("pinned", [None, PINNED])
def test_it_is_what_cloud_run_takes(
    settings: DeploySettings, tmp_path: Path, pinned: list[dict[str, object]] | None
) -> None:
    """The service's description fits a strict schema and has nothing left to fill in."""
    text = render(settings, pinned)
    assert "${" not in text
    jsonschema.validate(yaml.safe_load(text), json.loads(SCHEMA.read_text()))
    (tmp_path / "service.yaml").write_text(text)
    checked = run_module("check_jsonschema", "--schemafile", SCHEMA, tmp_path / "service.yaml")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("field", ["startupProb", "containerConcurency", "cpu"])
def test_the_schema_notices_a_slip(document: Any, field: str) -> None:
    """The schema refuses an unknown field at any place."""
    document["spec"]["template"]["spec"]["containers"][0][field] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))


def test_its_size_is_what_the_load_report_concludes(document: Any) -> None:
    """Concurrency and memory are those of the load report."""
    report = (ROOT / "LOAD_TEST_REPORT.md").read_text(encoding="utf-8")
    concluded = dict(re.findall(r"\*\*(Concurrency|Memory)\*\*: (\d+)", report))
    template = document["spec"]["template"]["spec"]
    assert str(template["containerConcurrency"]) == concluded["Concurrency"]
    assert template["containers"][0]["resources"]["limits"]["memory"] == f"{concluded['Memory']}Mi"


def test_its_instances_are_those_of_the_cost_table(document: Any) -> None:
    """Every container has limits, and the cost table is of their sum."""
    limits = [each["resources"]["limits"] for each in document["spec"]["template"]["spec"]["containers"]]
    cpus = [float(each["cpu"].removesuffix("m")) / (1000 if each["cpu"].endswith("m") else 1) for each in limits]
    assert sum(cpus) == prices.VCPUS
    assert sum(int(each["memory"].removesuffix("Mi")) for each in limits) / 1024 == prices.GIB
    assert cpus[0] == prices.APP_VCPUS
    # https://docs.cloud.google.com/run/docs/configuring/services/cpu: from 0.08 to 1, and above that whole numbers
    assert all(0.08 <= cpu <= 1 or cpu in (2, 4, 6, 8) for cpu in cpus)
    assert document["spec"]["template"]["metadata"]["annotations"]["run.googleapis.com/cpu-throttling"] == "false"


def test_its_variables_are_settings(document: Any) -> None:
    """The application accepts every variable, and none that another project needs is missing."""
    given = environment_of(document)
    names = {field.encode_name for field in msgspec.structs.fields(AppSettings)}
    assert set(given) <= names
    told = read_app_settings(given)
    assert (told.bundle, told.trusted_keys) == (ENVIRONMENT["BUNDLE"], ENVIRONMENT["TRUSTED_KEYS"])
    assert (told.workers, told.trusted_proxies, told.log_format) == (1, 1, "json")
    assert told.google_cloud_project == ENVIRONMENT["PROJECT"]


def test_the_model_is_named(document: Any) -> None:
    """The service accepts only bundles of the named model, and has one of it in the image."""
    told = read_app_settings(environment_of(document))
    assert (told.model_name, told.baked_bundle) == ("penguin", "/service/baked")
    other = read_settings(environment={**ENVIRONMENT, "MODEL_NAME": "gull-2.1"})
    assert environment_of(yaml.safe_load(render(other, None)))["MODEL_NAME"] == "gull-2.1"
    for name in ("a b", "a/b", ".a", "x" * 65):
        with pytest.raises(Refusal, match=r"MODEL_NAME=.*: expected the name in the model's contract"):
            read_settings(environment={**ENVIRONMENT, "MODEL_NAME": name})


def test_a_name_that_is_a_number_stays_a_text() -> None:
    """A name that YAML takes for a number, a boolean or a date is rendered as the text that it is."""
    for name in ("1", "1.5", "1e3", "0x10", "true", "no", "null", "2026-11-26"):
        given = read_settings(environment={**ENVIRONMENT, "MODEL_NAME": name})
        assert environment_of(yaml.safe_load(render(given, None)))["MODEL_NAME"] == name


def test_every_setting_is_thought_of(document: Any) -> None:
    """Every setting is in the description or in the list of defaults."""
    names = {field.encode_name for field in msgspec.structs.fields(AppSettings)}
    given = set(environment_of(document))
    assert given | LEFT_AT_THEIR_DEFAULT == names
    assert given & LEFT_AT_THEIR_DEFAULT == set()


def test_its_probes_are_answered(document: Any, service: Service) -> None:
    """The service answers its probes with 200."""
    app = document["spec"]["template"]["spec"]["containers"][0]
    for probe in ("startupProbe", "livenessProbe"):
        assert service.request("GET", app[probe]["httpGet"]["path"]).status == 200
        assert app[probe]["httpGet"]["port"] == app["ports"][0]["containerPort"] == AppSettings().port


def test_the_collector_scrapes_where_the_metrics_are(document: Any) -> None:
    """The collector has the port and path of the metrics."""
    monitoring = yaml.safe_load((ROOT / "deploy" / "monitoring.yaml").read_text())
    (endpoint,) = monitoring["spec"]["endpoints"]
    assert str(endpoint["port"]) == environment_of(document)["METRICS_PORT"]
    assert endpoint["path"] == "/metrics"


def test_a_new_revision_gets_no_requests(settings: DeploySettings) -> None:
    """A new revision gets a tag and no requests, and the same revision keeps its share."""
    document = yaml.safe_load(render(settings, PINNED))
    assert document["spec"]["traffic"] == [*PINNED, {"revisionName": "penguins-one", "percent": 0, "tag": "canary"}]
    again = yaml.safe_load(render(settings, [*PINNED[:0], {"revisionName": "penguins-one", "percent": 100}]))
    assert again["spec"]["traffic"] == [{"revisionName": "penguins-one", "percent": 100, "tag": "canary"}]


def test_the_image_has_none_of_it() -> None:
    """The build's context leaves deploy/ out."""
    assert "!deploy" not in (ROOT / ".dockerignore").read_text()
    assert "deploy" not in (ROOT / "Dockerfile").read_text()
