"""What Cloud Run asks for an instance, as prices.json has it, and what a million requests come to."""

import math
from pathlib import Path

import msgspec

PRICES = Path(__file__).with_name("prices.json")
MILLION = 1_000_000


class Rate(msgspec.Struct, frozen=True):
    """USD for a second."""

    vcpu_second: float
    gib_second: float


class Prices(msgspec.Struct, frozen=True):
    """`million_requests` is USD, with request-based billing only, whose time is rounded up to `billed_in_seconds`.

    `memory_mib` are the settings to choose from with so many `vcpus`, in the second generation; `autoscaler_cpu` is the
    share of its CPU beyond which instances are added.
    """

    service: str
    tier: str
    looked_up: str
    source: str
    million_requests: float
    request_based: Rate
    instance_based: Rate
    billed_in_seconds: float
    vcpus: int
    memory_mib: tuple[int, ...]
    autoscaler_cpu: float


def read_prices() -> Prices:
    """The stored ones."""
    return msgspec.json.decode(PRICES.read_bytes(), type=Prices)


def second_of(prices: Prices, rate: Rate, memory_mib: int) -> float:
    """USD for a second of one instance."""
    return prices.vcpus * rate.vcpu_second + memory_mib / 1024 * rate.gib_second


def request_based(prices: Prices, memory_mib: int, per_second: float, latency_seconds: float) -> float:
    """USD for a million requests that come to one instance at random times.

    It is paid for while it has a request; each lasts its latency, rounded up, and those at once are paid for once.
    """
    step = prices.billed_in_seconds
    billed = max(step, math.ceil(latency_seconds / step) * step)
    share = 1 - math.exp(-per_second * billed)
    seconds = MILLION / per_second * share
    return prices.million_requests + seconds * second_of(prices, prices.request_based, memory_mib)


def instance_based(prices: Prices, memory_mib: int, per_second: float) -> float:
    """USD for a million requests to one instance that is paid for all the time."""
    return MILLION / per_second * second_of(prices, prices.instance_based, memory_mib)
