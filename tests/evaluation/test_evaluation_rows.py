"""A CSV of held-out rows: what is read of it, and what is refused, with the place."""

import csv
import os
from hashlib import sha256
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.refusal import Refusal
from contract.schema import Contract, Input, Output
from evaluation.rows import CHUNK, HeldOutRows, read_rows

INPUTS = (
    Input("age", kind="integer", minimum=0),
    Input("pay, net", missing=True),
    Input("new", kind="boolean"),
    Input("plan", kind="category", categories=("basic", "pro, or\nmore", "")),
)
CHURN = Contract("churn", INPUTS, Output(classes=("stayed", "churned")))
PRICE = Contract("price", INPUTS, Output("number"))
TWO = Contract("two", (Input("a"),), Output("numbers", names=("x", "y")))
QUANTILES = Contract("quantiles", (Input("a"),), Output("numbers", names=("q0.1", "q0.9")))
HEADER = 'age,"pay, net",new,plan,other,target\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a file that a test writes."""
    return tmp_path / "rows.csv"


def read(file: Path, text: str, contract: Contract = CHURN, target: str = "target") -> HeldOutRows:
    file.write_bytes(text.encode())
    return read_rows(file, contract, target)


rows = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False)),
        st.booleans(),
        st.sampled_from(INPUTS[3].categories),
        st.text('",\nx'),
        st.sampled_from(["stayed", "churned", "0", "1", ""]),
    ),
    max_size=20,
)


@given(rows, st.permutations(range(6)), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_what_a_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[object, ...]], order: list[int], end: str, mark: str
) -> None:
    """Rows that Python's writer wrote, with columns in any order, are the rows that are read."""
    text = StringIO()
    writer = csv.writer(text, lineterminator=end)
    for row in [("age", "pay, net", "new", "plan", "other", "target"), *cells]:
        writer.writerow([row[place] for place in order])
    file = tmp_path_factory.getbasetemp() / f"written-{os.getpid()}.csv"
    file.write_bytes((mark + text.getvalue()).encode())
    kept = [row for row in cells if row[5] != ""]
    if not kept:
        with pytest.raises(Refusal, match=f"found none in {len(cells)}"):
            read_rows(file, CHURN, "target")
        return
    found = read_rows(file, CHURN, "target")
    inputs = [[each.number(value) for each, value in zip(INPUTS, row, strict=False)] for row in kept]
    assert found.rows.tobytes() == np.array(inputs, np.float32).tobytes()
    assert found.targets.tolist() == [int(row[5] in ("churned", "1")) for row in kept]
    assert (found.rows_read, found.rows_dropped) == (len(cells), len(cells) - len(kept))
    assert found.sha256 == sha256(file.read_bytes()).hexdigest()


def test_shapes_and_types(file: Path) -> None:
    """Rows are float32, classes are indices, and a missing input is NaN. Rows without a target may hold anything."""
    found = read(file, HEADER + '30,,true,basic,?,churned\nold,?,?,?,?,NA\n\n7,1.5,0,"pro, or\nmore",,0\n')
    assert found.rows.dtype == np.float32
    assert found.targets.dtype == np.int64
    assert found.rows[1].tolist() == [7, 1.5, 0, 1]
    assert np.isnan(found.rows[0, 1])
    assert found.targets.tolist() == [1, 0]
    assert (found.target, found.rows_read, found.rows_dropped) == ("target", 3, 1)


def test_a_number_is_a_double(file: Path) -> None:
    """A true number is not rounded to float32."""
    found = read(file, HEADER + "30,,true,basic,,0.1\n", PRICE)
    assert found.targets.dtype == np.float64
    assert found.targets.tolist() == [0.1]


@pytest.mark.parametrize(
    ("contract", "target", "targets", "dropped"),
    [
        (TWO, "y,x", [[2, 1]], 1),
        (TWO, "x, odd", [[1, 3]], 1),
        (QUANTILES, "x", [1, 4], 0),
        (QUANTILES, "x,y", [[1, 2]], 1),
        (QUANTILES, "odd,one", [5, 6], 0),
    ],
)
def test_several_numbers(file: Path, contract: Contract, target: str, targets: list[object], dropped: int) -> None:
    """Several targets have a column each, and each row has all of them; quantiles have one column."""
    found = read(file, 'x,y,odd,a,"odd,one"\n1,2,3,0,5\n4,,,0,6\n', contract, target)
    assert (found.targets.tolist(), found.rows_dropped) == (targets, dropped)


