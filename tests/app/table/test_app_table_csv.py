"""CSV as programs and spreadsheets write it, and as attackers do."""

import csv
import io
import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.serving import Served
from app.table.text import PIECE_BYTES, check_text, count_lines, pieces, trimmed
from score.bundle import Bundle
from score.scorer import BLOCK_ROWS
from tests.support import tables
from tests.support.tables import ask, in_csv, lines_of

NAMES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
HEADER = ",".join(NAMES)
ADELIE = "39.1,18.7,181,3750"


@pytest.fixture(scope="module")
def served(bundle: Bundle) -> Served:
    return tables.served_of(bundle)


def species(served: Served, body: bytes | str, delimiter: str = ",") -> list[str]:
    """Return the species of each row, or its reason."""
    return [line["species"] or line["reason"] for line in lines_of(ask(served, body), delimiter)]


def refusal(served: Served, body: bytes | str, **how: Any) -> str:
    """Return why a table is refused as a whole."""
    answer = ask(served, body, **how)
    problem = json.loads(answer.body)
    assert answer.status == problem["status"] == how.get("status", answer.status)
    assert answer.status in (413, 422)
    assert served.named in answer.headers
    return str(problem["detail"])


@pytest.mark.parametrize(
    "body",
    [
        f"{HEADER}\n{ADELIE}",
        f"{HEADER}\r\n{ADELIE}\r\n",
        f"{HEADER}\r{ADELIE}\r",
        f"\ufeff{HEADER}\n{ADELIE}\n\n",
        f"\n\n{HEADER}\n\n{ADELIE}\n \t,,,\n".replace(" \t,,,\n", ""),
        f'"{HEADER.replace(",", chr(34) + "," + chr(34))}"\n"39.1","18.7","181","3750"\n',
        "body_mass_g , flipper_length_mm, bill_depth_mm,bill_length_mm\n 3750 ,181,18.7,39.1\n",
    ],
)
def test_habits_of_spreadsheets_are_understood(served: Served, body: str) -> None:
    """Any line ends, a byte order mark, quotes, blanks and empty lines make no difference."""
    assert species(served, body) == ["Adelie"]


def test_decimal_commas_come_back(served: Served) -> None:
    """A file with semicolons and decimal commas gets both back; with decimal points it gets points."""
    for numbers, sign in (("39,1;18,7;181;3750", ","), ("39.1;18.7;181;3750", ".")):
        answer = ask(served, f"note;{';'.join(NAMES)}\n1,2,3;{numbers}\n")
        (line,) = lines_of(answer, ";")
        assert (line["species"], line["note"]) == ("Adelie", "1,2,3")
        assert re.fullmatch(rf"\d{re.escape(sign)}\d+", line["distance"])
    assert species(served, f"{chr(9).join(NAMES)}\n39,1\t18,7\t181\t3750\n", "\t") == ["Adelie"]


def test_thousands_are_asked_about(served: Served) -> None:
    """3,750 in a file with semicolons is a small number, and the reason asks what was meant."""
    (told,) = species(served, f"{';'.join(NAMES)}\n39,1;18,7;181;3,750\n", ";")
    assert told.startswith("body_mass_g 3.750 looks like kilograms: did you mean 3750?".replace("3.750 ", "3.75 "))


