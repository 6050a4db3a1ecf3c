"""JSON to float32 and back, with numpy and the standard library's json as the oracle."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batch import tensors
from app.batch.tensors import SLICE_CHARACTERS, SLICE_NUMBERS, JsonRows, TensorFault, json_numbers
from app.core.protocol import Protocol
from contract.schema import Contract, Input, Output

Values = list[float]
COLUMNS = 4


def rows_of(missing: bool, columns: int = COLUMNS) -> JsonRows:
    """Return the reader of rows for a contract whose inputs may be missing or not."""
    inputs = tuple(Input(f"x{number}", missing=missing) for number in range(columns))
    contract = Contract(name="rows", inputs=inputs, output=Output(kind="number"))
    return JsonRows(Protocol("m", contract, 1, sets=False, distance=False))


pack_json = rows_of(missing=False).pack
pack_nullable = rows_of(missing=True).pack

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.lists(FINITE, min_size=COLUMNS, max_size=COLUMNS), max_size=50)
BIG = SLICE_CHARACTERS // 4  # rows: enough for several slices in either form


@given(ROWS, st.booleans(), st.sampled_from([None, 0, 3]))
def test_flat_and_nested_json_pack_alike(rows: list[Values], nested: bool, indent: int | None) -> None:
    """Flat and nested JSON give the same float32 values, row by row, with any white space."""
    flat = list(itertools.chain.from_iterable(rows))
    data = json.dumps(rows if nested else flat, indent=indent).encode()
    assert pack_json(data, len(rows)) == np.array(flat, dtype=np.float32).tobytes()


@given(st.lists(st.floats(-3e38, 3e38), min_size=COLUMNS, max_size=COLUMNS))
def test_doubles_are_rounded_as_numpy_rounds_them(row: Values) -> None:
    """Numbers are rounded as numpy rounds: to the nearest, ties to even, denormals kept."""
    assert pack_json(json.dumps(row).encode(), 1) == np.array(row).astype(np.float32).tobytes()


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", ":")])
def test_slices_join_without_a_seam(nested: bool, separators: tuple[str, str]) -> None:
    """Slices have every number once and in order, wherever the cuts are."""
    values = np.arange(BIG * COLUMNS, dtype=np.float32).reshape(-1, COLUMNS)
    document = values.tolist() if nested else values.ravel().tolist()
    data = json.dumps(document, separators=separators).encode()
    assert len(data) > 2 * SLICE_CHARACTERS
    assert pack_json(data, BIG) == values.tobytes()


@given(ROWS.filter(bool), st.integers(1, 40))
def test_any_length_of_slice_gives_the_same(rows: list[Values], length: int) -> None:
    """Slices of any length give the same values, even slices shorter than a number."""
    flat = list(itertools.chain.from_iterable(rows))
    expected = np.array(rows, dtype=np.float32).tobytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensors, "SLICE_CHARACTERS", length)
        assert pack_json(json.dumps(rows).encode(), len(rows)) == expected
        assert pack_json(json.dumps(flat).encode(), len(rows)) == expected


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{}", "expected an array of 8 numbers, found {}"),
        ("1", "expected an array"),
        ("null", "expected an array"),
        ("[]", "expected 8 numbers for shape [2, 4], found 0"),
        ("[1,2,3,4]", "found 4"),
        ("[1,2,3,4,5,6,7,8,9]", "found 9"),
        ("[[1,2,3,4]]", "found 4"),
        ("[[1,2,3,4,5,6,7,8]]", "length 4"),
        ("[[1,2,3],[4,5,6,7,8]]", "length 4"),
        ("[[1,2,3,4],5,6,7,8]", "Expected `array`, got `int`"),
        ("[1,2,3,4,[5,6,7,8]]", "Expected `float`, got `array`"),
        ("[[[1,2,3,4],[5,6,7,8]]]", "expected numbers"),
        ("[[],[]]", "length 4"),
        ("[1,2,3,4,5,6,7,null]", "got `null`"),
        ("[1,2,3,4,5,6,7,true]", "got `bool`"),
        ('[1,2,3,4,5,6,7,"8"]', "got `str`"),
        ("[1,2,3,4,5,6,7,1e400]", "out of range"),
        ("[1,2,3,4,5,6,7,-1e39]", "too large"),
        ("[1,2,3,4,5,6,7," + "9" * 5000 + "]", "out of range"),
    ],
)
def test_other_json_is_refused(data: str, said: str) -> None:
    """Other JSON is refused, and the refusal says what was expected and what was found."""
    with pytest.raises(TensorFault) as caught:
        pack_json(data.encode(), 2)
    assert said in str(caught.value)


def test_a_fault_far_in_says_where_it_is() -> None:
    """A refusal counts the numbers before its slice, so its path is right."""
    data = json.dumps([1.5] * (BIG * COLUMNS - 1) + [None]).encode()
    with pytest.raises(TensorFault, match=r"after \d{4,} numbers: .*got `null`"):
        pack_json(data, BIG)


@given(st.lists(FINITE))
def test_float32_values_come_back_the_same(values: Values) -> None:
    """Float32 values come back bit for bit, negative zero and denormals too."""
    buffer = bytearray(np.array(values, dtype=np.float32).tobytes())
    assert np.array(json.loads(b"".join(json_numbers(buffer, "FP32"))), dtype=np.float32).tobytes() == bytes(buffer)


@pytest.mark.parametrize("count", [0, 1, SLICE_NUMBERS, SLICE_NUMBERS + 1, 3 * SLICE_NUMBERS])
def test_int32_values_come_back_the_same(count: int) -> None:
    """Int32 values come back the same, in slices or not."""
    values = np.arange(count, dtype=np.int32)
    assert json.loads(b"".join(json_numbers(bytearray(values.tobytes()), "INT32"))) == values.tolist()


@given(st.lists(st.lists(FINITE | st.none(), min_size=COLUMNS, max_size=COLUMNS), max_size=50), st.booleans())
def test_null_is_a_missing_value(rows: list[list[float | None]], nested: bool) -> None:
    """If inputs may be missing, null is NaN, in flat and nested JSON; other JSON is still refused."""
    flat = list(itertools.chain.from_iterable(rows))
    packed = np.frombuffer(pack_nullable(json.dumps(rows if nested else flat).encode(), len(rows)), np.float32)
    expected = np.array([np.nan if value is None else value for value in flat], np.float32)
    assert np.array_equal(packed, expected, equal_nan=True)
    for value in ("true", '"1"', "[]", "1e39"):
        with pytest.raises(TensorFault, match="expected numbers"):
            pack_nullable(f"[1,null,3,{value}]".encode(), 1)


@pytest.mark.parametrize("columns", [1, 2, 2_000])
def test_rows_have_the_columns_of_the_contract(columns: int) -> None:
    """Rows of one input and of 2,000 are packed, and the refusal names the number of columns."""
    values = np.arange(3 * columns, dtype=np.float32).reshape(3, columns)
    rows = rows_of(missing=True, columns=columns)
    for data in (values.tolist(), values.ravel().tolist()):
        assert rows.pack(json.dumps(data).encode(), 3) == values.tobytes()
    with pytest.raises(TensorFault, match=rf"expected {2 * columns} numbers for shape \[2, {columns}\]"):
        rows.pack(json.dumps(values.tolist()).encode(), 2)


@given(st.lists(st.booleans()))
def test_booleans_come_back_the_same(values: list[bool]) -> None:
    """A BOOL tensor is one byte a value, and true or false in JSON."""
    assert json.loads(b"".join(json_numbers(bytearray(values), "BOOL"))) == values


def test_infinity_and_nan_become_null() -> None:
    """What JSON cannot hold is null."""
    buffer = bytearray(np.array([np.inf, -np.inf, np.nan, 1], np.float32).tobytes())
    assert json.loads(b"".join(json_numbers(buffer, "FP32"))) == [None, None, None, 1]