def test_rows_of_many_chunks(file: Path) -> None:
    """Rows keep their order, and a fault its line, beyond the rows that are read at once."""
    lines = [f"{number},{number}" for number in range(2 * CHUNK + 5)]
    contract = Contract("t", (Input("a"),), Output("number"))
    found = read(file, "\n".join(["a,y", *lines]), contract, "y")
    assert found.rows[:, 0].tolist() == found.targets.tolist() == list(range(2 * CHUNK + 5))
    lines[CHUNK + 1] = "x,0"
    with pytest.raises(Refusal, match=f"rows.csv, line {CHUNK + 3}, column 'a': expected a finite number, found 'x'"):
        read(file, "\n".join(["a,y", *lines]), contract, "y")


GOOD = "30,1,true,basic,,0\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("-1,1,true,basic,,0", "line 4, column 'age': expected an integer of at least 0, found '-1'; correct the line"),
        (",1,true,basic,,0", "line 4, column 'age': expected an integer of at least 0, found ''"),
        ("1,x,true,basic,,0", "line 4, column 'pay, net': expected a finite number, or nothing, found 'x'"),
        ("1,1,maybe,basic,,0", "line 4, column 'new': expected true, false, 0 or 1, found 'maybe'"),
        ("1,1,true,\xff,,0", "line 4, column 'plan': expected one of basic, 'pro, or\\nmore', '', found '\xff'"),
        ("1,1,true,basic,,2", "line 4, column 'target': expected one of stayed, churned, or an index from 0 to 1"),
        ("1,1,true,basic,0", "line 4: expected 6 cells, as in the header, found 5; correct the line"),
        ('1,1,true,"basic,,0', "line 4: not CSV: unexpected end of data; correct the line"),
        ('1,1,true,"basic"x,,0', "line 4: not CSV: ',' expected after '\"'; correct the line"),
    ],
)
def test_a_bad_line_is_refused(file: Path, line: str, complaint: str) -> None:
    """A fault is refused with file, line, column, expectation and cell."""
    with pytest.raises(Refusal) as refusal:
        read(file, f"{HEADER}{GOOD}\n{line}\n")
    assert str(refusal.value).startswith(f"{file}, {complaint}")


def test_the_first_fault_of_a_column_is_named(file: Path) -> None:
    """Of several faults in a column, the first is named; a long cell is cut."""
    with pytest.raises(Refusal, match=r"line 3, .* found 'x{60}';"):
        read(file, HEADER + GOOD + "1," + 99 * "x" + ",0,basic,,0\n1,y,0,basic,,0\n")


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("", "line 1: expected one column 'age', found none; correct the header"),
        ("age;new;plan;target", "line 1: expected one column 'age', found 'age;new;plan;target'"),
        ('age,"pay, net",new,plan,other', "line 1: expected one column 'target', found age, 'pay, net', new"),
        ('age,age,"pay, net",new,plan,target', "line 1: expected one column 'age', found 2 of it"),
    ],
)
def test_a_bad_header_is_refused(file: Path, header: str, complaint: str) -> None:
    """The header names each input and the target once."""
    with pytest.raises(Refusal) as refusal:
        read(file, header)
    assert str(refusal.value).startswith(f"{file}, {complaint}")


@pytest.mark.parametrize(
    ("contract", "target", "complaint"),
    [
        (CHURN, "age", "expected a target that is no input of the model, found 'age'"),
        (CHURN, "target,other", "expected one target column, found 'target,other'; give other columns"),
        (TWO, "x", "expected a target column for each of x, y, with commas between them, found 'x'; give other"),
        (TWO, "x,x", "expected a target column for each of x, y, with commas between them, found 'x,x'"),
        (TWO, "x,y,z", "found 'x,y,z'; give other columns; quantiles of one target are named by level"),
        (PRICE, "x,y", "expected one target column, found 'x,y'"),
    ],
)
def test_a_bad_target_is_refused(file: Path, contract: Contract, target: str, complaint: str) -> None:
    """The target is no input, and has as many columns as the output has numbers."""
    with pytest.raises(Refusal) as refusal:
        read(file, HEADER, contract, target)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize("path", ["absent.csv", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, path: str) -> None:
    """A missing file or a folder is refused."""
    with pytest.raises(Refusal, match=r"cannot read .*; give the path of a CSV file"):
        read_rows(tmp_path / path, CHURN, "target")


def test_a_pipe_is_refused() -> None:
    """A file that can be read only once has no digest beside its rows."""
    reader, writer = os.pipe()
    os.close(writer)
    try:
        with pytest.raises(Refusal, match="cannot read"):
            read_rows(Path(f"/dev/fd/{reader}"), CHURN, "target")
    finally:
        os.close(reader)


def test_bytes_that_are_not_utf_8(file: Path) -> None:
    """Other encodings do no harm in a column that is ignored."""
    file.write_bytes(HEADER.encode() + b"30,1,true,basic,\xff,0\n")
    assert read_rows(file, CHURN, "target").targets.tolist() == [0]
