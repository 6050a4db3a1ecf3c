"""Reading a contract that a person wrote, in TOML. The service never does: a bundle holds the contract as JSON."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from contract.refusal import Refusal
from contract.schema import Contract

HELP = "docs/contract.md lists every key"
PENGUINS = Path(__file__).parent / "penguins.toml"


def read_contract(path: Path) -> Contract:
    """Read a contract from a TOML file. Raises Refusal, which names the file, the key and the way out."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal(f"cannot read the contract {path}: {error.strerror}; give another path") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or an integer of thousands of digits
        raise Refusal(f"{path} is not TOML: {error}; {HELP}") from error
    try:
        return msgspec.convert(found, Contract)
    except msgspec.ValidationError as error:
        raise Refusal(f"{path}: {_in_words(str(error), found)}; {HELP}") from error


def _in_words(message: str, found: dict[str, Any]) -> str:
    """Return msgspec's message with the place before it: `inputs[2].unit` and the name of that input."""
    text, _, place = message.partition(" - at `$.")
    place = place.rstrip("`")
    if not place:
        return text
    at = re.match(r"inputs\[(\d+)\]", place)
    table = found["inputs"][int(at[1])] if at else {}
    name = table.get("name") if isinstance(table, dict) else None
    return f"{place}{f' ({name})' if name else ''}: {text}"
