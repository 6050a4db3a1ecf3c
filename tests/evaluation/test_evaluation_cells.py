"""What a cell means, by the kind of its column."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.schema import Input, Output
from evaluation.cells import Meaning, Wrong, class_target, column_of, input_meaning, number_target

NUMBER = Input("a", unit="mm", minimum=20, maximum=80)
BOOLEAN = Input("c", kind="boolean", missing=True)
CATEGORY = Input("d", kind="category", categories=("red", "NA", "dark blue"), missing=True)


@pytest.mark.parametrize(
    ("each", "text", "number"),
    [
        (NUMBER, "39.1", 39.1),
        (NUMBER, " 4e1 ", 40.0),
        (Input("a", minimum=0, missing=True), "0", 0.0),
        (Input("b", kind="integer"), "-3.0", -3.0),
        (BOOLEAN, "TRUE", 1.0),
        (BOOLEAN, "false", 0.0),
        (BOOLEAN, "1", 1.0),
        (BOOLEAN, "0.0", 0.0),
        (CATEGORY, "red", 0.0),
        (CATEGORY, "NA", 1.0),
        (CATEGORY, "dark blue", 2.0),
    ],
)
def test_what_a_cell_means(each: Input, text: str, number: float) -> None:
    """A number is itself, a boolean is 0 or 1, a category the index of its name, also if it is named NA."""
    assert column_of([text], input_meaning(each)).tolist() == [number]


@pytest.mark.parametrize("text", ["", " ", "NA", "na", "NaN", "nan", "null", "NULL"])
@pytest.mark.parametrize("kind", ["number", "integer", "boolean"])
def test_a_missing_cell(kind: str, text: str) -> None:
    """An empty cell, NA, NaN and null are missing, where that is allowed."""
    allowed, refused = (Input("a", kind=kind, missing=missing) for missing in (True, False))  # type: ignore[arg-type]  # one of the literals
    assert math.isnan(column_of([text], input_meaning(allowed))[0])
    with pytest.raises(Wrong):
        column_of([text], input_meaning(refused))


@pytest.mark.parametrize(
    ("each", "text", "expected"),
    [
        (NUMBER, "19.9", "a finite number between 20 and 80 mm"),
        (NUMBER, "deep", "a finite number between 20 and 80 mm"),
        (NUMBER, "3_0", "a finite number between 20 and 80 mm"),
        (Input("a", minimum=0, unit="g"), "-1", "a finite number of at least 0 g"),
        (Input("a", maximum=0, unit="g"), "1", "a finite number of at most 0 g"),
        (Input("a"), "inf", "a finite number"),
        (Input("a"), "1e39", "a finite number"),
        (Input("a", missing=True), "?", "a finite number, or nothing"),
        (Input("b", kind="integer"), "1.5", "an integer"),
        (BOOLEAN, "yes", "true, false, 0 or 1, or nothing"),
        (CATEGORY, "green", "one of red, NA, 'dark blue', or nothing"),
        (CATEGORY, "0", "one of red, NA, 'dark blue', or nothing"),
    ],
)
def test_a_cell_that_is_refused(each: Input, text: str, expected: str) -> None:
    """The place of the cell, and what was expected."""
    with pytest.raises(Wrong) as wrong:
        column_of([*[str(each.sample)] * 3, text, text], input_meaning(each))
    assert (wrong.value.place, wrong.value.expected) == (3, expected)


@given(st.lists(st.one_of(st.floats(), st.integers(), st.sampled_from(["", "x", "1_0", "٣", "1e5", " 2"])), max_size=9))
def test_the_fast_way_is_the_slow_way(cells: list[object]) -> None:
    """A column has the same numbers, or is refused at the same place, whether its cells are read at once or singly."""
    texts = list(map(str, cells))
    for fast in (number_target(), input_meaning(Input("a", minimum=-5, maximum=9)), input_meaning(Input("a"))):
        assert read(texts, fast) == read(texts, Meaning(fast.of))


def read(texts: list[str], meaning: Meaning) -> object:
    try:
        return repr(column_of(texts, meaning).tolist())
    except Wrong as wrong:
        return wrong.place


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_decimal_gives_its_float32_back(value: float) -> None:
    """The text of every float32 gives its bits back."""
    found = column_of([np.format_float_scientific(np.float32(value))], input_meaning(Input("a"))).astype(np.float32)
    assert found.tobytes() == np.float32(value).tobytes()


def classes(*names: str) -> Callable[[str], float]:
    return class_target(Output(classes=names)).of


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("stayed", "churned"), {"stayed": 0, "churned": 1, "0": 0, "1": 1, "1.0": 1, " 1 ": 1}),
        (("0", "1", "2"), {"0": 0, "2": 2, "2.0": 2}),
        (("1", "2", "3"), {"1": 0, "3": 2, "2.0": 1}),
        (("0", "more"), {"0": 0, "1": 1, "more": 1}),
        (("NA", "EU"), {"NA": 0, "EU": 1, "1": 1}),
    ],
)
def test_a_class_by_name_or_index(names: tuple[str, ...], labels: dict[str, int]) -> None:
    """A class has its name, or its index if no name is another number."""
    meaning = classes(*names)
    assert {text: meaning(text) for text in labels} == labels


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        (("stayed", "churned"), "2", "one of stayed, churned, or an index from 0 to 1"),
        (("stayed", "churned"), "0.5", "one of stayed, churned, or an index from 0 to 1"),
        (("1", "2", "3"), "0", "one of 1, 2, 3"),
        (("5", "more"), "1", "one of 5, more"),
        (("stayed", "churned"), "Churned", "one of stayed, churned, or an index from 0 to 1"),
    ],
)
def test_a_class_that_is_refused(names: tuple[str, ...], text: str, expected: str) -> None:
    """What is neither a name nor an index, or an index beside names that are other numbers."""
    with pytest.raises(ValueError, match=f"^{expected}$"):
        classes(*names)(text)


@pytest.mark.parametrize("meaning", [class_target(Output(classes=("a", "b"))), number_target()])
def test_a_missing_target_is_nan(meaning: Meaning) -> None:
    """A missing target is no error."""
    assert all(map(math.isnan, column_of(["", "NA", "nan", "null"], meaning)))


@pytest.mark.parametrize("text", ["x", "inf", "1e39", "1_0"])
def test_a_number_that_is_refused(text: str) -> None:
    """A true number is finite, and a float32 can hold it."""
    with pytest.raises(Wrong, match="a finite number"):
        column_of([text], number_target())
