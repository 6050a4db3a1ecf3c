"""Models that MLflow saved: a directory with the file of XGBoost's and its description MLmodel, which is YAML.

The description says the names and the types of the inputs (the signature), as a text that holds JSON. Only this text is
read here. What is not understood is left out, with a notice.
"""

import re
from pathlib import Path

import msgspec

from compile.reading.derived_contract import Kind, Signature
from compile.reading.foreign.directories import MLFLOW_FILE, read_start

KINDS: dict[str, Kind] = {
    "double": "number",
    "float": "number",
    "long": "integer",
    "integer": "integer",
    "boolean": "boolean",
}
_INPUTS = re.compile(r"^signature:\n(?:  .*\n)*?  inputs: '((?:[^']|'')*)'\s*$", re.MULTILINE)
_HAS_INPUTS = re.compile(r"^signature:\n(?:  .*\n)*?  inputs: (?!null)", re.MULTILINE)
LEFT_OUT = f"the signature in {MLFLOW_FILE} is left out"


class _Input(msgspec.Struct):
    name: str
    type: str


def signature(directory: Path) -> tuple[Signature | None, str | None]:
    """Return the inputs that MLflow describes, or None if there are none; and a notice if they are not understood."""
    description = read_start(directory / MLFLOW_FILE).decode("utf-8", "replace")
    found = _INPUTS.search(description)
    if found is None:
        return None, f"{LEFT_OUT}: it is written in another way" if _HAS_INPUTS.search(description) else None
    text = re.sub(r"\s*\n\s*", " ", found[1]).replace("''", "'")  # YAML folds long lines, and doubles quotes
    try:
        inputs = msgspec.json.decode(text, type=list[_Input])
    except (msgspec.DecodeError, RecursionError) as error:
        return None, f"{LEFT_OUT}: expected inputs with a name and a type ({error})"
    unknown = next((each for each in inputs if each.type not in KINDS), None)
    if unknown is not None:
        return None, f"{LEFT_OUT}: {unknown.name!r} is of type {unknown.type!r}; known are {', '.join(KINDS)}"
    return Signature(tuple(each.name for each in inputs), tuple(KINDS[each.type] for each in inputs)), None


def misfit(signature: Signature, names: tuple[str, ...], count: int) -> str | None:
    """Return a notice if the signature does not belong to a model of `count` features, or of these names."""
    if len(signature.names) != count:
        return f"{LEFT_OUT}: it has {len(signature.names)} inputs, and the model has {count} features"
    if names and names != signature.names:
        return f"{LEFT_OUT}: the model has other names for its features"
    return None
