"""The contract of a model that comes without one: what its file says about its inputs and its answer."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from compile.reading import categories
from compile.reading.objectives import output_of
from contract.refusal import Refusal
from contract.schema import Contract, Input, InputName, Output, listed

Kind = Literal["number", "integer", "boolean", "category"]

KINDS: dict[str, Kind] = {"int": "integer", "c": "integer", "i": "boolean", "q": "number", "float": "number"}
LONGEST_NAME = 64
NAMELESS = "model"  # the name of a model whose file's name holds no letter and no digit


class Signature(msgspec.Struct, frozen=True):
    """The names and the kinds of the inputs, in order, as somebody other than XGBoost wrote them."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]


def names_of(learner: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the features in the file; none if the model was trained without names."""
    return tuple(learner["feature_names"])


def derived_contract(learner: dict[str, Any], stem: str, source: str, signature: Signature | None = None) -> Contract:
    """Return a contract without bounds, units and texts. Every input may be missing, as XGBoost allows.

    `stem` is the name of the model's file, and `signature` comes before the names in the file. Raises Refusal, naming
    `source`, if a name cannot be that of an input.
    """
    count = int(learner["learner_model_param"]["num_feature"])
    names = names_of(learner) or tuple(f"feature_{i}" for i in range(count))
    types = tuple(learner.get("feature_types", ())) or ("q",) * count
    kinds = tuple(KINDS.get(kind, "number") for kind in types)
    if signature is not None:
        names, kinds = signature.names, signature.kinds
    _refuse_unfit(names, source)
    stored = categories.stored(learner)
    inputs = tuple(
        Input(name, "category", categories=stored[number], missing=True)
        if number in stored
        else Input(name, kind, missing=True)
        for number, (name, kind) in enumerate(zip(names, kinds, strict=True))
    )
    return Contract(name=_model_name(stem), inputs=inputs, output=output_of(learner), title=stem)


def _refuse_unfit(names: Sequence[str], source: str) -> None:
    """Raise Refusal if a name cannot be an input's: it is a key of the JSON that clients send."""
    for name in names:
        try:
            msgspec.convert(name, InputName)
            name.encode()
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise Refusal(
                f"{source}: expected names of features that can be keys in JSON, found {name!r}; rename it in the "
                r"training data (no quotation marks, no \, no control characters, not empty) and train again"
            ) from error
    if len(set(names)) < len(names):
        twice = tuple(dict.fromkeys(name for name in names if names.count(name) > 1))
        raise Refusal(f"{source}: expected each name of a feature once, found twice {listed(twice)}; rename them")


def _model_name(stem: str) -> str:
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:LONGEST_NAME]
    return words.strip("._-") or NAMELESS


def misfit(learner: dict[str, Any], contract: Contract) -> str | None:
    """Return in words how the model differs from a contract that was given, and what to do. None if it fits."""
    count, names = int(learner["learner_model_param"]["num_feature"]), names_of(learner)
    if names and names != contract.features:
        first = next((pair for pair in zip(contract.features, names, strict=False) if pair[0] != pair[1]), None)
        which = f": the first difference is {first[0]!r} and {first[1]!r}" if first else ""
        return (
            f"expected the features of the contract, in its order ({listed(contract.features)}), found "
            f"{listed(names)}{which}; give its own contract (--contract), or train with these features"
        )
    if count != len(contract.features):
        return (
            f"expected the {len(contract.features)} features of the contract ({listed(contract.features)}), found "
            f"{count} without names; give its own contract (--contract), or train with these features"
        )
    other = _other_categories(learner, contract)
    if other:
        return other
    expected, found = _described(contract.output), _described(output_of(learner))
    if expected != found:
        return (
            f"expected a model that answers {expected}, as the contract says, found one of "
            f"{learner['objective']['name']} that answers {found}; give its own contract (--contract), or train with "
            "another objective"
        )
    return None


def _other_categories(learner: dict[str, Any], contract: Contract) -> str | None:
    """Return in words where the contract lists other categories than the file stores, or None."""
    for number, expected in categories.stored(learner).items():
        given = contract.inputs[number] if number < len(contract.inputs) else None
        if given is None or given.categories != expected:
            return (
                f"expected the categories of {contract.features[number]!r} as in the model's file, in its order "
                f"({listed(expected)}), found {listed(given.categories if given else ())} in the contract; give these "
                "categories there (python -m contract MODEL prints them)"
            )
    return None


def _described(output: Output) -> str:
    counted = f"{len(output.classes)} classes" if output.classes else f"{len(output.names)} numbers"
    return {
        "classes": f"a probability for each of {counted}",
        "label": f"one of {counted} without probabilities",
        "number": "a number",
        "numbers": counted,
    }[output.kind]
