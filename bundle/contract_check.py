"""The contract in a bundle: read from its verified bytes, and compared with the wanted one."""

from collections.abc import Mapping

import msgspec

from bundle.refusal import BundleRefusal
from contract.manifest import FORMAT_VERSION, Manifest
from contract.refusal import COMPILE_AGAIN
from contract.schema import CONTRACT_FILE, Contract, decode_contract, difference


def contract_of(manifest: Manifest, files: Mapping[str, bytes], place: str) -> Contract:
    """Return the contract of a bundle. Raises BundleRefusal if there is none, or one that is not understood."""
    if manifest.format_version < FORMAT_VERSION:
        from contract.format_2 import CONTRACT, INTERFACE  # rarely needed

        if manifest.interface == INTERFACE:
            return CONTRACT
        raise BundleRefusal(
            "contract",
            f"{place}: a bundle of format {manifest.format_version} was for the penguins alone, and this one is for "
            f"another contract; {COMPILE_AGAIN}",
        )
    path = f"{place}/{CONTRACT_FILE}"
    if CONTRACT_FILE not in files:
        raise BundleRefusal("format", f"{path} is not in the bundle; {COMPILE_AGAIN}")
    try:
        return decode_contract(files[CONTRACT_FILE])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleRefusal("contract", f"{path}: {error}; {COMPILE_AGAIN}") from error


def check_contract(found: Contract, wanted: Contract | None, model_name: str, place: str) -> None:
    """Raise BundleRefusal unless a contract is the wanted one and has this name. None and an empty name mean any."""
    if model_name and found.name != model_name:
        raise BundleRefusal(
            "contract",
            f"{place}: expected the model {model_name} (MODEL_NAME), found {found.name}; name its bundle, or change "
            "MODEL_NAME",
        )
    mismatch = wanted and difference(wanted, found)
    if mismatch:
        raise BundleRefusal(
            "contract",
            f"{place} has another contract than the one that this service began with: {mismatch}; start a service for "
            "the new contract, or publish a model of the old one",
        )
