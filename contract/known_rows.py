"""Rows with known answers that the owner of a model chose to publish: the content of a bundle's `known_rows.json`.

Whoever can ask the service can read them, at GET /model/rows. A bundle has them only if the owner said so.
"""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from contract.manifest import Sha256
from contract.schema import Contract, listed

KNOWN_ROWS_FILE = "known_rows.json"
MAX_KNOWN_ROWS = 2_000  # of more, every nth is published: a picture needs no more

Value = float | int | bool | str | None  # as clients send it; None is missing
Row = TypeVar("Row")


class KnownRows(msgspec.Struct, frozen=True):
    """Published rows. `total` is how many the owner has; `rows` are at most MAX_KNOWN_ROWS of them, in their order.

    A row has one value for each of `inputs`, in the contract's order and as clients send it. Its answer is the name of
    a class, a number, or a number for each name of the output. `answer` is the name of the column that had it.
    """

    model_sha256: Sha256
    inputs: tuple[str, ...]
    answer: str
    total: Annotated[int, Meta(ge=0)]
    rows: Annotated[tuple[tuple[Value, ...], ...], Meta(max_length=MAX_KNOWN_ROWS)]
    answers: Annotated[tuple[str | float | tuple[float, ...], ...], Meta(max_length=MAX_KNOWN_ROWS)]

    def __post_init__(self) -> None:
        """Raise ValueError if rows, answers and inputs are not equally many."""
        if len(self.rows) != len(self.answers):
            raise ValueError(f"expected an answer for each of {len(self.rows)} rows, found {len(self.answers)}")
        if any(len(row) != len(self.inputs) for row in self.rows):
            raise ValueError(f"expected {len(self.inputs)} values in each row")


# Made at import: see contract/manifest.py.
decode_known_rows = msgspec.json.Decoder(KnownRows).decode


def thinned(rows: Sequence[Row]) -> list[Row]:
    """Return at most MAX_KNOWN_ROWS of the rows, evenly spread over their order. Nothing in it is random."""
    count = min(len(rows), MAX_KNOWN_ROWS)
    return [rows[place * len(rows) // count] for place in range(count)]


def misfit(known: KnownRows, contract: Contract) -> str | None:
    """Return in words what does not belong to a model of this contract, or None."""
    if known.inputs != contract.input_names:
        return f"expected rows of the inputs {listed(contract.input_names)}, found {listed(known.inputs)}"
    if contract.output.classed:
        unknown = sorted({str(answer) for answer in known.answers} - set(contract.output.classes))
        if unknown:
            return f"expected answers among {listed(contract.output.classes)}, found {listed(unknown)}"
    return None
