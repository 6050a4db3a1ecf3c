"""Files of every form: rows come back in their order, with the answers of score() and the words of POST /predict."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from contract.refusal import Refusal
from score.arrow import score
from score.bundle import Bundle
from score.files.finding import find
from score.files.job import Failed, Options
from score.files.reading import rows_of
from tests.support import tables
from tests.support.scoring import answered, birds

ROWS = 1000


def whole(table: pa.Table, bundle: Bundle, **options: Any) -> list[dict[str, Any]]:
    """Return what score() says of a table."""
    (batch,) = table.combine_chunks().to_batches()
    rows: list[dict[str, Any]] = score(batch, bundle, **options).to_pylist()
    return rows


def text_of(path: Path) -> io.StringIO:
    """Return a file as the module csv wants it."""
    return io.StringIO(path.read_bytes().decode(), newline="")


def read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def test_parquet_is_answered_by_row_group(bundle: Bundle, tmp_path: Path) -> None:
    """Each row group is a part, and all parts together are what score() says of the whole table."""
    table = birds(ROWS)
    pq.write_table(table, tmp_path / "birds.parquet", row_group_size=300)
    records = answered(tmp_path / "birds.parquet", tmp_path / "out", bundle)
    names = [record.outputs[0].name for record in records]
    assert names == [f"birds-{i:05}-of-00004.parquet" for i in range(4)]
    found = [row for name in names for row in read(tmp_path / "out" / name)]
    assert repr(found) == repr(whole(table, bundle))
    assert [record.rows for record in records] == [300, 300, 300, 100]
    assert sum(record.bad_rows for record in records) == sum(row["reason"] is not None for row in found) == 20
    assert len({record.digest for record in records}) == 4
    assert {record.bundle for record in records} == {bundle.version}


@pytest.mark.parametrize("stream", [False, True])
def test_arrow_is_answered_as_a_whole(bundle: Bundle, tmp_path: Path, stream: bool) -> None:
    """Both formats of Arrow are read, also with dictionaries that change from batch to batch."""
    table = birds(ROWS).append_column("place", pa.array([f"p{i % 7}" for i in range(ROWS)]))
    batches = table.to_batches(max_chunksize=300)
    encoded = [batch.set_column(5, "place", batch.column(5).dictionary_encode()) for batch in batches]
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(unify_dictionaries=not stream)
    with make(tmp_path / "birds.arrow", encoded[0].schema, options=options) as writer:
        if stream:
            for batch in encoded:
                writer.write_batch(batch)
        else:
            writer.write_table(pa.Table.from_batches(encoded))
    answered(tmp_path / "birds.arrow", tmp_path / "out", bundle)
    with pa.ipc.open_file(tmp_path / "out" / "birds.arrow") as reader:
        assert repr(reader.read_all().to_pylist()) == repr(whole(table, bundle))


def test_csv_comes_back_as_it_came(bundle: Bundle, tmp_path: Path) -> None:
    """Cells are text and come back unchanged; a row with too few or too many cells is in its place, with its reason."""
    own = tables.served_of(bundle)
    lines = ["note,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g"]
    lines += [f'"a{i}, ""b""",{38 + i % 9}.10,18.7,181,{3750 + i}' for i in range(60)]
    lines[5:5] = ["too few,1"]
    lines[20:20] = ["x,39.1,18.7,181,3750,more", "", 'y,"39.1",18.7,181,3.75', 'z,NaN,18.7,181,"38\n00"']
    lines += ["last,1,2"]
    text = "\n".join(lines) + "\n"
    (tmp_path / "birds.csv").write_text(text)
    (record,) = answered(tmp_path / "birds.csv", tmp_path / "out", bundle)
    found = [*csv.DictReader(text_of(tmp_path / "out" / "birds.csv"))]
    wanted = tables.lines_of(tables.ask(own, text))
    assert record.rows == len(found) == len(wanted) == 65
    numbers = [column.name for column in own.answers.scorer.columns if column.kind == "number"]
    for row, line in zip(found, wanted, strict=True):
        for name in numbers:
            assert row[name] == line[name] == "" or float(row.pop(name)) == float(line.pop(name))
        assert row == line


def test_csv_has_the_style_of_its_numbers(bundle: Bundle, tmp_path: Path) -> None:
    """A file with semicolons and decimal commas comes back so, and says the same as with points."""
    table = birds(50).to_pylist()
    names = [*table[0]]
    rows = [";".join("" if row[name] is None else str(row[name]).replace(".", ",") for name in names) for row in table]
    (tmp_path / "birds.csv").write_text("\ufeff" + "\n".join([";".join(names), *rows]) + "\n")
    answered(tmp_path / "birds.csv", tmp_path / "out", bundle)
    found = [*csv.DictReader(text_of(tmp_path / "out" / "birds.csv"), delimiter=";")]
    for row, wanted in zip(found, whole(birds(50), bundle), strict=True):
        assert row["prediction"] == ("" if wanted["prediction"] is None else str(wanted["prediction"]))
        if wanted["distance"] is not None:
            assert float(row["distance"].replace(",", ".")) == wanted["distance"]


