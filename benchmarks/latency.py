"""Latencies in an HDR histogram: it is small, exact to 0.1 %, and histograms of several runs add up."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hdrh.histogram import HdrHistogram

from contract.files import write_atomically
from contract.refusal import Refusal

HIGHEST_US = 3_600_000_000  # an hour; a longer latency counts as an hour
T = TypeVar("T")


class Latency:
    """A histogram of microseconds."""

    def __init__(self, encoded: str = "") -> None:
        self.counts = HdrHistogram.decode(encoded) if encoded else HdrHistogram(1, HIGHEST_US, 3)

    def add(self, microseconds: float) -> None:
        """Add one value, rounded to a whole microsecond."""
        self.counts.record_value(min(HIGHEST_US, max(0, round(microseconds))))

    @property
    def requests(self) -> int:
        """Return the number of values."""
        return int(self.counts.get_total_count())

    def quantile(self, share: float) -> float:
        """Return the least value that this share of all values does not exceed, or 0 without values."""
        return float(self.counts.get_value_at_percentile(100 * share)) if self.requests else 0.0

    def mean(self) -> float:
        """Return the mean, or 0 without values."""
        return float(self.counts.get_mean_value()) if self.requests else 0.0


def encode(value: object) -> bytes:
    """Return the value in JSON; a histogram becomes a text."""
    return msgspec.json.encode(value, enc_hook=lambda latency: latency.counts.encode().decode())


def decode(data: bytes, kind: type[T]) -> T:
    """Return a value of this type from JSON. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=kind, strict=False, dec_hook=lambda made, text: made(text))


def store(value: object, path: Path) -> None:
    """Write the value to a file, in JSON."""
    write_atomically(path, encode(value))
    print(f"wrote {path}")


def read(path: Path, kind: type[Any], command: str) -> Any:
    """Return the stored value of this type. Raises Refusal that names the command which stores one."""
    try:
        return decode(path.read_bytes(), kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: no stored results ({error}); measure first: {command}") from error
