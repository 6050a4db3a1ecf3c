"""What runs in a Python worker of an executor: the bundle is verified and mapped once, then batches are answered."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyspark import SparkFiles

from score.arrow import ArrowScorer
from score.bundle import Bundle, load_verified
from score.lake.archive import archive_name, read_archive
from score.lake.plain import plain

_loaded: dict[str, Bundle] = {}  # by digest; lives as long as the worker, which runs many tasks one after the other


class Shipped(NamedTuple):
    """A bundle that Spark has carried to the executors, and how it is verified there.

    `keys` are public keys as TRUSTED_KEYS has them.
    """

    digest: str
    keys: str
    required: bool


def answered(
    batches: Iterable[pa.RecordBatch],
    shipped: Shipped,
    names: list[str],
    keep: list[str] | None,
    *,
    p_values: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield the answers to each batch of a partition, whose columns are `names`, in order.

    Raises Refusal if the bundle is not sound.
    """
    bundle = loaded(shipped)
    scorer: ArrowScorer | None = None
    for numbered in batches:
        batch = numbered.rename_columns(names)
        scorer = scorer or ArrowScorer(bundle, batch.schema, keep, p_values=p_values)
        yield plain(scorer.score(batch))


def loaded(shipped: Shipped) -> Bundle:
    """Return the bundle, verified and mapped. Raises Refusal."""
    bundle = _loaded.get(shipped.digest)
    if bundle is None:
        path = Path(SparkFiles.get(archive_name(shipped.digest)))
        verified = read_archive(path, shipped.digest, shipped.keys, shipped.required)
        bundle = _loaded[shipped.digest] = load_verified(verified)
    return bundle
