"""Spark's types as Arrow's and back, without a job and without what differs between Spark 4.0 and 4.3."""

import pyarrow as pa
from pyspark.sql import types

SCALARS = {
    types.ByteType: pa.int8(),
    types.ShortType: pa.int16(),
    types.IntegerType: pa.int32(),
    types.LongType: pa.int64(),
    types.FloatType: pa.float32(),
    types.DoubleType: pa.float64(),
    types.BooleanType: pa.bool_(),
    types.StringType: pa.string(),
    types.DateType: pa.date32(),
    types.TimestampType: pa.timestamp("us", "UTC"),
    types.NullType: pa.null(),
}
NESTED = pa.struct([])  # stands for all that is no scalar: it may be kept, and is no input
ANSWERS = {arrow: kind for kind, arrow in SCALARS.items()}


def arrow_field(given: types.StructField) -> pa.Field:
    """Return a column as executors will get it, as far as a model can ask it."""
    kind = given.dataType
    if isinstance(kind, types.DecimalType):
        return pa.field(given.name, pa.decimal128(kind.precision, kind.scale))
    return pa.field(given.name, next((arrow for own, arrow in SCALARS.items() if isinstance(kind, own)), NESTED))


def spark_field(answer: pa.Field) -> types.StructField:
    """Return a column of answers as Spark will get it."""
    return types.StructField(answer.name, ANSWERS[answer.type]())
