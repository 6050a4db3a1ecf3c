"""The header of a CSV file: its delimiter, and in which column each input is."""

import csv
from collections.abc import Sequence
from io import StringIO

from app.table.text import Refused
from contract.schema import Contract
from score.names import find_inputs

DELIMITERS = ",;\t"
MAX_COLUMNS = 65_536
MAX_HEADER_CHARACTERS = 1 << 20


def delimiter_of(header: str, contract: Contract) -> str:
    """Return the delimiter with which the header's line names most inputs, or else has most columns."""
    known = set(contract.input_names)

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            names = next(csv.reader(StringIO(header[:MAX_HEADER_CHARACTERS], newline=""), delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return len(known.intersection(map(str.strip, names))), len(names)

    return max(DELIMITERS, key=fit)


def places_of(names: Sequence[str], contract: Contract) -> list[int | None]:
    """Return the column of each input: None if there is none and the input may be missing.

    Blanks around a name do not count. Raises Refused if a column is missing, is there twice, or seems to be misspelt.
    """
    if len(names) > MAX_COLUMNS:
        raise Refused(f"line 1: expected at most {MAX_COLUMNS} columns, found {len(names)}")
    found = find_inputs(names, contract)
    if found.problem:
        raise Refused(f"line 1: {found.problem}")
    return found.places
