"""The contract of a bundle: it is read first, and another one than wanted is refused before anything else is read."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bundle.fetch import read_directory
from bundle.reading import directory_reader
from bundle.refusal import BundleRefusal
from bundle.signing.private import SigningKey
from bundle.signing.signature import signature_file
from bundle.verify import Origin, Trust, Wanted, verify
from contract.format_2 import CONTRACT
from contract.manifest import MANIFEST_FILE, MODEL_FILE, encode
from contract.schema import CONTRACT_FILE, Contract, Input, Output
from tests.bundle.editing import CERTIFICATE, LIBRARY, Edit, edit, make_for, make_small_format_2, put

OTHER = Contract("gull", (Input("wing_mm", unit="mm"), Input("wild", "boolean")), Output("number", unit="g"))
AGAIN = "make the bundle again: python -m compile MODEL"


def refusal_of_directory(directory: Path, trust: Trust, wanted: Wanted | None = None) -> BundleRefusal:
    with pytest.raises(BundleRefusal) as refusal:
        read_directory(directory, trust, wanted or Wanted())
    return refusal.value


def test_a_bundle_has_its_contract(made: Path, key: SigningKey, trust: Trust, tmp_path: Path) -> None:
    """The contract is the one that contract.json holds, of any model."""
    assert read_directory(made, trust).contract == CONTRACT
    make_for(tmp_path / "other", key, OTHER)
    assert read_directory(tmp_path / "other", trust).contract == OTHER


def test_a_bundle_without_its_contract_is_refused(made: Path, key: SigningKey, trust: Trust) -> None:
    """A manifest that does not list contract.json, and a file that is not there, are refused by name."""
    (made / CONTRACT_FILE).unlink()
    absent = refusal_of_directory(made, trust)
    assert (absent.reason, f"cannot read {made}/{CONTRACT_FILE}" in str(absent)) == ("missing", True)
    edit(made, key, lambda manifest: manifest["files"].pop(CONTRACT_FILE))
    unlisted = refusal_of_directory(made, trust)
    assert unlisted.reason == "contract"
    assert str(unlisted) == f"{made}/{CONTRACT_FILE} is not in the bundle; {AGAIN}"


def test_a_contract_that_was_changed_is_refused(made: Path, trust: Trust) -> None:
    """A contract of other bytes than the signed ones is refused by its digest."""
    data = (made / CONTRACT_FILE).read_bytes()
    for changed, reason in ((data.replace(b"80", b"90"), "digest"), (data + b" ", "size"), (b"", "size")):
        (made / CONTRACT_FILE).write_bytes(changed)
        refusal = refusal_of_directory(made, trust)
        assert refusal.reason == reason
        assert CONTRACT_FILE in str(refusal)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "Input data was truncated"),
        (b"{}", "missing required field `name`"),
        (b"\xff", "malformed"),
        (b'{"name": "\xff"}', "utf-8"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (b'{"name":' + b"[" * 100_000, "Expected `str`, got `array`"),
        (b'{"later":' + b"[" * 100_000, "unknown field `later`"),
        (encode(CONTRACT).replace(b'"title"', b'"later"'), "unknown field `later`"),
        (encode(CONTRACT).replace(b"20,", b"90,"), "input 'bill_length_mm': expected a minimum of at most its maximum"),
        (encode(CONTRACT).replace(b"20,", b"9" * 400 + b","), "expected numbers that a float32 can hold"),
        (encode(CONTRACT).replace(b'"ratio"', b'"product"'), "Invalid value 'product'"),
    ],
)
def test_a_contract_that_is_not_understood_is_refused(
    made: Path, key: SigningKey, trust: Trust, data: bytes, told: str
) -> None:
    """A signed contract that this version does not understand is refused with its place and the way out."""
    put(made, key, CONTRACT_FILE, data)
    refusal = refusal_of_directory(made, trust)
    assert refusal.reason == "contract"
    assert str(refusal).startswith(f"{made}/{CONTRACT_FILE}: ")
    assert told in str(refusal)
    assert str(refusal).endswith(AGAIN)


def test_a_bundle_of_format_2_has_the_penguins_contract(tmp_path: Path, key: SigningKey, trust: Trust) -> None:
    """A bundle from before contracts travelled is accepted if it is of the penguins."""
    digest = make_small_format_2(tmp_path, key)
    found = read_directory(tmp_path, trust)
    assert (found.digest, found.contract, found.manifest.format_version) == (digest, CONTRACT, 2)
    assert set(found.files) == {MODEL_FILE, LIBRARY, CERTIFICATE}
    assert read_directory(tmp_path, trust, Wanted(contract=CONTRACT, model_name="penguin")).digest == digest


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["interface"]["classes"].reverse(),
        lambda manifest: manifest["interface"]["measurements"].pop(),
        lambda manifest: manifest["interface"]["units"].reverse(),
        lambda manifest: manifest["interface"]["features"].pop(),
        lambda manifest: manifest.pop("interface"),
    ],
)
def test_a_bundle_of_format_2_for_another_interface_is_refused(
    tmp_path: Path, key: SigningKey, trust: Trust, change: Edit
) -> None:
    """Nothing says what the inputs of another model of format 2 are, so it is refused."""
    make_small_format_2(tmp_path, key)
    edit(tmp_path, key, change)
    refusal = refusal_of_directory(tmp_path, trust)
    assert refusal.reason == "contract"
    assert str(refusal) == (
        f"{tmp_path}: a bundle of format 2 was for the penguins alone, and this one is for another contract; {AGAIN}"
    )


def test_a_newer_format_is_refused_by_its_number(made: Path, key: SigningKey, trust: Trust) -> None:
    """A bundle of a format that this version does not know is refused, and both are named."""
    edit(made, key, lambda manifest: manifest.update(format_version=4, later={"any": "thing"}))
    refusal = refusal_of_directory(made, trust)
    assert refusal.reason == "format"
    assert "expected bundle format 2 or 3, found 4" in str(refusal)


def changed_contract(**fields: Any) -> Contract:
    """Return the penguins' contract with another first input."""
    first = msgspec.structs.replace(CONTRACT.inputs[0], **fields)
    return msgspec.structs.replace(CONTRACT, inputs=(first, *CONTRACT.inputs[1:]))


