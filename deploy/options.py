"""What the options of the command line stand for: the canary's plan, the splitter, and where a revision is measured."""

import argparse
import os
import time
from collections.abc import Callable
from functools import cache

import msgspec

from contract.refusal import Refusal
from deploy.canary.front import CloudRunFront, FrontSource
from deploy.canary.plan import CanaryPlan, checked
from deploy.canary.scrape import CounterSource, MetricsPage, Prometheus
from deploy.google import gcloud
from deploy.google.cloud_run import CloudRun
from deploy.google.settings import DeploySettings, read_settings
from deploy.haproxy import HAProxy, HAProxyFront
from deploy.splitter import Splitter

PLACE = ("project", "region")
GOOGLE = os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING", "https://monitoring.googleapis.com").rstrip("/")

TOKEN_SECONDS = 300.0

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
    return google_counters(options.old), google_counters(options.new)


def google_counters(revision: str) -> Prometheus:
    """Return Google's Managed Service for Prometheus, asked for one revision. Raises Refusal."""
    url, token = managed(read_settings(*PLACE))
    return Prometheus(url, revision, token)


def managed(settings: DeploySettings) -> tuple[str, Callable[[], str]]:
    """Return the address of the project's Managed Service for Prometheus, and what returns a token for it."""
    url = f"{GOOGLE}/v1/projects/{settings.project}/location/global/prometheus"
    return url, token_of(float(settings.gcloud_seconds))


@cache
def token_of(seconds: float) -> "Token":
    """Return the one token of this process. gcloud may take so many seconds."""
    return Token(seconds)


class Token:
    """An access token, printed by gcloud, kept for a few of the 60 minutes that it is good for."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._token, self._until = seconds, "", 0.0

    def __call__(self) -> str:
        """Return the token. Raises GcloudRefusal."""
        if time.monotonic() >= self._until:
            self._token = gcloud.run(["auth", "print-access-token"], self._seconds).strip()
            self._until = time.monotonic() + TOKEN_SECONDS
        return self._token


def fronts_of(options: Options) -> tuple[FrontSource, FrontSource] | tuple[None, None]:
    """Return where the front end's figures are read: of the old revision, and of the new one. Raises Refusal.

    They are HAProxy's, or Cloud Run's. Another Prometheus server has none of Cloud Run.
    """
    if options.haproxy:
        haproxy = HAProxy(options.haproxy, options.backend)
        return HAProxyFront(haproxy, options.old), HAProxyFront(haproxy, options.new)
    if options.old_metrics or options.prometheus:
        return None, None
    old, new = (CloudRunFront(google_counters(name), name, time.time) for name in (options.old, options.new))
    return old, new


def address_of(options: Options, splitter: Splitter) -> str:
    """Return the URL at which the new revision answers directly. Raises Refusal."""
    if options.new_url:
        url: str = options.new_url
        return url
    if isinstance(splitter, CloudRun):
        return splitter.address(options.new)
    raise Refusal("expected --new-url, where the new revision can be asked directly, such as http://127.0.0.1:8082")
