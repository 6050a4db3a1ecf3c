"""What a request for a table asks for by its headers."""

from collections.abc import Mapping

from app.core.answer import Answer, Problem, problem
from app.core.operation import encoded
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