def test_rows_with_other_numbers_of_cells_are_their_own_fault(served: Served) -> None:
    """A row with too few or too many cells says so, and those around it are judged."""
    rows = [ADELIE, "39.1,18.7", ADELIE, f"{ADELIE},6", ADELIE]
    told = species(served, "\n".join([HEADER, *rows]))
    assert told[::2] == ["Adelie"] * 3
    assert told[1::2] == [f"expected 4 cells, as many as the header has, found {n}" for n in (2, 5)]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-2+3", "@SUM(A1)", "<script>alert(1)</script>", "\0", "ä€😀", "'", "{}"]
)
def test_cells_come_back_as_they_came(served: Served, cell: str) -> None:
    """Formulas, markup and control characters are text: they come back unchanged, and harm nothing."""
    (line,) = lines_of(ask(served, in_csv(["note", *NAMES], [[cell, *ADELIE.split(",")]])))
    assert (line["note"], line["species"]) == (cell, "Adelie")
    (document,) = json.loads(ask(served, in_csv(["note", *NAMES], [[cell, *ADELIE.split(",")]]), wanted="json").body)
    assert document["note"] == cell


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "the body is empty"),
        ("a,b", "line 1: expected a column bill_length_mm, found none; "),
        (HEADER.replace("bill_depth_mm", "bill_depth"), "expected a column bill_depth_mm, found none"),
        (HEADER.replace("bill_depth_mm", "Bill Depth (mm)"), "found 'Bill Depth (mm)': did you mean bill_depth_mm?"),
        (HEADER.replace("bill_depth_mm", "bil_depth_mm"), "found 'bil_depth_mm': did you mean bill_depth_mm?"),
        (f"{HEADER},body_mass_g", "line 1: the column body_mass_g is there 2 times; "),
        (",".join(["x"] * 70_000), "line 1: expected at most 65536 columns, found 70000"),
        (",".join(["x"] * 1_000_000), "line 1: line 1: a cell has more than 131072 characters, or the row more than"),
        ("x" * 10_000_000, "or the row more than 1048576 bytes"),
        ('"' + HEADER, "line 1: a quote is never closed"),
    ],
)
def test_a_wrong_header_refuses_the_table(served: Served, header: str, told: str) -> None:
    """A header without an input, or with one twice or misspelt, is refused, and the refusal asks what was meant."""
    assert told in refusal(served, f"{header}\n{ADELIE}\n" if header else "")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"{HEADER}\n{ADELIE}\n".encode("utf-16"), "line 1: expected UTF-8, found UTF-16"),
        (f"{HEADER}\n{ADELIE}\n".encode("utf-16-le"), "line 1: expected UTF-8, found UTF-16"),
        (
            f"{HEADER},x\r\n{ADELIE},y\r\n{ADELIE},ä\r\n".encode("latin-1"),
            "line 3: expected UTF-8, found the byte 0xe4",
        ),
        (f"{HEADER},x\r{ADELIE},y\r{ADELIE},ä\r".encode("latin-1"), "line 3: expected UTF-8, found the byte 0xe4"),
        (f"{HEADER}\n".encode() + b"\n" * 200_000 + b"\xc3", "line 200002: expected UTF-8, found the byte 0xc3"),
    ],
)
def test_another_encoding_refuses_the_table(served: Served, body: bytes, told: str) -> None:
    """What is no UTF-8 is refused, and the line is named."""
    assert told in refusal(served, body)


def test_too_many_rows(served: Served) -> None:
    """One row more than the limit gets 413, which says what to do; at the limit it is answered."""
    body = "\n".join([HEADER, *[ADELIE] * 5])
    assert ask(served, body, rows=5).status == 200
    assert "expected at most 4 rows, found 6 lines; send several requests" in refusal(served, body + "\n", rows=4)


def test_a_cell_that_is_too_long_is_one_row_s_fault(served: Served) -> None:
    """A cell of 10 MB, in quotes or not, is its own row's fault."""
    for cell in ("x" * 10_000_000, '"' + "x" * 10_000_000 + '"', '"' + "x" * 200_000 + '"', "9" * 200_000):
        told = species(served, f"{HEADER}\n{ADELIE}\n{cell},18.7,181,3750\n{ADELIE}\n")
        assert told[::2] == ["Adelie"] * 2
        assert "line 3: a cell has more than 131072 characters" in told[1]


