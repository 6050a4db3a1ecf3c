"""GET /model/rows: the rows with known answers that the owner of the model published in its bundle."""

import msgspec

from app.core.answer import Answer, Headers, Problem, problem
from contract.training import KNOWN_ROWS_FILE, decode_known_rows, misfit
from score.bundle import Bundle

ABSENT = (
    "the bundle has no known rows; its owner can publish some: python -m compile MODEL --rows CSV --target COLUMN "
    "--publish-rows"
)


class KnownRowsAnswer:
    """Makes the answer for one bundle when it is first asked for. Until then its bytes are not even decoded."""

    __slots__ = ("_answer", "_contract", "_data", "_headers")

    def __init__(self, bundle: Bundle, headers: Headers) -> None:
        """`headers` are those of a JSON answer of this bundle."""
        self._data = bundle.known_rows
        self._contract = bundle.contract
        self._headers = headers
        self._answer: Answer | None = None

    def __call__(self) -> Answer:
        """Return the answer: the rows, or 404 if there are none that fit the model."""
        if self._answer is None:
            self._answer = self._made()
        return self._answer

    def _made(self) -> Answer:
        if self._data is None:
            return problem(Problem("Not Found", 404, ABSENT))
        try:
            wrong = misfit(decode_known_rows(self._data), self._contract)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            wrong = str(error)
        if wrong:
            return problem(Problem("Not Found", 404, f"{KNOWN_ROWS_FILE} of the bundle cannot be used: {wrong}"))
        return Answer(200, self._headers, self._data)
