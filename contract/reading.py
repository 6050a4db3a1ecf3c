"""Reading a contract: the one in a bundle, as JSON, or one that a person wrote, in TOML. The service reads no TOML."""

import re
from pathlib import Path
from typing import Any

import msgspec

from contract.manifest import FORMAT_VERSION, Manifest
from contract.refusal import COMPILE_AGAIN, Refusal
from contract.schema import CONTRACT_FILE, Contract, decode_contract

HELP = "docs/contract.md lists every key"
PENGUINS = Path(__file__).parent / "penguins.toml"


def contract_of(manifest: Manifest, data: bytes | None, place: str) -> Contract:
    """Return the contract of a bundle in `place`. `data` is the content of its contract.json, None if there is none.

    Raises Refusal, with the path, if it is not understood.
    """
    if manifest.format_version < FORMAT_VERSION:
        from contract.format_2 import CONTRACT, INTERFACE  # rarely needed

        if manifest.interface == INTERFACE:
            return CONTRACT
        raise Refusal(
            f"{place}: a bundle of format {manifest.format_version} was for the penguins alone, and this one is for "
            f"another contract; {COMPILE_AGAIN}"
        )
    path = f"{place}/{CONTRACT_FILE}"
    if data is None:
        raise Refusal(f"{path} is not in the bundle; {COMPILE_AGAIN}")
    try:
        return decode_contract(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{path}: {error}; {COMPILE_AGAIN}") from error


def read_contract(path: Path) -> Contract:
    """Read a contract from a TOML file. Raises Refusal, which names the file, the key and the way out."""
    import tomllib  # the service does not need it

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
