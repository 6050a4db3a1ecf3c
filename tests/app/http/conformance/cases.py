"""All cases, in the order of docs/conformance.md."""

from itertools import chain

from tests.app.http.conformance.tables import (
    body,
    chunks,
    connection,
    fields,
    parsing,
    request_line,
    semantics,
    upgrade,
)

TABLES = (parsing, request_line, fields, body, chunks, connection, upgrade, semantics)
CASES = tuple(chain.from_iterable(table.CASES for table in TABLES))
