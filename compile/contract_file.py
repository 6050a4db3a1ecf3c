"""The contract of a model that is compiled: the file that has it, or the one that is derived, written as TOML."""

from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from contract.files import write_atomically
from contract.reading import read_contract
from contract.schema import Contract

HEADER = "# Derived from the model's file. docs/contract.md has more keys: units, bounds, examples, names of classes.\n"


def contract_path(model: Path, given: Path | None) -> Path | None:
    """Return the path of the contract: what was given, or the file beside the model, or None."""
    beside = model.with_name(f"{model.name}.toml") if model.is_dir() else model.with_suffix(".toml")
    return given or (beside if beside.is_file() else None)


def contract_for(model: Path, given: Path | None) -> Contract | None:
    """Return the contract in that file, or None if there is none. Raises Refusal."""
    path = contract_path(model, given)
    return None if path is None else read_contract(path)


def in_toml(contract: Contract) -> str:
    """Return the contract as TOML, which `read_contract` reads as the same contract."""
    table = msgspec.to_builtins(contract)
    tables = [_entry(name, each) for name in ("inputs", "derived") for each in table.pop(name, ())]
    tables.append(f"\n[output]\n{tomli_w.dumps({'kind': contract.output.kind, **table.pop('output')})}")
    return HEADER + tomli_w.dumps(table) + "".join(tables)


def _entry(name: str, fields: dict[str, Any]) -> str:
    """Return one entry of an array of tables. A table within it, such as weights, comes last."""
    inner = {key: value for key, value in fields.items() if isinstance(value, dict)}
    own = tomli_w.dumps({key: value for key, value in fields.items() if key not in inner})
    return f"\n[[{name}]]\n{own}" + "".join(f"[{name}.{key}]\n{tomli_w.dumps(each)}" for key, each in inner.items())


def write_derived(contract: Contract, out: Path) -> str:
    """Write a derived contract beside a bundle, and return a notice. A file that somebody has edited stays as it is."""
    path, text = out.with_name(f"{out.name}.toml"), in_toml(contract).encode()
    if path.exists() and path.read_bytes() != text:
        return f"the contract was derived from the model; {path} is another one: to use it, --contract {path}"
    write_atomically(path, text)
    return f"the contract was derived from the model and written to {path}: edit it and give it with --contract {path}"