@pytest.mark.parametrize("rest", [b"", b"\n", b"\r\n\r\n"])
def test_a_table_without_rows_is_a_table(bundle: Bundle, tmp_path: Path, rest: bytes) -> None:
    """A header without rows gives a header without rows; a Parquet file without rows gives one."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(b"bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\r\n" + rest)
    pq.write_table(birds(0), tmp_path / "in" / "b.parquet")
    (tmp_path / "in" / "c.ndjson").write_bytes(b"\n" + rest)
    records = answered(tmp_path / "in", tmp_path / "out", bundle)
    assert [record.rows for record in records] == [0, 0, 0]
    assert (tmp_path / "out" / "a.csv").read_text().endswith(",distance,reason\n")
    assert read(tmp_path / "out" / "b.parquet") == []


def test_wide_tables_come_in_smaller_batches() -> None:
    """A batch has a bounded number of cells, however many columns there are."""
    assert [rows_of(columns) for columns in (0, 1, 16, 5000, 1 << 21)] == [32_768, 32_768, 32_768, 209, 1]


def test_json_lines_are_answered_as_over_http(bundle: Bundle, tmp_path: Path) -> None:
    """Each object comes back with its fields, and with the answers of POST /score."""
    own = tables.served_of(bundle)
    text = "".join(json.dumps(row) + "\n" for row in birds(200).to_pylist()) + '\n{"id": 5, "x": [1, {}]}\n'
    (tmp_path / "birds.ndjson").write_text(text)
    (record,) = answered(tmp_path / "birds.ndjson", tmp_path / "out", bundle)
    found = [json.loads(line) for line in (tmp_path / "out" / "birds.ndjson").read_text().splitlines()]
    wanted = [json.loads(line) for line in tables.ask(own, text, "ndjson").body.splitlines()]
    assert repr(found) == repr(wanted)
    assert (record.rows, record.bad_rows) == (201, 5)


def test_a_line_that_is_no_object_comes_back_as_text(bundle: Bundle, tmp_path: Path) -> None:
    """A line that cannot be read comes back in the field `line`, with its reason."""
    (tmp_path / "birds.jsonl").write_text("{bad\n")
    answered(tmp_path / "birds.jsonl", tmp_path / "out", bundle)
    found = json.loads((tmp_path / "out" / "birds.jsonl").read_text())
    assert found["line"] == "{bad"
    assert found["reason"].startswith("JSON is malformed")


@pytest.mark.parametrize("form", ["parquet", "csv", "ndjson"])
def test_columns_are_kept_and_renamed(bundle: Bundle, tmp_path: Path, form: str) -> None:
    """Only the columns that are kept come back. An input may be in a column of another name."""
    table = birds(60).rename_columns(["id", "culmen", *birds(1).schema.names[2:]])
    path = tmp_path / f"birds.{form}"
    if form == "parquet":
        pq.write_table(table, path)
    elif form == "csv":
        pa.csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    options = Options(keep=("id",), columns={"bill_length_mm": "culmen"})
    (record,) = answered(path, tmp_path / "out", bundle, options)
    text = (tmp_path / "out" / path.name).read_bytes()
    wanted = whole(birds(60), bundle, keep=["id"])
    if form == "parquet":
        assert repr(read(tmp_path / "out" / path.name)) == repr(wanted)
    elif form == "csv":
        assert text.decode().splitlines()[0].split(",") == [*wanted[0]]
    else:
        assert repr([json.loads(line) for line in text.splitlines()]) == repr(wanted)
    assert record.bad_rows == 2


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_bad_rows_are_separated_or_refused(bundle: Bundle, tmp_path: Path, form: str) -> None:
    """Bad rows go to a file of their own, or a part that has one is refused."""
    path = tmp_path / f"birds.{form}"
    if form == "parquet":
        pq.write_table(birds(100), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in birds(100).to_pylist()))
    (record,) = answered(path, tmp_path / "out", bundle, Options(bad_rows="separate"))
    assert [(output.name, output.rows) for output in record.outputs] == [
        (f"birds.{form}", 98),
        (f"birds.bad.{form}", 2),
    ]
    with pytest.raises(Failed, match="expected no bad rows, found 2 from row 1 on; the first one: body_mass_g"):
        answered(path, tmp_path / "refused", bundle, Options(bad_rows="refuse"))
    assert not [*(tmp_path / "refused").rglob("*")], "nothing is left"


def test_inputs_are_found_by_what_people_type(tmp_path: Path) -> None:
    """A directory is searched, without hidden files and without the outputs; a pattern may be in quotes."""
    for name in ("a/1.csv", "a/b/2.parquet", "a/_3.csv", "a/.4.csv", "a/5.txt", "a/out/6.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    root = tmp_path / "a"
    assert [each.name for each in find([str(root)], str(root / "out"))] == ["1.csv", "b/2.parquet"]
    assert [each.name for each in find([f"{root}/**/*.parquet"], "out")] == ["2.parquet"]
    assert [each.name for each in find([str(root / "1.csv"), str(root / "b")], "out")] == ["1.csv", "b/2.parquet"]
    for wrong, message in (("5.txt", "expected a name that ends with .parquet"), ("7.csv", "found no ")):
        with pytest.raises(Refusal, match=message):
            find([str(root / wrong)], "out")
    with pytest.raises(Refusal, match="found none in"):
        find([f"{root}/*.arrow"], "out")
