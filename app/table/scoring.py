"""POST /score for one loaded bundle: the body of a table in, the pieces of its answer out."""

from collections.abc import Iterator

from app.core.answer import Answer, Headers, Problem, problem
from app.model.serving import Served
from app.table.block import Table
from app.table.csv_table import CsvTable
from app.table.forms import CONTENT_TYPES, Form
from app.table.json_table import JsonTable
from app.table.text import Refused, check_text
from app.table.writing import answer_pieces

PIECE_BYTES = 262_144  # of an answer that are made and sent at once
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


def joined(pieces: list[bytes]) -> bytearray:
    """Return a body that came in pieces, which are freed one by one. Other threads can run in between."""
    body = bytearray()
    pieces.reverse()
    while pieces:
        body += pieces.pop()
    return body


class Scoring:
    """The answer to one table, on its way. It holds the model with which it began. `piece` is what is to be sent.

    Its methods take milliseconds, and are called one after the other, on any thread.
    """

    def __init__(self, served: Served, forms: tuple[Form, Form], max_rows: int, *, p_values: bool = False) -> None:
        """`forms` are those of the request and of the answer. If `p_values`, the answer has them."""
        self._served = served
        self._scorer = served.answers.scorer_with_p_values if p_values else served.answers.scorer
        self._own, self._wanted = forms
        self._max_rows = max_rows
        self._pieces: Iterator[bytes] = iter(())
        self.headers: Headers = [(b"content-type", CONTENT_TYPES[self._wanted]), served.named]
        self.piece = b""
        self.done = False

    def begin(self, received: list[bytes]) -> Answer | None:
        """Make the first piece of the answer to a body that was received in pieces, or return a refusal of it."""
        body = joined(received)
        try:
            self._pieces = answer_pieces(self._table(body), self._scorer, self._wanted)
            self.go_on()
        except Refused as refused:
            document = Problem(TITLES[refused.status], refused.status, str(refused))
            return problem(document, [self._served.named])
        return None

    def _table(self, body: bytearray) -> Table:
        check_text(body)
        if self._own == "csv":
            return CsvTable(body, self._scorer, self._max_rows)
        return JsonTable(body, self._scorer, self._max_rows, lines=self._own == "ndjson")

    def go_on(self) -> None:
        """Make the next `piece`. `done` says whether it is the last one."""
        made: list[bytes] = []
        size = 0
        for piece in self._pieces:
            made.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES:
                break
        else:
            self.done = True
        self.piece = b"".join(made)
