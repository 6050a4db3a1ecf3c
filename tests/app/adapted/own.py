"""A running service of a user's own model."""

from pathlib import Path
from typing import NamedTuple

from tests.support.service import Service
from tests.support.telemetry import Samples, samples, scrape


class Adapted(NamedTuple):
    """A running service, the port of its metrics, and the file that its log goes to."""

    service: Service
    metrics: int
    log: Path

    def figures(self) -> Samples:
        return samples(scrape(self.metrics))
