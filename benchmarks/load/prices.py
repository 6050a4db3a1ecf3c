"""The prices of Cloud Run in prices.json, and the cost of a million requests to one instance."""

import math
from pathlib import Path
from typing import Any

import msgspec

PRICES: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes())
MILLION = 1_000_000


def _second(billing: str) -> float:
    """Return USD for a second of one instance."""
    vcpu, gib = PRICES[billing]["vcpu_second"], PRICES[billing]["gib_second"]
    usd: float = PRICES["vcpus"] * vcpu + PRICES["memory_mib"] / 1024 * gib
    return usd


def request_based(per_second: float, latency_seconds: float) -> float:
    """Return USD for a million requests at random times, if the instance is paid for while it has a request.

    Each lasts its latency, rounded up to `billed_in_seconds`; those at the same time are paid for once.
    """
    step = PRICES["billed_in_seconds"]
    billed = max(step, math.ceil(latency_seconds / step) * step)
    seconds = MILLION / per_second * (1 - math.exp(-per_second * billed))
    usd: float = PRICES["million_requests"] + seconds * _second("request_based")
    return usd


def instance_based(per_second: float) -> float:
    """Return USD for a million requests, if the instance is paid for all the time."""
    return MILLION / per_second * _second("instance_based")
