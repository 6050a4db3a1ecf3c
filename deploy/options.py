"""What the options of the command line stand for: the canary's plan, the splitter, and where a revision is measured."""

import argparse
from collections.abc import Callable

import msgspec

from contract.refusal import Refusal
from deploy.canary.plan import CanaryPlan, checked
from deploy.canary.scrape import CounterSource, MetricsPage, Prometheus
from deploy.google import gcloud
from deploy.google.cloud_run import CloudRun
from deploy.google.settings import DeploySettings, read_settings
from deploy.haproxy import HAProxy
from deploy.splitter import Splitter

PLACE = ("project", "region")

Options = argparse.Namespace


def plan_of(options: Options) -> CanaryPlan:
    """Return the canary's plan. Raises Refusal."""
    given = {field.name: getattr(options, field.name) for field in msgspec.structs.fields(CanaryPlan)}
    given = {name: value for name, value in given.items() if value is not None}
    if "steps" in given:
        given["steps"] = given["steps"].split(",")
    try:
        return checked(msgspec.convert(given, CanaryPlan, strict=False))
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise Refusal(f"--{path.partition('[')[0].rstrip('`').replace('_', '-')}: {message}") from error


def splitter_of(options: Options) -> Splitter:
    """Return HAProxy or Cloud Run. Raises Refusal."""
    if options.haproxy:
        return HAProxy(options.haproxy, options.backend)
    return CloudRun(read_settings(*PLACE))


def sources_of(options: Options) -> tuple[CounterSource, CounterSource]:
    """Return where the old revision's counters are read, and the new one's. Raises Refusal."""
    if options.old_metrics and options.new_metrics:
        return MetricsPage(options.old_metrics), MetricsPage(options.new_metrics)
    if options.prometheus:
        return Prometheus(options.prometheus, options.old), Prometheus(options.prometheus, options.new)
    if options.haproxy:
        raise Refusal("expected --old-metrics and --new-metrics, or --prometheus; see python -m deploy canary --help")
    settings = read_settings(*PLACE)
    url, token = managed(settings)
    return Prometheus(url, options.old, token), Prometheus(url, options.new, token)


def managed(settings: DeploySettings) -> tuple[str, Callable[[], str]]:
    """Return the address of the project's Managed Service for Prometheus, and what returns a token for it."""
    seconds = float(settings.gcloud_seconds)

    def token() -> str:
        return gcloud.run(["auth", "print-access-token"], seconds).strip()

    return f"https://monitoring.googleapis.com/v1/projects/{settings.project}/location/global/prometheus", token


def address_of(options: Options, splitter: Splitter) -> str:
    """Return the URL at which the new revision answers directly. Raises Refusal."""
    if options.new_url:
        url: str = options.new_url
        return url
    if isinstance(splitter, CloudRun):
        return splitter.address(options.new)
    raise Refusal("expected --new-url, where the new revision can be asked directly, such as http://127.0.0.1:8082")
