"""The header of a CSV file: in which column each input is."""

from collections.abc import Sequence

from app.table.text import Refused
from contract.schema import Contract
from score.names import find_inputs

MAX_COLUMNS = 65_536


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
