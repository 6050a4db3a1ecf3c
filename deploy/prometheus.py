"""What a Prometheus server answers to a query, such as Google's Managed Service for Prometheus."""

import msgspec


class Sample(msgspec.Struct):
    """One value of one series: its labels, and when it was and what, as text."""

    metric: dict[str, str]
    value: tuple[float, str]


class _Result(msgspec.Struct):
    result: list[Sample]


class _Answer(msgspec.Struct):
    data: _Result


def read_samples(body: bytes) -> list[Sample]:
    """Return the samples of an answer. Raises msgspec.DecodeError or UnicodeDecodeError if it is none."""
    return msgspec.json.decode(body, type=_Answer).data.result
