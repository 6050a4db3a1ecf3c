"""What a million requests to one instance of Cloud Run cost.

List prices in USD of its tier 1 regions, looked up on 2026-11-24 (https://cloud.google.com/run/pricing), without the
free tier, commitments and traffic to the internet.
"""

import math

VCPUS, GIB = 1.25, 0.75  # of an instance of deploy/service.yaml: the application and the collector beside it
APP_VCPUS, APP_GIB = 1, 0.5  # of the application alone
BILLED_IN_SECONDS = 0.1
MILLION_REQUESTS = 0.40
REQUEST_BASED_SECOND = APP_VCPUS * 0.000024 + APP_GIB * 0.0000025  # of one instance, while it has a request
INSTANCE_BASED_SECOND = VCPUS * 0.000018 + GIB * 0.000002  # of one instance, all the time
MILLION = 1_000_000


def request_based(per_second: float, latency_seconds: float) -> float:
    """Return USD for a million requests at random times, if the instance is paid for while it has a request.

    That is without the collector, which has no CPU between requests then: not what deploy/service.yaml deploys.

    Each lasts its latency, rounded up to BILLED_IN_SECONDS; those at the same time are paid for once.
    """
    billed = max(1, math.ceil(latency_seconds / BILLED_IN_SECONDS)) * BILLED_IN_SECONDS
    seconds = MILLION / per_second * (1 - math.exp(-per_second * billed))
    return MILLION_REQUESTS + seconds * REQUEST_BASED_SECOND


def instance_based(per_second: float) -> float:
    """Return USD for a million requests to what deploy/service.yaml deploys: it is paid for all the time."""
    return MILLION / per_second * INSTANCE_BASED_SECOND
