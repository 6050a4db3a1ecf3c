"""The law of Arrow: a batch is answered as POST /score and POST /predict answer it, whatever its columns' types are."""

import json
import math
import struct
from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.model.serving import Served
from contract.refusal import Refusal
from contract.schema import Input
from score.answers import REASON
from score.arrow import ArrowScorer, score
from score.bundle import Bundle
from tests.support import tables
from tests.support.apples import APPLE, KINDS
from tests.support.commands import EXAMPLE
from tests.support.tables import ask, expected, json_of, right_cells

MODELS = ["penguins", *KINDS]
JUNK = (
    "",
    "NA",
    " ",
    "nan",
    "1e400",
    "1e-400",
    "-1",
    "TRUE",
    "false",
    "abc",
    "1e3",
    "+5",
    ".5",
    "007",
    "5.",
    "é",
    " 7\t",
)
INTEGERS = {pa.int8(): 8, pa.int16(): 16, pa.int32(): 32, pa.int64(): 64}
UNSIGNED = {pa.uint8(): 8, pa.uint16(): 16, pa.uint32(): 32, pa.uint64(): 64}
FLOATS = {pa.float16(): "e", pa.float32(): "f", pa.float64(): "d"}
DECIMALS = (pa.decimal32(7, 3), pa.decimal64(15, 4), pa.decimal128(38, 9), pa.decimal256(60, 30))
BOOLEANS = ((pa.bool_(), st.booleans()), (pa.uint8(), st.integers(0, 2)), (pa.int64(), st.integers(-1, 1)))
TEXTS = (pa.string(), pa.large_string(), pa.string_view())


class Cells(NamedTuple):
    """A column of Arrow, and its values as raw JSON."""

    column: pa.Array
    raw: list[str]


@pytest.fixture(scope="module")
def loaded(bundle: Bundle, apple_bundle: Callable[[str], Bundle]) -> Callable[[str], Bundle]:
    """Return the function that loads a model's bundle."""
    return lambda name: bundle if name == "penguins" else apple_bundle(name)


@pytest.fixture(scope="module")
def served(loaded: Callable[[str], Bundle]) -> Callable[[str], Served]:
    """Return the function that gives what is made of a model's bundle when it is served."""
    return cache(lambda name: tables.served_of(loaded(name)))


def numbers(each: Input) -> st.SearchStrategy[tuple[pa.DataType, st.SearchStrategy[Any]]]:
    """Return types of numbers, and what values they may have: mostly right ones."""
    low, high = (bound if abs(bound) < 1e9 else 1e3 for bound in each.bounds)
    right = st.floats(low, high, width=64)
    choices: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = []
    for kind, bits in INTEGERS.items():
        least, most = -(1 << bits - 1), (1 << bits - 1) - 1
        choices.append((kind, st.integers(least, most)))
        if most > low:
            choices.append((kind, st.integers(int(low), min(most, int(high)))))
    choices += [(kind, st.integers(0, (1 << bits) - 1)) for kind, bits in UNSIGNED.items()]
    for kind, code in FLOATS.items():
        width: Any = struct.calcsize(code) * 8
        rounded = right.map(partial(round_to, code))
        choices.append((kind, rounded | rounded | st.floats(width=width, allow_nan=False, allow_infinity=False)))
    for kind in DECIMALS:
        most, scale = 10**kind.precision - 1, 10**kind.scale
        usual = st.integers(max(-most, int(low * scale)), min(most, int(high * scale)))
        choices.append((kind, (usual | usual | st.integers(-most, most)).map(partial(scaled, kind.scale))))
    return st.sampled_from(choices)


def round_to(code: str, number: float) -> float:
    """Return a number as a float of this format holds it."""
    rounded: float = struct.unpack(code, struct.pack(code, number))[0]
    return rounded


def scaled(scale: int, unscaled: int) -> Decimal:
    """Return a decimal number with so many digits after the point, exactly."""
    return Decimal(f"{unscaled}e-{scale}")


def texts(each: Input) -> st.SearchStrategy[str]:
    """Return text: mostly right cells."""
    right = right_cells(each)
    return st.one_of(right, right, right, st.sampled_from(JUNK))


