"""A contract that somebody has written: what cannot be meant so is refused with the place and the way out."""

from pathlib import Path

import pytest

from contract.reading import PENGUINS, read_contract
from contract.refusal import Refusal
from contract.schema import Contract, Input, Output

SOUND = """
name = "x"
[output]
kind = "number"
[[inputs]]
name = "a"
[[inputs]]
name = "b"
"""


def refused(path: Path) -> str:
    """Return the refusal of a file. It names the file, and the page that helps."""
    with pytest.raises(Refusal) as refusal:
        read_contract(path)
    told = str(refusal.value)
    assert str(path) in told
    assert "\n" not in told
    return told


def test_a_contract_in_toml_is_read(tmp_path: Path) -> None:
    """A contract is what its file says. Everything else has its default."""
    path = tmp_path / "contract.toml"
    path.write_text(SOUND, encoding="utf-8")
    assert read_contract(path) == Contract("x", (Input("a"), Input("b")), Output("number"))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("unit = 5", "inputs[1].unit (b): Expected `str`, got `int`"),
        ("typical = [1]", "inputs[1].typical (b): Expected `array` of length 2, got 1"),
        ("colour = 'red'", "inputs[1] (b): Object contains unknown field `colour`"),
        ("kind = 'text'", "inputs[1].kind (b): Invalid enum value 'text'"),
        ("minimum = 2\nmaximum = 1", "inputs[1] (b): input 'b': expected a minimum of at most its maximum"),
        ("error = nan", "inputs[1] (b): input 'b': expected numbers that a float32 can hold, found nan"),
        ("[[inputs]]\nname = 7", "inputs[2].name (7): Expected `str`, got `int`"),
        ("[[inputs]]\nunit = 'mm'", "inputs[2]: Object missing required field `name`"),
        ("[[inputs]]\nname = 'a'", "found twice a"),
        ("[[derived]]\nkind = 'ratio'\nnumerator = 'a'", "derived[0]: Object missing required field `denominator`"),
        ("[[derived]]\nkind = 'ratio'\nnumerator = 'a'\ndenominator = 'c'", "derived 'a/c': expected inputs that are"),
        ("[[derived]]\nkind = 'product'", "derived[0].kind: Invalid value 'product'"),
        ("[[derived]]\nkind = 'projection'\nname = 'p'\nweights = {a = inf}", "the weight of 'a', found inf"),
        ("[[derived]]\nkind = 'projection'\nname = 'p'\nweights = {a = ''}", "derived[0].weights[...]: Expected"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, more: str, told: str) -> None:
    """The refusal names the key, and the input by its number and its name."""
    path = tmp_path / "contract.toml"
    path.write_text(SOUND + more, encoding="utf-8")
    said = refused(path)
    assert said.startswith(f"{path}: ")
    assert told in said
    assert said.endswith("; docs/contract.md lists every key")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Object missing required field `name`"),
        ("name = 'a b'", "name: Expected `str` matching regex"),
        ("name = 'x'\ninputs = []", "inputs: Expected `array` of length >= 1"),
        ("name = 'x'\ninputs = 5", "inputs: Expected `array`, got `int`"),
        ("name = 'x'\ninputs = [5]", "inputs[0]: Expected `object`, got `int`"),
        ("name = 'x'\n[output]\nkind = 'numbers'", "output: output: expected names, each once, found none"),
        ("name = 'x'\n[output]\nkind = 'number'\nlabel = 'version'", "expected another label than 'version'"),
        ("name = 'x'\n[[input]]\nname = 'a'", "Object contains unknown field `input`"),
    ],
)
def test_a_fault_outside_of_the_inputs_is_told_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    """The refusal names the key. A misspelt key is named, too."""
    path = tmp_path / "contract.toml"
    path.write_text(text, encoding="utf-8")
    assert told in refused(path)


@pytest.mark.parametrize(
    "data",
    [b"name", b"name = 'x'\nname = 'y'", b"\xff", b"x = " + b"[" * 100_000, b"x = " + b"9" * 10_000, b"{}"],
    ids=["no value", "twice", "no UTF-8", "nested", "digits", "JSON"],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    """Bytes that are no TOML are refused, with the help."""
    path = tmp_path / "contract.toml"
    path.write_bytes(data)
    assert refused(path).startswith(f"{path} is not TOML: ")


def test_a_path_without_a_contract_is_refused(tmp_path: Path) -> None:
    """A path that is absent, or a directory, is refused, and another path is asked for."""
    for path in (tmp_path / "absent.toml", tmp_path):
        assert refused(path).startswith(f"cannot read the contract {path}: ")
        assert refused(path).endswith("; give another path")


def test_a_name_with_a_letter_that_is_not_ascii_is_read(tmp_path: Path) -> None:
    """The file is UTF-8, wherever it is read."""
    path = tmp_path / "contract.toml"
    path.write_bytes(SOUND.replace('"b"', '"länge"').encode())
    assert read_contract(path).input_names == ("a", "länge")


def test_the_penguins_have_a_contract() -> None:
    """The contract in the repository is sound, and says everything to people."""
    found = read_contract(PENGUINS)
    assert found.name == "penguin"
    for each in found.inputs:
        assert None not in (each.minimum, each.maximum, each.typical, each.example)
        assert each.error
        assert each.description