WANTED = [
    (Wanted(contract=changed_contract(unit="in")), "expected unit of input 'bill_length_mm' to be 'in'; found 'mm'"),
    (Wanted(contract=changed_contract(missing=True)), "expected missing of input 'bill_length_mm' to be True; found F"),
    (Wanted(contract=OTHER), "expected inputs wing_mm, wild; found bill_length_mm"),
    (Wanted(model_name="gull"), "expected the model gull (MODEL_NAME), found penguin; name its bundle, or change"),
]


@pytest.mark.parametrize(("wanted", "told"), WANTED, ids=["unit", "missing", "contract", "name"])
@pytest.mark.parametrize("form", [2, 3])
def test_another_contract_is_refused_before_the_rest_is_read(
    tmp_path: Path, key: SigningKey, trust: Trust, form: int, wanted: Wanted, told: str
) -> None:
    """A bundle of another contract or name costs the manifest, a signature and the contract, not the model."""
    (make_small_format_2 if form == 2 else lambda place, by: make_for(place, by, CONTRACT))(tmp_path, key)
    names: list[str] = []
    reader = directory_reader(tmp_path, "fix")

    def read(name: str, limit: int) -> bytes:
        names.append(name)
        return reader(name, limit)

    with pytest.raises(BundleRefusal) as refusal:
        verify(read, Origin("there", "fix"), trust, wanted=wanted)
    assert refusal.value.reason == "contract"
    assert told in str(refusal.value)
    assert str(refusal.value).startswith("there")
    assert names == [MANIFEST_FILE, signature_file(key.public), *([CONTRACT_FILE] if form == 3 else [])]


def test_what_belongs_to_the_model_is_not_compared(tmp_path: Path, key: SigningKey, trust: Trust) -> None:
    """A bundle whose texts, errors and derived features are other ones has the wanted contract."""
    other = msgspec.structs.replace(changed_contract(error=9, example=40), title="Birds", derived=())
    make_for(tmp_path, key, other)
    assert read_directory(tmp_path, trust, Wanted(contract=CONTRACT, model_name="penguin")).contract == other


def test_an_unsigned_contract_is_not_read(made: Path, key: SigningKey, trust: Trust) -> None:
    """The signature is checked before the contract, which comes from whoever wrote the bundle."""
    document = json.loads((made / MANIFEST_FILE).read_bytes())
    document["files"].pop(CONTRACT_FILE)
    (made / MANIFEST_FILE).write_text(json.dumps(document))
    assert refusal_of_directory(made, trust).reason == "signature"
    (made / signature_file(key.public)).unlink()
    assert refusal_of_directory(made, trust).reason == "unsigned"
