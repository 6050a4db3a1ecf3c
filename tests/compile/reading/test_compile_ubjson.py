import contextlib
import json
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from compile.reading.strict_json import Malformed, read_json
from compile.reading.ubjson import read_ubjson
from tests.compile.models import X, Y, as_ubjson

integers = st.integers(-(2**63), 2**63 - 1)
values = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def plain(value: Any) -> Any:
    """Return the value with lists in the place of numpy arrays."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list):
        return [plain(item) for item in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return value


@given(values)
def test_what_was_written_is_read(value: Any) -> None:
    """Every value of UBJSON is read as it was written."""
    assert plain(read_ubjson(as_ubjson(value))) == value


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"{L" + bytes(7) + tail))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Any bytes are a value or Malformed."""
    with contextlib.suppress(Malformed):
        assert read_ubjson(data) is not Malformed


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob"])
def test_both_formats_of_a_model_are_one_document(objective: str) -> None:
    """UBJSON and JSON of one model are equal key by key."""
    parameters = {"objective": objective, "num_class": 2 if objective.startswith("multi") else 0}
    booster = xgboost.train(parameters, xgboost.DMatrix(X, Y), 3)
    ubjson = plain(read_ubjson(bytes(booster.save_raw("ubj"))))
    text = json.loads(bytes(booster.save_raw("json")), parse_float=lambda digits: float(np.float32(digits)))
    assert ubjson == text


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "ends at byte 0"),
        (b"TT", "1 bytes follow the end"),
        (b"[$d#l\x7f\xff\xff\xff", "numbers expected"),
        (b"[$d#i\xff", "a length of -1"),
        (b"[$S#i\x01", "an array of b'S'"),
        (b"SdABCD", "where a length is expected"),
        (b"Si\x01\xff", "not UTF-8"),
        (b"N", "no UBJSON that XGBoost writes"),
        (b"[" * 200, "levels"),
        (b"{i\x01aTi\x01aT}", "'a' stands twice"),
    ],
)
def test_what_is_no_ubjson_is_told_by_its_place(data: bytes, told: str) -> None:
    """Malformed UBJSON is refused with its place."""
    with pytest.raises(Malformed, match=told):
        read_ubjson(data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": {"b": [], "b": []}}', "'b' stands twice"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        ('{"a": 1}'.encode("utf-16"), "invalid start byte"),
        (b"[" * 100_000, "levels"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": inf}', "Expecting value"),
    ],
)
def test_json_is_read_strictly(data: bytes, told: str) -> None:
    """JSON that two readers could read differently is Malformed."""
    with pytest.raises(Malformed, match=told):
        read_json(data)


def test_json_has_the_numbers_that_xgboost_writes() -> None:
    """JSON may have NaN and infinities, and a list of numbers is an array."""
    found = read_json(b'{"a": [1, NaN, -Infinity], "b": [1, "x"], "c": [18446744073709551616000], "d": [true, false]}')
    assert plain(found["a"])[::2] == [1, -np.inf]
    assert np.isnan(found["a"][1])
    assert found["b"] == [1, "x"]
    assert found["d"].dtype == bool
