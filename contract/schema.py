"""The contract of a model with those who ask it: its inputs, the features derived from them, and its answer.

It is written as TOML (contract/reading.py, docs/contract.md) and travels with the model, as contract.json in its
bundle. The types here are its schema: whatever violates it is refused when it is decoded.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from contract.derived import LARGEST, Column, Derived

CONTRACT_FILE = "contract.json"
MAX_LISTED = 12  # names in one message
# Labels of metrics and fields of answers: https://prometheus.io/docs/concepts/data_model
LABEL_FIELD_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z"
# Fields of answers and labels of metrics that have another meaning.
TAKEN_FIELDS = (
    *("prediction", "probabilities", "prediction_set", "in_distribution", "distance", "interval", "quantiles"),
    *("version", "challenger", "result", "contributions", "measurements", "survives_measurement_error"),
)
MAX_INTEGER = 1 << 24  # up to here, every integer is a float32

Number = int | float
# A JSON key. XGBoost allows no [ ] < in names; msgspec's decoder cannot match names with quotes or controls.
InputName = Annotated[str, Meta(pattern=r'^[^"\\\x00-\x1f]+\Z')]
ModelName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]  # part of a URL


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One input of the model. All numbers are in `unit`, which is empty if there is none.

    A boolean is 0 or 1 for the model, a category the index of its name in `categories`. `minimum` and `maximum` are
    inclusive; None means no bound. `typical` is the range of usual values, for guesses about mistakes. `error` is how
    far a careful measurement may be off. `missing` is whether the input may be absent or null. `categories` are all
    texts or all integers; one that is not among them is refused, or taken as missing if `unseen` says so.
    """

    name: InputName
    kind: Literal["number", "integer", "boolean", "category"] = "number"
    unit: str = ""
    minimum: Number | None = None
    maximum: Number | None = None
    typical: tuple[Number, Number] | None = None
    error: Number = 0
    description: str = ""
    example: Number | bool | str | None = None
    categories: tuple[str | int, ...] = ()
    missing: bool = False
    unseen: Literal["refuse", "missing"] = "refuse"

    def __post_init__(self) -> None:
        """Raise ValueError, which names the input, if its fields contradict each other."""
        fault = self._fault()
        if fault:
            raise ValueError(f"input {self.name!r}: expected {fault}")

    def _fault(self) -> str | None:
        of_numbers = (self.minimum, self.maximum, self.typical, self.error, self.unit)
        if self.kind in ("boolean", "category") and of_numbers != (None, None, None, 0, ""):
            return f"a {self.kind} without unit, minimum, maximum, typical and error"
        if self.kind != "category" and self.categories:
            return f"no categories, because its kind is {self.kind}"
        if self.kind == "category" and (not self.categories or len(set(self.categories)) < len(self.categories)):
            return f"categories, each once, found {listed(self.categories)}"
        if len({type(category) for category in self.categories}) > 1:
            return f"categories that are all texts or all integers, found {listed(self.categories)}"
        if self.kind != "category" and self.unseen != "refuse":
            return f"no unseen, because its kind is {self.kind}"
        return self._fault_of_numbers()

    def _fault_of_numbers(self) -> str | None:
        for given in (self.minimum, self.maximum, self.error, self.example, *(self.typical or ())):
            if isinstance(given, int | float) and not abs(given) <= LARGEST:  # also refuses NaN
                return f"numbers that a float32 can hold, found {given!r:.40}"
        if self.kind == "integer" and any(bound != int(bound) for bound in (self.minimum or 0, self.maximum or 0)):
            return f"whole numbers as bounds, because its kind is integer, found {self.minimum} and {self.maximum}"
        if not self.error >= 0:
            return f"an error of 0 or more, found {self.error:g}"
        low, high = self.bounds
        if not low <= high:
            return f"a minimum of at most its maximum, found {low:g} and {high:g}"
        if self.typical and not low <= self.typical[0] <= self.typical[1] <= high:
            return f"bounds that contain the typical range, found {self._numbers()}"
        if self.example is not None and not self.holds(self.example):
            return f"an example that clients may send, found {self.example!r}"
        return None

    def _numbers(self) -> str:
        (low, high), typical = self.bounds, self.typical or (0, 0)
        return f"{low:g} to {high:g}, typical {typical[0]:g} to {typical[1]:g}"

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value for the model, as for a comparison: infinite if there is no bound."""
        if self.kind == "boolean":
            return 0.0, 1.0
        if self.kind == "category":
            return 0.0, float(len(self.categories) - 1)
        low = -float("inf") if self.minimum is None else self.minimum
        return low, float("inf") if self.maximum is None else self.maximum

    def holds(self, value: object) -> bool:
        """Return whether clients may send this value."""
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "category":
            return not isinstance(value, bool | float) and value in self.categories
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        low, high = self.bounds
        return low <= value <= high and (self.kind == "number" or value == int(value))

    def number(self, value: Any) -> float:
        """Return the number that the model gets for a value that `holds`; NaN for None."""
        if value is None:
            return float("nan")
        return float(self.categories.index(value) if self.kind == "category" else value)

    @property
    def sample(self) -> Number | bool | str:
        """A value that clients may send: the example, or one that is made up from the bounds."""
        if self.example is not None:
            return self.example
        if self.kind == "boolean":
            return False
        if self.kind == "category":
            return self.categories[0]
        low, high = self.typical or self.bounds
        usual = max(low, min(high, 0))
        return usual if self.kind == "number" else int(usual)

    def in_unit(self, amount: str) -> str:
        """Return an amount followed by the unit, if there is one."""
        return f"{amount} {self.unit}" if self.unit else amount


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The answer of the model.

    `classes`: one of `classes`, with a probability for each; the order is that of the model. `label` is the field of
    the answer, and the label of metrics, that holds the name of the answered class. `label`: a class without
    probabilities. `number`: one number. `numbers`: several, by `names`: quantiles or targets. Numbers are in `unit`.
    Two numbers that differ by at most `tolerance` count as the same answer.
    """

    kind: Literal["classes", "label", "number", "numbers"] = "classes"
    classes: tuple[str, ...] = ()
    label: Annotated[str, Meta(pattern=LABEL_FIELD_PATTERN)] = "class"
    names: tuple[str, ...] = ()
    unit: str = ""
    tolerance: Annotated[float, Meta(ge=0, le=LARGEST)] = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError if the fields contradict each other."""
        classed = self.kind in ("classes", "label")
        for field, names, wanted in (("classes", self.classes, classed), ("names", self.names, self.kind == "numbers")):
            if bool(names) != wanted or len(set(names)) < len(names):
                expected = "each once" if wanted else f"none, because its kind is {self.kind}"
                raise ValueError(f"output: expected {field}, {expected}, found {listed(names)}")
            if any(name.encode("utf-8", "replace").decode() != name for name in names):
                raise ValueError(f"output: expected {field} of characters that UTF-8 can hold, found {listed(names)}")
        if self.label in TAKEN_FIELDS:
            raise ValueError(f"output: expected another label than {self.label!r}, which is a field of every answer")

    @property
    def classed(self) -> bool:
        """Whether the answer is a class."""
        return bool(self.classes)

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the float32 values that the library answers with, in order."""
        if self.kind == "classes":
            return self.classes
        return self.names or ("decision" if self.kind == "label" else "prediction",)


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The contract of one model. `inputs` are in the order in which the model's features begin.

    `title` and `summary` are for people. `row` is what one row of inputs describes ("bird"), and `subject` completes
    "which no ... has" for values out of bounds.
    """

    name: ModelName
    inputs: Annotated[tuple[Input, ...], Meta(min_length=1)]
    output: Output
    derived: tuple[Derived, ...] = ()
    title: str = ""
    summary: str = ""
    row: str = "row"
    subject: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError if names are repeated, or if a derived feature needs what is no number."""
        names = self.features
        if len(set(names)) < len(names):
            twice = tuple(dict.fromkeys(name for name in names if names.count(name) > 1))
            raise ValueError(f"expected names of inputs and derived features, each once, found twice {listed(twice)}")
        numeric = {each.name for each in self.inputs if each.kind in ("number", "integer")}
        for feature in self.derived:
            unknown = tuple(name for name in feature.sources if name not in numeric)
            if unknown:
                raise ValueError(
                    f"derived {feature.label!r}: expected inputs that are numbers, found {listed(unknown)}"
                )

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(each.name for each in self.inputs)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns that the trees split on: the inputs, then the derived features."""
        return self.input_names + tuple(feature.label for feature in self.derived)

    @property
    def sample_numbers(self) -> list[float]:
        """A row that clients may send, as the numbers that the model gets."""
        return [each.number(each.sample) for each in self.inputs]

    @property
    def label_variable(self) -> str:
        """The name of the answer among the variables of drift. It is not the name of an input."""
        return _unlike(self.output.label if self.output.classed else "prediction", self.input_names)

    @property
    def confidence_variable(self) -> str:
        """The name of the confidence among the variables of drift. It is not the name of an input."""
        return _unlike("confidence", self.input_names)

    def derive(self, columns: Mapping[str, Column]) -> list[Column]:
        """Return the columns of `features`, computed from the columns of the inputs by name.

        A column is anything with arithmetic: a float32 array in training, a C expression in compilation.
        """
        return [*(columns[name] for name in self.input_names), *(feature.of(columns) for feature in self.derived)]


def _unlike(name: str, taken: Sequence[str]) -> str:
    return name if name not in taken else _unlike(f"{name}_of_answer", taken)


# Made at import: msgspec 0.22.0 completes a type when it is first decoded, and crashes if two threads do that at once.
decode_contract = msgspec.json.Decoder(Contract).decode


def difference(expected: Contract, found: Contract) -> str | None:
    """Return the first thing in which two contracts differ for a client, in words. None if they are the same.

    The name, texts, typical ranges, errors and derived features belong to the model and may differ.
    """
    if expected.input_names != found.input_names:
        return f"expected inputs {listed(expected.input_names)}; found {listed(found.input_names)}"
    for wanted, given in zip(expected.inputs, found.inputs, strict=True):
        for field in ("kind", "unit", "minimum", "maximum", "categories", "missing", "unseen"):
            one, other = getattr(wanted, field), getattr(given, field)
            if one != other:
                return f"expected {field} of input {wanted.name!r} to be {one!r}; found {other!r}"
    for field in ("kind", "classes", "names", "label", "unit"):
        one, other = getattr(expected.output, field), getattr(found.output, field)
        if one != other:
            names = isinstance(one, tuple)
            return f"expected output {field} {listed(one) if names else one}; found {listed(other) if names else other}"
    return None


def listed(names: Sequence[str | int]) -> str:
    """Return names in one line of text, at most MAX_LISTED of them. A name that is not a plain word is quoted."""
    shown = [str(name) if re.fullmatch(r"[\w./+-]+", str(name)) else repr(name) for name in names[:MAX_LISTED]]
    more = [f"and {len(names) - MAX_LISTED} more"] if len(names) > MAX_LISTED else []
    return ", ".join(shown + more) or "none"
