"""Rows to publish: they are what clients would send, and become the same numbers again."""

from typing import Any

import numpy as np
import pytest

from contract.training import MAX_KNOWN_ROWS
from evaluation.published import known_rows
from tests.support.apples import KINDS, contract_of, rows_of

SHA256 = "0" * 64


def targets_of(kind: str, count: int) -> Any:
    """Make true answers of apples."""
    if kind in ("classes", "binary", "label"):
        return np.arange(count) % 2
    return np.linspace(0.1, 9, count) if kind == "number" else np.arange(3.0 * count).reshape(count, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_published_rows_are_the_same_numbers(kind: str) -> None:
    """Inputs of every kind come back to the float32 values that they were, and clients may send them."""
    contract = contract_of(kind)
    rows, targets = rows_of(contract, 300), targets_of(kind, 300)
    known = known_rows(contract, SHA256, rows, targets, "answer")
    assert known.total == len(known.rows) == 300
    for row, values in zip(rows, known.rows, strict=True):
        for each, number, value in zip(contract.inputs, row, values, strict=True):
            assert each.missing if value is None else each.holds(value)
            assert np.array_equal(np.float32(each.number(value)), number, equal_nan=True)
    expected = [contract.output.classes[each] for each in targets] if contract.output.classed else targets.tolist()
    assert [list(each) if isinstance(each, tuple) else each for each in known.answers] == expected


def test_many_rows_are_thinned() -> None:
    """Of many rows, evenly spread ones are published, and `total` says how many there are."""
    contract = contract_of("classes")
    rows = rows_of(contract, 3 * MAX_KNOWN_ROWS)
    known = known_rows(contract, SHA256, rows, targets_of("classes", len(rows)), "use")
    assert len(known.rows) == MAX_KNOWN_ROWS
    assert known.total == 3 * MAX_KNOWN_ROWS
    assert known.rows[1][0] == pytest.approx(float(rows[3][0]))
