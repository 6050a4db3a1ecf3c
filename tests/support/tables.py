"""Tables, answered in this process, and what POST /predict says of their rows."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from app.core.answer import Answer
from app.model.serving import Served, Serving
from app.table.forms import Form
from app.table.scoring import Scoring
from contract.schema import Contract, Input
from score.bundle import Bundle

MAX_ROWS = 1 << 20
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def served_of(bundle: Bundle) -> Served:
    """Return what is made of a bundle when it is served."""
    serving = Serving()
    serving.swap(bundle)
    assert serving.served is not None
    return serving.served


def ask(
    served: Served,
    body: bytes | str,
    own: Form = "csv",
    wanted: Form | None = None,
    rows: int = MAX_ROWS,
    *,
    p_values: bool = False,
) -> Answer:
    """Return the answer to a table, with all its pieces joined."""
    scoring = Scoring(served, (own, wanted or own), rows, p_values=p_values)
    refusal = scoring.begin([body.encode() if isinstance(body, str) else body])
    if refusal is not None:
        return refusal
    made = [scoring.piece]
    while not scoring.done:
        scoring.go_on()
        made.append(scoring.piece)
    return Answer(200, scoring.headers, b"".join(made))


def lines_of(answer: Answer, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of an answer in CSV by the names of the columns."""
    assert answer.status == 200, answer.body
    return [*csv.DictReader(io.StringIO(answer.body.decode(), newline=""), delimiter=delimiter)]


def in_csv(names: Sequence[str], rows: Sequence[Sequence[str]], **style: Any) -> str:
    """Return a table in CSV, as Python writes it."""
    text = io.StringIO(newline="")
    csv.writer(text, **style).writerows([names, *rows])
    return text.getvalue()


def right_cells(each: Input) -> st.SearchStrategy[str]:
    """Return cells of an input that POST /predict takes, but for a category that is in no contract."""
    low, high = (bound if abs(bound) < 1e9 else 1e3 for bound in each.bounds)
    right: st.SearchStrategy[str] = st.floats(low, high).map(repr)
    if each.kind == "integer":
        right = st.integers(int(low), int(high)).map(str)
    elif each.kind == "boolean":
        right = st.sampled_from(["true", "FALSE", "1", "0"])
    elif each.kind == "category":
        right = st.sampled_from([*map(str, each.categories), *(f"{name} " for name in each.categories), "elstar"])
    return right


def json_of(cell: str, each: Input, comma: bool = False) -> Any:
    """Return the JSON value that a cell stands for, by the table of docs/table.md. Numbers are raw text in a tuple."""
    by_text = {str(name): name for name in each.categories}
    text = cell if cell in by_text else cell.strip(" \t\r\n")
    if text in by_text:
        return by_text[text]
    if text in ("", "NA"):
        return None
    if each.kind == "boolean" and text in ("true", "TRUE", "True", "1", "false", "FALSE", "False", "0"):
        return text.lower() in ("true", "1")
    number = text.replace(",", ".") if comma else text
    if NUMBER.fullmatch(number) and not (each.categories and isinstance(each.categories[0], str)):
        return (number,)
    return text


def body_of(contract: Contract, cells: Mapping[str, str], comma: bool = False) -> bytes:
    """Return the body of POST /predict for a row of cells."""
    values = {each.name: json_of(cells[each.name], each, comma) for each in contract.inputs if each.name in cells}
    parts = [
        f"{json.dumps(name)}:{value[0] if isinstance(value, tuple) else json.dumps(value)}"
        for name, value in values.items()
    ]
    return f"{{{','.join(parts)}}}".encode()


def expected(served: Served, body: bytes) -> dict[str, Any]:
    """Return the columns of the answer to a row: what POST /predict says of it, flat."""
    answer = served.predict(body)
    document = json.loads(answer.body)
    if answer.status != 200:
        return {"reason": document["detail"]}
    return {**dict(_flat(document)), "reason": None}


def _flat(document: dict[str, Any]) -> Any:
    for field, value in document.items():
        if field == "probabilities":
            yield from ((f"probability_{name}", share) for name, share in value.items())
        elif field == "prediction_set":
            yield field, "|".join(value)
        elif field == "interval" and isinstance(value, list):
            yield from zip(("interval_low", "interval_high"), value, strict=True)
        elif field == "interval":
            for name, (low, high) in value.items():
                yield from ((f"interval_low_{name}", low), (f"interval_high_{name}", high))
        elif isinstance(value, dict):
            yield from ((f"{field}_{name}", number) for name, number in value.items())
        else:
            yield field, value


def in_cells(columns: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return answers as cells of CSV: numbers have the digits of POST /predict."""
    return {name: "" if columns.get(name) is None else _cell(columns[name]) for name in names}


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, bool | int) else _digits(value)


def _digits(value: float) -> str:
    import orjson

    return orjson.dumps(value).decode()
