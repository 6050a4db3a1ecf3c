"""What a request for a table asks for by its headers and its query."""

from collections.abc import Mapping

from app.answers.p_values import p_values_refused
from app.core.answer import Answer, Problem, problem
from app.core.operation import encoded
from app.core.query import P_VALUES, option
from app.model.serving import Served
from app.table.forms import EXPECTED, Form, form_of_answer, form_of_body

ENCODED = problem(
    Problem("Unsupported Media Type", 415, "expected a body without Content-Encoding: send it uncompressed"),
    [(b"accept-encoding", b"identity")],
)
NO_TABLE = problem(
    Problem(
        "Unsupported Media Type",
        415,
        f"expected a table as {EXPECTED}, in UTF-8 and with a header: send the header 'content-type: text/csv'",
    ),
    [(b"accept", b"text/csv, application/x-ndjson, application/json")],
)
UNACCEPTABLE = problem(
    Problem("Not Acceptable", 406, f"the answer can be {EXPECTED}: name one of them in the header Accept, or none")
)


def forms_of(headers: Mapping[bytes, bytes]) -> tuple[Form, Form] | Answer:
    """Return the forms of the body and of the answer, or the answer that refuses the request."""
    if encoded(headers.get(b"content-encoding")):
        return ENCODED
    own = form_of_body(headers.get(b"content-type"))
    if own is None:
        return NO_TABLE
    wanted = form_of_answer(headers.get(b"accept"), own)
    return UNACCEPTABLE if wanted is None else (own, wanted)


def p_values_of(query: bytes, served: Served) -> bool | Answer:
    """Return whether the answer has p-values, or the answer that refuses the request: this model has none."""
    asked = option(query, P_VALUES)
    parts = served.answers.parts
    return p_values_refused(parts) if asked is True and parts.p_values is None else asked
