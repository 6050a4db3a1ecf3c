"""Contracts for tests: small ones, and strategies that make any valid one."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from contract.derived import LARGEST, Derived, Projection, Ratio
from contract.schema import MAX_INTEGER, Contract, Input, Output

Fields = dict[str, Any]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
LABELS = st.from_regex(r"\A[A-Z_][a-z0-9_]{0,9}\Z")  # in capitals: none of them is a field of every answer
NUMBERS = st.floats(-LARGEST, LARGEST) | st.integers(-MAX_INTEGER, MAX_INTEGER)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=9)


def contract(*inputs: Input, output: Output | None = None, derived: tuple[Derived, ...] = ()) -> Contract:
    """Return a contract of these inputs, or of one number, that answers with a number."""
    return Contract("m", inputs or (Input("x"),), output or Output("number"), derived)


def decoded(schema: type[Any], /, **fields: Any) -> Any:
    """Decode a table as one that somebody wrote."""
    return msgspec.convert(fields, schema)


@st.composite
def inputs(draw: st.DrawFn, name: str) -> Input:
    """Return any valid input of this name."""
    kind: Any = draw(st.sampled_from(["number", "integer", "boolean", "category"]))
    fields: Fields = {"description": draw(TEXTS), "missing": draw(st.booleans())}
    if kind == "category":
        fields["categories"] = tuple(draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True)))
    elif kind != "boolean":
        fields |= draw(_numeric(kind))
    if draw(st.booleans()):
        fields["example"] = Input(name, kind, **fields).sample
    return Input(name, kind, **fields)


@st.composite
def _numeric(draw: st.DrawFn, kind: str) -> Fields:
    low, *typical, high = sorted(draw(st.lists(NUMBERS, min_size=4, max_size=4)))
    fields: Fields = {"unit": draw(TEXTS), "error": draw(NUMBERS.map(abs))}
    if kind == "integer":
        low, high = (draw(st.integers(-MAX_INTEGER, 0)), draw(st.integers(0, MAX_INTEGER)))
    elif draw(st.booleans()):
        fields["typical"] = tuple(typical)
    bounds = {"minimum": low, "maximum": high}
    return fields | {name: bound for name, bound in bounds.items() if draw(st.booleans())}


@st.composite
def outputs(draw: st.DrawFn) -> Output:
    """Return any valid output."""
    kind: Any = draw(st.sampled_from(["classes", "label", "number", "numbers"]))
    names = tuple(draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True)))
    fields: Fields = {"label": draw(LABELS), "unit": draw(TEXTS), "tolerance": draw(st.floats(0, LARGEST))}
    if kind in ("classes", "label"):
        return Output(kind, classes=names, **fields)
    return Output(kind, names=names if kind == "numbers" else (), **fields)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """Return any valid contract."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    made = tuple(draw(inputs(name)) for name in names)
    numeric = [each.name for each in made if each.kind in ("number", "integer")]
    derived: list[Derived] = []
    if numeric:
        sources = st.sampled_from(numeric)
        weights = st.dictionaries(sources, st.floats(-LARGEST, LARGEST), min_size=1)
        derived += draw(st.lists(st.builds(Ratio, sources, sources), max_size=3, unique_by=lambda each: each.label))
        derived += [Projection("\u2211 of all", draw(weights))] if draw(st.booleans()) else []
    taken = {*names, *(each.label for each in derived)}
    derived = [] if len(taken) < len(names) + len(derived) else derived
    texts = {name: draw(TEXTS) for name in ("title", "summary", "row", "subject")}
    return Contract(
        draw(st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,9}\Z")), made, draw(outputs()), tuple(derived), **texts
    )