@st.composite
def columns(draw: st.DrawFn, each: Input, rows: int) -> Cells:
    """Draw a column of an input: of any type that it takes, with nulls, with a dictionary or without."""
    kind: pa.DataType
    values: st.SearchStrategy[Any]
    kind, values = draw(st.sampled_from(TEXTS)), texts(each)
    if each.kind in ("number", "integer") and draw(st.booleans()):
        kind, values = draw(numbers(each))
    elif each.kind == "boolean" and draw(st.booleans()):
        kind, values = draw(st.sampled_from(BOOLEANS))
    elif draw(st.integers(0, 9)) == 0:
        kind, values = pa.null(), st.none()
    cells = draw(st.lists(st.none() | values if draw(st.booleans()) else values, min_size=rows, max_size=rows))
    column = pa.array(cells, kind)
    if kind in (pa.string(), pa.int16(), pa.float64(), pa.bool_()) and draw(st.booleans()):
        column = column.dictionary_encode()
    if draw(st.booleans()):  # it begins in the middle of its buffers
        column = pa.concat_arrays([column.slice(0, 1), column]).slice(1)
    return Cells(column, [raw_of(cell, each) for cell in cells])


def raw_of(cell: Any, each: Input) -> str:
    """Return the JSON value that a value of Arrow stands for, by docs/many-rows.md."""
    if isinstance(cell, str):
        value = json_of(cell, each)
        return value[0] if isinstance(value, tuple) else json.dumps(value)
    if each.kind == "boolean" and cell in (0, 1):
        return json.dumps(bool(cell))
    return str(cell) if isinstance(cell, Decimal) else orjson.dumps(cell).decode()


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_is_answered_row_by_row(
    loaded: Callable[[str], Bundle], served: Callable[[str], Served], model: str
) -> None:
    """Whatever the types of the columns are, the answers are those of POST /predict and POST /score."""
    own, bundle = served(model), loaded(model)
    inputs = own.contract.inputs
    answers = [*(column.name for column in own.answers.scorer.columns), REASON]

    @settings(max_examples=40)
    @given(st.data(), st.integers(0, 4))
    def law(data: st.DataObject, rows: int) -> None:
        drawn = {each.name: data.draw(columns(each, rows), each.name) for each in inputs}
        names = data.draw(st.permutations([*drawn, "id"]))
        ids = pa.array(range(rows), pa.int64())
        batch = pa.RecordBatch.from_arrays([ids if name == "id" else drawn[name].column for name in names], names)
        lines = [
            "{" + ",".join(f"{json.dumps(name)}:{cells.raw[row]}" for name, cells in drawn.items()) + "}"
            for row in range(rows)
        ]
        found = score(batch, bundle, keep=["id"]).to_pylist()
        assert [row.pop("id") for row in found] == [*range(rows)]
        wanted = [expected(own, line.encode()) for line in lines]
        over_http = [json.loads(line) for line in ask(own, "\n".join(lines), "ndjson").body.splitlines()]
        assert len(found) == len(over_http) == rows
        for row, document, line in zip(found, wanted, over_http, strict=True):
            assert repr(row) == repr({name: document.get(name) for name in answers})
            assert repr(row) == repr({name: line[name] for name in answers})

    law()


def birds(**changed: Any) -> pa.RecordBatch:
    """Return two birds, some of whose columns are others."""
    given: dict[str, Any] = {name: [value] * 2 for name, value in EXAMPLE.items()}
    return pa.RecordBatch.from_pydict({**given, **changed})


def test_all_columns_come_back_or_those_that_are_kept(bundle: Bundle) -> None:
    """Columns come back as they came, in their order; an answer whose name is taken has another name."""
    batch = birds(id=["a", "b"], reason=[1.5, None])
    whole = score(batch, bundle)
    assert whole.select(batch.schema.names).equals(batch)
    assert whole.schema.names[len(batch.schema.names) :] == [
        *("prediction", "species", "probability_Gentoo", "probability_Chinstrap", "probability_Adelie"),
        *("prediction_set", "in_distribution", "distance", "predicted_reason"),
    ]
    kept = score(batch, bundle, keep=["id"])
    assert kept.schema.names == ["id", *whole.schema.names[len(batch.schema.names) : -1], "reason"]
    assert kept.num_rows == 2