def test_a_quote_that_is_never_closed(served: Served) -> None:
    """The row goes on to the end of the file, and says so; in a long file rows are read again after a while."""
    assert species(served, f'{HEADER}\n{ADELIE}\n"39.1,18.7,181,3750\n{ADELIE}\n') == [
        "Adelie",
        "a quote is never closed: the row goes on to the end of the file",
    ]
    told = species(served, f'{HEADER}\n{ADELIE}\n"{ADELIE}\n' + f"{ADELIE}\n" * 50_000)
    assert [each for each in set(told) if "Adelie" not in each] == [told[1]]
    assert "a cell has more than 131072 characters" in told[1]
    assert len(told) > 40_000


def test_a_row_of_very_many_cells(served: Served) -> None:
    """Rows of a million cells, on one line or on many, are their own fault."""
    many = ",".join(["a"] * 1_000_000)
    lines = ",".join(['"\n"'] * 500_000)
    told = species(served, f"{HEADER}\n{ADELIE}\n{many}\n{ADELIE}\n{lines}\n{ADELIE}\n")
    assert told[::2][:2] == ["Adelie"] * 2
    assert told[1] != told[3]
    assert {each.partition(": ")[2].partition(",")[0] for each in (told[1], told[3])} == {
        "a cell has more than 131072 characters"
    }


@given(
    st.lists(st.lists(st.text("ab,;\t\"'\r\n \0é", max_size=4), min_size=1, max_size=2), max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_dialect_is_read_and_written(
    served: Served, rows: list[list[str]], delimiter: str, line_end: str, quoting: int
) -> None:
    """Whatever dialect Python's csv writes, it reads the same cells from the answer."""
    listed = [[*(row * 2)[:2], *ADELIE.split(",")] for row in rows]
    if {"\r", "\n"} & set("".join(cell for row in rows for cell in row)):
        quoting = csv.QUOTE_ALL  # Python's csv sets no quotes around the other line end
    body = in_csv(["one", "two", *NAMES], listed, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    answer = ask(served, body)
    assert answer.status == 200, answer.body
    text = io.StringIO(answer.body.decode(), newline="")
    _, *found = csv.reader(text, delimiter=delimiter)
    assert [row[:6] for row in found] == listed
    assert {row[7] for row in found} <= {"Adelie"}


@given(st.binary(max_size=30).map(lambda head: head.replace(b"\0", b"\n")), st.integers(0, 3), st.booleans())
def test_pieces_are_whole_lines(head: bytes, before: int, returns: bool) -> None:
    """Pieces are the body, cut behind a line's end, never within one; lines are counted the same whole or in parts."""
    body = b"x" * (PIECE_BYTES - before) + head + b"\r\n" + head * 2
    cut = [*pieces(body, 0, returns=returns)]
    assert b"".join(cut) == body
    for piece, after in pairwise(cut):
        assert piece.endswith((b"\n", b"\r") if returns else b"\n")
        assert not (piece.endswith(b"\r") and after.startswith(b"\n"))
    normal = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert count_lines(body) == normal.count(b"\n")
    begin, end = trimmed(body.replace(b"x", b" "))
    assert body.replace(b"x", b" ")[begin:end] == body.replace(b"x", b" ").strip(b" \t\r\n")


def test_text_is_checked_where_pieces_meet() -> None:
    """A character of several bytes may lie where two pieces meet."""
    for shift in range(5):
        check_text(b"x" * (PIECE_BYTES - shift) + "😀".encode() * 3)


def test_rows_of_several_blocks_keep_their_order(served: Served) -> None:
    """Rows come back in order, with their own answers, however many blocks they are."""
    rows = [["39.1" if i % 3 else "390", "18.7", "181", "3750", str(i)] for i in range(BLOCK_ROWS * 3 + 7)]
    lines = lines_of(ask(served, in_csv([*NAMES, "id"], rows)))
    assert [line["id"] for line in lines] == [row[-1] for row in rows]
    assert all(bool(line["reason"]) == (i % 3 == 0) for i, line in enumerate(lines))
