"""Arrow without the types that Spark does not read."""

import pyarrow as pa


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with its dictionaries written out."""
    schema = plain_schema(batch.schema)
    return batch if schema.equals(batch.schema) else batch.cast(schema)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of `plain`."""
    return pa.schema([field.with_type(_plain(field.type)) for field in schema])


def _plain(given: pa.DataType) -> pa.DataType:
    return given.value_type if pa.types.is_dictionary(given) else given