def test_columns_may_have_other_names(bundle: Bundle) -> None:
    """An input may be in a column of another name; its own name is then a column like any other."""
    batch = birds(culmen=pa.array([50.0, 51.0]), bill_length_mm=["x", "y"])
    direct = birds(bill_length_mm=[50.0, 51.0])
    found = score(batch, bundle, keep=[], renamed={"bill_length_mm": "culmen"})
    assert found.equals(score(direct, bundle, keep=[]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bill_length_mm": [True, False]}, "column bill_length_mm: expected numbers, or numbers as text, found bool"),
        ({"bill_length_mm": [[1.0], [2.0]]}, "column bill_length_mm: expected numbers, .* found list<"),
        ({"body_mass_g": [b"3750", b"x"]}, "column body_mass_g: expected numbers, .* found binary"),
    ],
)
def test_a_column_of_a_wrong_type_is_refused(bundle: Bundle, changed: dict[str, Any], message: str) -> None:
    """A column of a type that its input does not take is refused before any row is judged."""
    with pytest.raises(Refusal, match=message):
        score(birds(**changed), bundle)


def test_a_missing_column_is_refused(bundle: Bundle) -> None:
    """A column that is missing or misspelt is refused, with the question which one was meant."""
    batch = birds().rename_columns(["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "Body Mass g"])
    with pytest.raises(Refusal, match="expected a column body_mass_g, found 'Body Mass g': did you mean body_mass_g"):
        ArrowScorer(bundle, batch.schema)


@pytest.mark.parametrize(
    ("keep", "renamed", "message"),
    [
        (["date"], {}, "--keep: expected columns, .* among bill_length_mm, .*; found date"),
        (None, {"bill": "body_mass_g"}, "--columns bill=body_mass_g: expected an input"),
        (None, {"body_mass_g": "mass"}, "--columns body_mass_g=mass: expected a column"),
    ],
)
def test_names_that_are_not_there_are_refused(
    bundle: Bundle, keep: list[str] | None, renamed: dict[str, str], message: str
) -> None:
    """A column that is to be kept or renamed must be there."""
    with pytest.raises(Refusal, match=message):
        score(birds(), bundle, keep, renamed)


def test_another_schema_is_refused(bundle: Bundle) -> None:
    """A scorer that was made for one schema refuses batches of another one."""
    with pytest.raises(Refusal, match=r"expected the schema bill_length_mm double.*; found"):
        ArrowScorer(bundle, birds().schema).score(birds(bill_length_mm=[1, 2]))


@pytest.mark.parametrize(("number", "shown"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Inf")])
def test_numbers_that_json_lacks_are_faults(bundle: Bundle, number: float, shown: str) -> None:
    """NaN and infinity are not missing: the row that has one is not judged, and says so."""
    first, second = score(birds(bill_length_mm=[number, 39.1]), bundle).to_pylist()
    assert first["prediction"] is None
    assert f"bill_length_mm: expected a number of mm, found {shown}" in first["reason"]
    assert second["reason"] is None


def test_text_that_is_no_utf_8_is_a_fault(bundle: Bundle) -> None:
    """Other programs write text columns that are no UTF-8: the row is not judged, and the others are."""
    text = pa.array([b"39.1", b"\xff39"]).view(pa.string())
    first, second = score(birds(bill_length_mm=text), bundle, keep=[]).to_pylist()
    assert (first["reason"], second["prediction"]) == (None, None)
    assert "found a string" in second["reason"]


@pytest.mark.parametrize("column", ["sugar/100 g", "scab"])
def test_an_input_that_may_be_missing_needs_no_column(
    loaded: Callable[[str], Bundle], served: Callable[[str], Served], column: str
) -> None:
    """A column that is absent is a column of nulls, where the contract allows it."""
    row = {name: value for name, value in APPLE.items() if name != column}
    batch = pa.RecordBatch.from_pylist([row])
    found = score(batch, loaded("classes"), keep=[]).to_pylist()[0]
    wanted = expected(served("classes"), json.dumps(row).encode())
    assert repr(found) == repr({name: wanted.get(name) for name in found})


def test_answers_do_not_depend_on_the_size_of_a_batch(bundle: Bundle) -> None:
    """Rows are answered the same alone and among many, faulty ones too."""
    numbers = [20 + i % 700 / 10 for i in range(70_000)]
    others = {name: [value] * 70_000 for name, value in EXAMPLE.items()}
    batch = pa.RecordBatch.from_pydict({**others, "bill_length_mm": numbers})
    whole = score(batch, bundle, keep=[])
    for start in (0, 1, 65_530):
        assert whole.slice(start, 9).equals(score(batch.slice(start, 9), bundle, keep=[]))
    assert whole.column("reason").null_count == sum(number <= 80 for number in numbers)
