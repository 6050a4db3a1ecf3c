"""The law of tables: a row is answered as POST /predict answers it, bit for bit, or has its words as the reason."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.model.serving import Served
from contract.schema import Input
from score.answers import REASON
from score.bundle import Bundle
from tests.support import tables
from tests.support.apples import KINDS
from tests.support.tables import ask, body_of, expected, in_cells, in_csv, lines_of, right_cells

MODELS = ["penguins", *KINDS]
JUNK = (
    "",
    "NA",
    " ",
    "nan",
    "1e400",
    "-1",
    "0",
    "1",
    "TRUE",
    "false",
    "abc",
    "=1+1",
    '"',
    "3.75",
    "1e3",
    "x,y",
    "7\n8",
)
OTHERS = ("id", "note", "", "prediction", "species", "reason", "use", "100%", "distance", "predicted_use")


@pytest.fixture(scope="module")
def served(bundle: Bundle, apple_bundle: Callable[[str], Bundle]) -> Callable[[str], Served]:
    """Return the function that gives what is made of a model's bundle when it is served."""
    return cache(lambda name: tables.served_of(bundle if name == "penguins" else apple_bundle(name)))


def cells_of(each: Input) -> st.SearchStrategy[str]:
    """Return cells of an input: mostly right ones."""
    right = right_cells(each)
    return st.one_of(right, right, right, right, right, st.sampled_from(JUNK), st.floats(-1e5, 1e5).map(repr))


@st.composite
def rows_of_cells(draw: st.DrawFn, served: Served) -> tuple[list[str], list[dict[str, str]]]:
    """Draw the names of columns, in any order and with others among them, and rows of cells."""
    inputs = served.contract.inputs
    absent = draw(st.sets(st.sampled_from([each.name for each in inputs if each.missing] or [""]), max_size=1))
    known = {each.name: cells_of(each) for each in inputs if each.name not in absent}
    others = {name: st.text(max_size=5) for name in draw(st.lists(st.sampled_from(OTHERS), unique=True, max_size=3))}
    names = draw(st.permutations([*known, *others]))
    rows = draw(st.lists(st.fixed_dictionaries({**known, **others}), max_size=6))
    return names, rows


def renamed(name: str, taken: list[str]) -> str:
    """Return the name of an answer's column beside those of the table."""
    return renamed(f"predicted_{name}", taken) if name in taken else name


@pytest.mark.parametrize("model", MODELS)
def test_a_table_of_cells_is_answered_row_by_row(served: Callable[[str], Served], model: str) -> None:
    """Whatever the cells are, CSV has the digits and the words of POST /predict, and JSON its values."""
    own = served(model)
    answers = [column.name for column in own.answers.scorer.columns]

    @settings(max_examples=60)
    @given(rows_of_cells(own), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
    def law(table: tuple[list[str], list[dict[str, str]]], delimiter: str, line_end: str, bom: bool) -> None:
        names, rows = table
        text = in_csv(
            names, [[row[name] for name in names] for row in rows], delimiter=delimiter, lineterminator=line_end
        )
        body = ("\ufeff" if bom else "") + text
        wanted = [expected(own, body_of(own.contract, row, delimiter != ",")) for row in rows]
        csv_answer, json_answer = ask(own, body), ask(own, body, wanted="json")
        assert csv_answer.status == json_answer.status == 200, (csv_answer.body, json_answer.body)
        assert csv_answer.body.startswith("\ufeff".encode()) == bom
        lines = lines_of(csv_answer, delimiter)
        assert len(lines) == len(rows)
        for line, row, found in zip(lines, rows, wanted, strict=True):
            own_names = {renamed(name, names): name for name in [*answers, REASON]}
            cells = in_cells(found, [*answers, REASON])
            line = {name.removeprefix("\ufeff"): cell for name, cell in line.items()}
            assert {own_names[name]: line[name] for name in own_names} == cells
            assert {name: line[name] for name in names} == row, "as they came"
        for document, found in zip(json.loads(json_answer.body), wanted, strict=True):
            for name in [*answers, REASON]:
                assert repr(document[renamed(name, names)]) == repr(found.get(name))

    law()


anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9999)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@pytest.mark.parametrize("model", MODELS)
def test_a_table_of_objects_is_answered_row_by_row(served: Callable[[str], Served], model: str) -> None:
    """Objects in JSON, lines or an array, come back with their fields and the answers of POST /predict."""
    own = served(model)
    answers = [*(column.name for column in own.answers.scorer.columns), REASON]
    names = own.contract.input_names
    values = {
        each.name: st.one_of(st.just(each.sample), st.just(each.sample), anything) for each in own.contract.inputs
    }

    @settings(max_examples=60)
    @given(st.lists(st.fixed_dictionaries({}, optional={**values, "note": anything, "%s": anything}), max_size=6))
    def law(rows: list[dict[str, Any]]) -> None:
        lines = [json.dumps(row) for row in rows]
        array = json.dumps(rows, indent=1)
        wanted = [expected(own, json.dumps({k: v for k, v in row.items() if k in names}).encode()) for row in rows]
        answer = ask(own, "\n".join(lines), "ndjson")
        found = [json.loads(line) for line in answer.body.splitlines()]
        assert found == json.loads(ask(own, array, "json").body)
        for document, row, each in zip(found, rows, wanted, strict=True):
            assert repr({name: document.pop(name) for name in answers}) == repr(
                {name: each.get(name) for name in answers}
            )
            assert document == row

    law()


@pytest.mark.parametrize("model", MODELS)
def test_forms_become_each_other(served: Callable[[str], Served], model: str) -> None:
    """A table that goes from CSV to JSON, and on to CSV, has the answers of the first one."""
    own = served(model)
    sample = {each.name: each.sample for each in own.contract.inputs}
    rows = [{**sample, "note": note} for note in ("a", "=1+1", "", 'x"y', "ä;,\n")]
    first = ask(own, json.dumps(rows), "json", "csv")
    names = [each.name for each in own.contract.inputs] + ["note"]
    assert [line["note"] for line in lines_of(first)] == [row["note"] for row in rows]
    text = in_csv(names, [[line[name] for name in names] for line in lines_of(first)], lineterminator="\n")
    again = ask(own, text, "csv", "ndjson")
    assert [json.loads(line) for line in again.body.splitlines()] == json.loads(ask(own, json.dumps(rows), "json").body)
    assert ask(own, text, "csv").body == first.body
