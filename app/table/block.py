"""Some rows of a table, from whatever form, on their way through the model."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from binding.columns import Column


class Block(NamedTuple):
    """Some rows. `columns` are those of the inputs, in the contract's order.

    `faults` are rows that could not be read, with the reason. `reason` says why a row that could be read is faulty.
    `cells` returns the table's columns as text; `objects` returns the rows as JSON objects, up to where
    further fields go.
    """

    rows: int
    columns: Sequence[Column]
    faults: dict[int, str]
    reason: Callable[[int], str]
    cells: Callable[[], Sequence[Sequence[str]]]
    objects: Callable[[], Sequence[bytes]]


class Style(NamedTuple):
    """How CSV is written: as it came."""

    delimiter: str = ","
    line_end: str = "\n"
    comma: bool = False  # in numbers with a fraction
    bom: bool = False


class Table(Protocol):
    """A table that was read, and is not refused."""

    style: Style

    def names(self) -> Sequence[str]:
        """Return the names of the columns, for CSV. Raises Refused."""

    def taken(self, wanted: Sequence[str]) -> set[str]:
        """Return those of the wanted names that are columns of the table. Raises Refused."""

    def blocks(self) -> Iterator[Block]:
        """Yield all rows, in order."""
