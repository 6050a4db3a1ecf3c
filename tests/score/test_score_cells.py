"""How a cell of text becomes a value: each line of the table in docs/table.md."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binding.columns import Column
from contract.schema import Contract, Input, Output
from score.cells import Cells
from score.columns import REFUSED
from score.inputs import Inputs
from tests.support.commands import ROOT
from tests.support.tables import json_of

INPUTS = (
    Input("number"),
    Input("integer", kind="integer"),
    Input("boolean", kind="boolean"),
    Input("category", kind="category", categories=("Boskoop", "NA ", "7")),
    Input("code", kind="category", categories=(1, 3), unseen="missing"),
)
CONTRACT = Contract(name="cells", inputs=INPUTS, output=Output(kind="number"))
KINDS = dict(zip(INPUTS, Inputs(CONTRACT).kinds, strict=True))
ROW = re.compile(r"^\| `(.*?)` \| (\w+) \| (.*?) \|$", re.MULTILINE)


def reader(each: Input, comma: bool = False) -> Cells:
    return Cells(each, KINDS[each], comma)


def numbers(column: Column) -> list[float | None]:
    """Return the numbers of a column; None is missing."""
    bits = column.validity
    values = memoryview(column.values).cast("B").cast("d").tolist()
    return [
        number if bits is None or memoryview(bits)[i >> 3] >> (i & 7) & 1 else None for i, number in enumerate(values)
    ]


def documented() -> list[tuple[str, str, str]]:
    """Return the cells of the document, the kinds of their inputs, and what they stand for."""
    return ROW.findall((ROOT / "docs/table.md").read_text())


@pytest.mark.parametrize(("cell", "kind", "value"), documented())
def test_a_cell_stands_for_what_the_document_says(cell: str, kind: str, value: str) -> None:
    """Each line of the document's table holds, also with blanks around the cell."""
    each, comma = next(each for each in INPUTS if each.kind == kind), "39,1" in cell
    expected = value.removeprefix("`").removesuffix("`")
    for written in (cell.strip(), f" {cell}\t"):
        assert reader(each, comma).json(written).decode() == expected


def test_the_document_has_the_cells_that_people_ask_about() -> None:
    """The document says what becomes of the cells that programs and spreadsheets write."""
    cells = {cell.strip() for cell, _, _ in documented()}
    assert {"", "NA", "NaN", "nan", "inf", "1e400", "0x1F", "1_000", "TRUE", "true", "1", "3750.0", "39,1"} <= cells


anything = st.one_of(
    st.text(max_size=6),
    st.floats().map(repr),
    st.integers(-9, 9).map(str),
    st.sampled_from(["", "NA", " NA", "1,5", "1\n2", "1,2", "[1", "2]", "null", "true", "TRUE ", "1e5", "-0", "1e400"]),
    st.sampled_from(["Boskoop", " Boskoop", "NA ", "7", "7 ", "3", "3.0", "03", "4", "99999999999999999999", "nan"]),
)


@given(st.sampled_from(INPUTS), st.lists(anything, max_size=9), st.booleans())
def test_a_column_has_the_numbers_of_its_cells(each: Input, cells: list[str], comma: bool) -> None:
    """Cells that are read together are what each of them is alone, as POST /predict decodes its value."""
    import msgspec

    decode = msgspec.json.Decoder(KINDS[each]).decode

    def alone(cell: str) -> float | None:
        value = json_of(cell, each, comma)
        if value is None:
            return None
        raw = value[0] if isinstance(value, tuple) else json.dumps(value)
        try:
            return float(decode(raw.encode()))
        except (msgspec.DecodeError, UnicodeEncodeError):
            return REFUSED

    wanted = [alone(cell) for cell in cells]
    found = numbers(reader(each, comma).column(cells))
    assert repr(found) == repr(wanted)
    assert all(number is None or not math.isnan(number) or each.unseen == "missing" for number in found)
