"""Inference requests for a model with categories: one tensor an input, in JSON and in binary."""

import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batch.columns import MAX_ROWS, ColumnReader
from app.batch.rows import Unacceptable
from app.core.protocol import Protocol, RequestInput
from contract.schema import Contract, Input, Output
from tests.support.tensors import json_tensors

INPUTS = (
    Input("length", missing=True),
    Input("count", kind="integer"),
    Input("wild", kind="boolean"),
    Input("island", kind="category", categories=("Biscoe", "Dream, too", "Torgersen")),
    Input("code", kind="category", categories=(3, 5, 9), missing=True, unseen="missing"),
)
CONTRACT = Contract("mixed", INPUTS, Output(classes=("a", "b")))
READER = ColumnReader(Protocol("mixed", CONTRACT, 1, sets=False, distance=False), INPUTS, 1 << 20)
ROWS = np.array([[1.5, 2, 1, 0, 2], [np.nan, -7, 0, 2, np.nan], [0, 0, 0, 1, 1]], np.float32)


def asked(**changes: dict[str, Any]) -> list[RequestInput]:
    """Return the tensors of ROWS, with changes by the tensor's name."""
    tensors = json_tensors(CONTRACT, ROWS)
    tensors[-1]["datatype"] = "INT64"
    changed = [{**tensor, **changes.get(tensor["name"], {})} for tensor in tensors]
    return msgspec.json.decode(msgspec.json.encode(changed), type=list[RequestInput])


def read(tensors: list[RequestInput], body: bytes = b"") -> np.ndarray[Any, Any]:
    rows = READER.read(tensors, body, 0)
    return np.frombuffer(rows.data, np.float32).reshape(rows.rows, len(INPUTS))


def test_tensors_become_rows_in_the_contracts_order() -> None:
    """Each tensor is one column, whatever the order in the request; categories are their indices, null is missing."""
    assert np.array_equal(read(asked()), ROWS, equal_nan=True)
    assert np.array_equal(read(asked()[::-1]), ROWS, equal_nan=True)
    two_dimensional = asked(length={"shape": [3, 1]}, island={"shape": [3, 1]})
    assert np.array_equal(read(two_dimensional), ROWS, equal_nan=True)


def in_binary(pieces: dict[str, bytes]) -> list[RequestInput]:
    tensors = [
        {name: value for name, value in tensor.items() if name != "data" or tensor["name"] not in pieces}
        | ({"parameters": {"binary_data_size": len(pieces[tensor["name"]])}} if tensor["name"] in pieces else {})
        for tensor in json_tensors(CONTRACT, ROWS)
    ]
    tensors[-1]["datatype"] = "INT64"
    return msgspec.json.decode(msgspec.json.encode(tensors), type=list[RequestInput])


def test_tensors_in_binary_follow_each_other() -> None:
    """Numbers are little-endian, texts have their length before them, and both forms may be mixed."""
    texts = [b"Biscoe", b"Torgersen", b"Dream, too"]
    pieces = {
        "length": ROWS[:, 0].astype("<f4").tobytes(),
        "count": ROWS[:, 1].astype("<i8").tobytes(),
        "wild": b"\1\0\0",
        "island": b"".join(struct.pack("<I", len(text)) + text for text in texts),
    }
    assert np.array_equal(read(in_binary(pieces), b"".join(pieces.values())), ROWS, equal_nan=True)


@given(st.binary(max_size=40))
def test_any_bytes_as_texts_are_refused_or_read(data: bytes) -> None:
    """Bytes that are no three known texts are refused by name."""
    with pytest.raises(Unacceptable, match="island"):
        read(in_binary({"island": data}), data)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"island": {"data": ["Biscoe", "Torgersen", "Drem"]}}, "island: row 2: expected one of Biscoe, 'Dream, too'"),
        ({"island": {"datatype": "FP32"}}, "island: expected datatype BYTES, found FP32"),
        ({"island": {"data": ["Biscoe"]}}, "island: expected 3 values, found 1"),
        ({"island": {"data": ["Biscoe", None, "Biscoe"]}}, "island: data: expected a list of values"),
        ({"count": {"data": [1, 2, 2.5]}}, "count: data: expected a list of values"),
        ({"length": {"data": [1, 2, 1e39]}}, "length: row 2: expected a number of float32's range, found 1e\\+39"),
        ({"wild": {"shape": [4]}}, "wild: expected shape"),
        ({"wild": {"shape": [3, 2]}}, "wild: expected shape"),
        ({"wild": {"name": "tame"}}, "expected one tensor for each of length, count, wild, island, code, found"),
        ({"wild": {"parameters": {"binary_data_size": 3}}}, "wild: expected data or the parameter .* found both"),
    ],
)
def test_faults_are_refused_by_name(changes: dict[str, dict[str, Any]], told: str) -> None:
    """A faulty tensor is named, with its row if one value is faulty."""
    with pytest.raises(Unacceptable, match=told):
        read(asked(**changes))


def test_an_unknown_category_is_missing_where_the_contract_says_so() -> None:
    """A code that was never seen is missing if `unseen` says so."""
    found = read(asked(code={"data": [3, 4, None]}))
    assert np.array_equal(found[:, 4], np.array([0, np.nan, np.nan], np.float32), equal_nan=True)


def test_rows_are_bounded() -> None:
    """More rows than fit as Python objects are refused with 413."""
    many = asked(**{each.name: {"shape": [MAX_ROWS + 1]} for each in INPUTS})
    with pytest.raises(Unacceptable, match=f"at most {MAX_ROWS} rows") as refusal:
        read(many)
    assert refusal.value.status == 413
