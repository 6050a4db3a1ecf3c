"""The description of POST /score: a table in one of three forms, and the columns that are added to it."""

from typing import Any

from app.core.query import P_VALUES
from app.docs import schemas
from app.model.serving import Served
from app.table.forms import CONTENT_TYPES
from contract.schema import Contract
from score.answers import REASON, answer_columns

Schema = dict[str, Any]

TYPES = {"text": "string", "double": "number"}  # of JSON, by the kind of a column

P_VALUES_ASKED = schemas.asked(
    P_VALUES,
    "Whether the answer has p-values: how unusual the row would be for each class. A bundle that has no held-out rows "
    "to make them from answers 400",
)
REASON_TEXT = (
    "Why the row was not judged, in the words of POST /predict; then all other columns of the answer are null, or "
    "empty in CSV"
)
ADDED = (
    "The request's columns as they came, then these. A name that the request has already begins with `predicted_` "
    "here. In CSV, null is an empty cell"
)
ERRORS = {
    "400": "The query asks for p-values, and the bundle has no held-out rows to make them from",
    "406": "`Accept` names none of text/csv, application/x-ndjson and application/json",
    "408": "A large body did not arrive in time",
    "413": "The body has too many bytes or rows",
    "415": "The Content-Type is no table, or the body has a Content-Encoding",
    "422": (
        "The table cannot be read: it is not UTF-8, its header lacks an input or has one twice or misspelt, or it is "
        "not well-formed JSON. `detail` names the line"
    ),
    "429": "The client sent requests faster than it may; `Retry-After` says after how many seconds to try again",
    "503": "No model is loaded, or the server holds too many tables; `Retry-After` says when to try again",
}


def score(served: Served, problem: Any) -> Schema:
    """Return the operation of POST /score. `problem` is the schema of a refusal."""
    contract = served.contract
    sample = schemas.example(contract)
    text, rows = {"type": "string"}, {"type": "array", "items": {"type": "object"}}
    refusals = {
        status: {"description": told, "content": {"application/problem+json": {"schema": problem}}}
        for status, told in ERRORS.items()
    }
    return {
        "operationId": "score",
        "summary": f"The answers for a table, one {contract.row} a row: docs/table.md says how a cell becomes a value",
        "parameters": [P_VALUES_ASKED],
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": text, "example": _csv(contract)},
                "application/x-ndjson": {"schema": text},
                "application/json": {"schema": rows, "example": [sample]},
            },
        },
        "responses": {
            "200": {
                "description": "The table with the answers, in the form that `Accept` asks for, or else as it came",
                "content": {
                    form.decode(): {"schema": _answer(served) if form == b"application/json" else text}
                    for form in CONTENT_TYPES.values()
                },
            },
            **refusals,
        },
    }


def _csv(contract: Contract) -> str:
    import csv  # when somebody asks for the description: a start need not wait for it
    import io

    text = io.StringIO(newline="")
    sample = schemas.example(contract)
    csv.writer(text, lineterminator="\n").writerows([sample.keys(), sample.values()])
    return text.getvalue()


def _answer(served: Served) -> Schema:
    """Return the schema of an answer in JSON."""
    parts = served.answers.parts
    columns = answer_columns(parts.contract, parts.judged, parts.library.values, parts.p_values)
    properties: Schema = {column.name: {"type": [TYPES.get(column.kind, column.kind), "null"]} for column in columns}
    properties[REASON] = {"type": ["string", "null"], "description": REASON_TEXT}
    return {"type": "array", "items": {"type": "object", "description": ADDED, "properties": properties}}
