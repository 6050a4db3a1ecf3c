"""The columns of a table as the compiled library takes them, and what it must refuse in them."""

import sys
from array import array
from collections.abc import Sequence

from binding.columns import Column, Limit
from contract.schema import Contract, Input

LARGEST = sys.float_info.max  # JSON has no infinity, so no input takes one
REFUSED = float("inf")  # stands for a value that is of the wrong kind: it is out of the bounds of every input


def limits_of(contract: Contract) -> list[Limit]:
    """Return what the values of each input may be, as POST /predict judges them."""
    return [_limit(each) for each in contract.inputs]


def _limit(each: Input) -> Limit:
    low, high = each.bounds
    whole, unseen = each.kind != "number", each.unseen == "missing"
    return Limit(max(low, -LARGEST), min(high, LARGEST), whole, each.missing, unseen)


def column_of(numbers: Sequence[float], missing: Sequence[int]) -> Column:
    """Return a column of these numbers, of which those at the places in `missing` are not there."""
    values = numbers if isinstance(numbers, array) else array("d", numbers)
    if not missing:
        return Column(values)
    validity = bytearray(b"\xff") * ((len(values) + 7) // 8)
    for place in missing:
        validity[place >> 3] &= ~(1 << (place & 7))
    return Column(values, validity)
