"""Columns of a table by their names: in which place each input is, and what is wrong with the names."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import NamedTuple

from contract.schema import Contract, listed
from score.faults import SHOWN_CHARACTERS, is_close
from score.inputs import squashed

DELIMITERS = ",;\t"
MAX_HEADER_CHARACTERS = 1 << 20
MAX_PROBLEMS = 12  # in one message


class Places(NamedTuple):
    """The place of each input's column, or None if there is none. If `problem` is not empty, the table is refused."""

    places: list[int | None]
    problem: str


def find_inputs(names: Sequence[str], contract: Contract) -> Places:
    """Find the inputs among the columns of a table, in any order. Blanks around a name do not count.

    The problem is that a column is missing, is there twice, or seems to be misspelt.
    """
    stripped = [name.strip() for name in names]
    found = {name: place for place, name in enumerate(stripped)}
    problems = [*_problems(stripped, Counter(stripped), contract)]
    if not problems and not found.keys() & set(contract.input_names):
        problems = [f"expected a column for an input, such as {contract.inputs[0].name}"]
    shown = listed([_shown(name) for name in names])
    problem = f"{'; '.join(problems[:MAX_PROBLEMS])}; the columns are {shown}" if problems else ""
    return Places([found.get(name) for name in contract.input_names], problem)


def _problems(names: Sequence[str], counts: Counter[str], contract: Contract) -> Iterator[str]:
    others = {squashed(name): name for name in names if name not in contract.input_names}
    for each in contract.inputs:
        if counts[each.name] > 1:
            yield f"the column {each.name} is there {counts[each.name]} times"
        elif not counts[each.name]:
            close = [other for other in others.values() if is_close(other, each.name)] if not each.missing else []
            meant = others.get(squashed(each.name)) or (close[0] if len(close) == 1 else None)
            if meant is not None:
                yield f"expected a column {each.name}, found {_shown(meant)!r}: did you mean {each.name}?"
            elif not each.missing:
                yield f"expected a column {each.name}, found none"


def _shown(name: str) -> str:
    return name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}..."


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
