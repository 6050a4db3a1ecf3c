"""Score a Spark DataFrame: each executor gets the bundle, verifies it there, and answers its rows (docs/many-rows.md).

    from score.spark import score
    score(spark.read.parquet("birds/"), "gs://models/penguins#stable", keep=["id"]).write.parquet("scored/")

Reading, splitting, retries and writing are Spark's. The law is that of score/arrow.py: the answers of POST /predict.
"""

import atexit
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark import SparkContext
from pyspark.sql import DataFrame
from pyspark.sql.types import StructField, StructType

from bundle.verify import VerifiedBundle, Wanted
from contract.refusal import Refusal
from contract.schema import Contract
from score.arrow import ArrowScorer, kept_places
from score.bundle import fetch_verified, load_verified, trust_of
from score.lake.archive import archive_name, write_archive
from score.lake.fields import arrow_field, spark_field
from score.lake.plain import plain_schema
from score.names import find_inputs

_adding = threading.Lock()  # Spark refuses two files of one name


def score(
    dataframe: DataFrame,
    bundle: str | Path,
    keep: Sequence[str] | None = None,
    *,
    p_values: bool = False,
    trusted_keys: str | None = None,
    allow_unsigned: bool | None = None,
) -> DataFrame:
    """Return the columns in `keep`, or all, then what POST /predict would say of each row, or the reason why not.

    If `p_values`, there is also a p-value for each class.

    `bundle` is a bundle's directory, STORE#CHANNEL or STORE@DIGEST; STORE may be gs://BUCKET/PREFIX. It is fetched
    here, once: all rows get the same model, even if the channel moves meanwhile. It must be signed by one of
    `trusted_keys`, unless it was built in artifacts/ or `allow_unsigned`; both default to the service's variables
    TRUSTED_KEYS and ALLOW_UNSIGNED_BUNDLES.

    Raises Refusal if the bundle is not sound or a column is missing or of a wrong type, before a row is read.
    """
    context = _context(dataframe)
    trust = trust_of(str(bundle), trusted_keys, allow_unsigned)
    # Executors may be of another platform than the driver.
    verified = fetch_verified(str(bundle), trust, Wanted(all_platforms=True))
    places = _needed(dataframe.columns, verified.contract, keep)
    names = [dataframe.columns[place] for place in places]
    schema = _schema([dataframe.schema.fields[place] for place in places], verified, keep, p_values=p_values)
    _ship(context, verified)
    shipped = (verified.digest, " ".join(map(str, trust.keys)), trust.required)
    numbers = [f"c{place}" for place in range(len(dataframe.columns))]  # mapInArrow takes no names with dots
    numbered = dataframe.toDF(*numbers).select([numbers[place] for place in places])
    mapper = _mapper(shipped, names, None if keep is None else list(keep), p_values=p_values)
    return numbered.mapInArrow(mapper, schema)


def _context(dataframe: DataFrame) -> SparkContext:
    """Return the context of a DataFrame. Raises Refusal if there is none, as with Spark Connect."""
    try:
        return dataframe.sparkSession.sparkContext
    except AttributeError as error:
        raise Refusal(
            "expected a session in the driver's own JVM, found Spark Connect, which has no SparkContext.addFile; "
            "run the job by spark-submit"
        ) from error


def _needed(columns: Sequence[str], contract: Contract, keep: Sequence[str] | None) -> list[int]:
    """Return the places of the columns that somebody asks for: Spark does not even read the others. Raises Refusal."""
    found = find_inputs(columns, contract)
    if found.problem:
        raise Refusal(found.problem)
    asked = {*kept_places(columns, keep), *(place for place in found.places if place is not None)}
    return sorted(asked)


def _schema(
    fields: list[StructField], verified: VerifiedBundle, keep: Sequence[str] | None, *, p_values: bool
) -> StructType:
    """Return the schema of the answers. Kept columns stay what they are. Raises Refusal if a column does not fit."""
    given = pa.schema([*map(arrow_field, fields)])
    schema = plain_schema(ArrowScorer(load_verified(verified), given, keep, p_values=p_values).schema)
    kept = fields if keep is None else [fields[given.names.index(name)] for name in keep]
    return StructType([*kept, *map(spark_field, list(schema)[len(kept) :])])


def _ship(context: SparkContext, verified: VerifiedBundle) -> None:
    """Let Spark carry the bundle to each executor that will run a task: once, also to those that start later."""
    name = archive_name(verified.digest)
    with _adding:
        if any(uri.rpartition("/")[2] == name for uri in context.listFiles):
            return
        directory = Path(tempfile.mkdtemp(prefix="score-"))
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        write_archive(directory / name, verified)
        context.addFile(str(directory / name))


def _mapper(
    shipped: tuple[str, str, bool], names: list[str], keep: list[str] | None, *, p_values: bool = False
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what executors run. Spark carries the function itself, which imports our modules there."""

    def run(batches: Iterable[Any]) -> Iterator[Any]:
        try:
            from score.lake.worker import Shipped, answered
        except ModuleNotFoundError as error:
            raise RuntimeError(
                f"expected the module {error.name} on this executor, found none; give spark-submit the zip of "
                "`make spark-zip` by --py-files, and executors msgspec, pyarrow and cryptography: docs/many-rows.md"
            ) from error
        return answered(batches, Shipped(*shipped), names, keep, p_values=p_values)

    return run
