"""Rows that come as columns: the answers of single rows, and which rows are faulty."""

import math
import struct
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binding.columns import Column, Limit
from binding.library import Library, Scored
from score.bundle import Bundle
from tests.support.format_2 import CLASSES, image

LIMITS = (
    Limit(20, 80, False, False, False),
    Limit(8, 30, False, True, False),
    Limit(120, 280, True, False, False),
    Limit(0, 5, True, False, True),
)


@pytest.fixture(scope="module", params=["today", "ABI 5"])
def library(request: pytest.FixtureRequest, bundle: Bundle) -> Library:
    """Return a library of today, and one whose columns are put together in Python."""
    return bundle.library if request.param == "today" else Library(image(), CLASSES)


value = st.one_of(
    st.none(),
    st.floats(),
    *(st.floats(limit.low, limit.high) for limit in LIMITS),
    st.integers(-(2**60), 2**60).map(float),
    st.sampled_from([0.1, 39.1, 2.0**53, 2.0**24 + 1, 16777217.5, 1e39, 3.4028235677973366e38, 5e-324]),
)
tables = st.lists(st.tuples(value, value, value, value), max_size=20)


def column_of(values: list[float | None], lead: int) -> Column:
    """Return a column that begins after `lead` other rows; missing values have any number."""
    bits = bytearray((lead + len(values) + 7) // 8)
    for place, number in enumerate(values, lead):
        bits[place >> 3] |= (number is not None) << (place & 7)
    numbers = array("d", [7.5] * lead + [41.0 if number is None else number for number in values])
    return Column(numbers, bytes(bits), lead) if None in values else Column(numbers.tobytes(), None, lead)


def faulty(number: float | None, limit: Limit) -> bool:
    """Say whether a value makes its row faulty."""
    if number is None:
        return not limit.missing
    if math.isnan(number):
        return not limit.unseen
    return not limit.low <= number <= limit.high or (limit.whole and number % 1 != 0)


def answers(scored: Scored, row: int) -> tuple[Any, ...]:
    """Return the answer to one row as bytes, as a library gives it to Python."""
    (label,) = struct.unpack_from("=i", scored.batch.labels, 4 * row)
    values = struct.unpack_from("=3f", scored.batch.values, 12 * row)
    flags = scored.judgement.sets[3 * row : 3 * row + 3]
    (inside,) = struct.unpack_from("=i", scored.judgement.in_distribution, 4 * row)
    (distance,) = struct.unpack_from("=f", scored.judgement.distances, 4 * row)
    return label, values, [name for name, flag in zip(CLASSES, flags, strict=True) if flag], bool(inside), distance


@given(tables, st.lists(st.integers(0, 17), min_size=4, max_size=4))
def test_columns_answer_as_single_rows(
    library: Library, table: list[tuple[float | None, ...]], leads: list[int]
) -> None:
    """Any float64 is rounded as in a single row, whatever the offset and the bitmap; answers are equal in every bit."""
    columns = [column_of([row[i] for row in table], leads[i]) for i in range(4)]
    scored = library.predict_columns(columns, LIMITS, len(table))
    assert [*map(bool, scored.faulty)] == [any(map(faulty, row, LIMITS)) for row in table]
    for i, row in enumerate(table):
        known = tuple(math.nan if number is None else number for number in row)
        label, values, members, inside, distance = library.predict(known)
        wanted = label, tuple(values.values()), members, inside, distance
        assert repr(answers(scored, i)) == repr(wanted)


def test_many_rows_are_the_same_on_every_instruction_set(bundle: Bundle) -> None:
    """Rows beyond one chunk have the answers of a batch of rows, on every instruction set."""
    random = np.random.default_rng(5)
    rows = random.uniform([20, 8, 120, 1500], [80, 30, 280, 9000], (10_001, 4))
    columns = [Column(np.ascontiguousarray(column).tobytes()) for column in rows.T]
    library = bundle.library
    wanted = library.predict_rows(rows.astype(np.float32).tobytes(), 0, len(rows))
    for number in range(library.instruction_sets):
        assert library.predict_columns(columns, [Limit()] * 4, len(rows), number).batch == wanted


@pytest.mark.parametrize(
    ("columns", "rows", "told"),
    [
        ([Column(bytes(16))] * 3, 2, "expected 4 columns and limits, found 3 and 4"),
        ([Column(bytes(16))] * 4, 3, "a column of at least 24 bytes, found 16"),
        ([Column(bytes(16), bytes(1), 1)] * 4, 2, "a column of at least 24 bytes, found 16"),
        ([Column(bytes(800), bytes(1), 0)] * 4, 9, "a column of at least 2 bytes, found 1"),
        ([Column(bytes(16), None, -1)] * 4, 1, "expected rows from 0 on"),
        ([Column(bytes(16))] * 4, -1, "expected rows from 0 on"),
    ],
)
def test_columns_that_are_too_short_are_refused(bundle: Bundle, columns: list[Column], rows: int, told: str) -> None:
    """No byte outside a column is read: a column that is too short raises ValueError."""
    with pytest.raises(ValueError, match=told):
        bundle.library.predict_columns(columns, LIMITS, rows)


def test_a_buffer_stays_while_it_is_read(bundle: Bundle) -> None:
    """The buffers are let go after the call: a bytearray can be made longer again."""
    data = bytearray(8)
    bundle.library.predict_columns([Column(data)] * 4, LIMITS, 1)
    data.extend(b"more")
    with pytest.raises(BufferError):
        bundle.library.predict_columns([Column(memoryview(bytes(64))[::2])] * 4, LIMITS, 1)
