"""What docs/contract.md says is so: every key of a contract, with its default."""

import re

import msgspec
import pytest

from contract.derived import Projection, Ratio
from contract.schema import Contract, Input, Output
from tests.support.commands import ROOT

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
KEYS = PAGE.partition("## Keys")[2].partition("\n## ")[0]
WORDS = {"''": "empty", "None": "none", "False": "`false`", "0": "0", "0.0": "0", "()": ""}  # of the page, by a default
TABLES: dict[str, type[msgspec.Struct]] = {"inputs": Input, "output": Output}
OF_TABLES = {"inputs", "output", "derived"}  # keys of a contract that have a section of their own


def rows(text: str) -> dict[str, str]:
    """Return the default by key, of a table whose first cell has one or two keys."""
    found = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]*?) ?\|", text, re.MULTILINE)
    return {key: default for keys, default in found for key in re.findall(r"\w+", keys)}


def defaults(schema: type[msgspec.Struct]) -> dict[str, str]:
    """Return the defaults of a type as the page writes them."""
    fields = msgspec.structs.fields(schema)
    return {
        field.name: "" if field.required else WORDS.get(repr(field.default), f"`{field.default}`") for field in fields
    }


@pytest.mark.parametrize("table", TABLES)
def test_its_keys_are_those_of_a_table(table: str) -> None:
    """Each key of an input and of the output is listed with its default, and no other."""
    (section,) = re.findall(rf"^[^\n]*`\[+{table}\]+`[^\n]*\n\n(.*?)\n\n", KEYS, re.DOTALL | re.MULTILINE)
    expected = defaults(TABLES[table])
    found = rows(section)
    assert found.keys() == expected.keys()
    for key in found.keys() - {"description"}:  # it shares a row with the example, which is absent
        assert found[key] == expected[key], key


def test_its_keys_of_the_whole_are_listed() -> None:
    """Each key outside of the tables is listed with its default."""
    expected = {key: default for key, default in defaults(Contract).items() if key not in OF_TABLES}
    assert rows(KEYS.partition("[[inputs]]")[0]) == expected


def test_its_derived_features_have_their_keys() -> None:
    """Each kind of derived feature is listed with its keys."""
    for kind, schema in (("ratio", Ratio), ("projection", Projection)):
        (cell,) = re.findall(rf"^\| `{kind}` \| (.*?) \|", KEYS, re.MULTILINE)
        assert {field.name for field in msgspec.structs.fields(schema)} <= set(re.findall(r"`(\w+)`", cell))
