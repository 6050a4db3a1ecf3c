"""JSON schemas of what one model is asked and answers, made from its contract."""

from typing import Any

from app.core.protocol import Protocol
from contract.schema import Contract, Input, Number
from contract.uncertainty import PERCENTS
from score.judged import Judged

Schema = dict[str, Any]

NUMBER: Schema = {"type": "number"}
JUDGED_SET = "The classes that cannot be excluded at the `level` in the `uncertainty` of GET /model"
INSIDE = "False if `distance` is larger than the `distance_limit` in the `uncertainty` of GET /model"
DISTANCE = (
    "The Mahalanobis distance to the nearest rows of the training data, in standard deviations; null if a value is "
    "missing"
)
P_VALUES = (
    "By class: which share of the held-out rows of this class are at least as strange as this row, it included; null "
    "if the probability is not a number"
)
P_VALUE_SETS = (
    "By level: the classes whose p-value is above 1 - level. A set may be empty: the row is unlike those of every "
    "class, at that level"
)
INTERVAL = "Lowest and highest number that cannot be excluded at the `level` in the `uncertainty` of GET /model"


def measurements(contract: Contract) -> Schema:
    """Return the schema of a request's body: one row of inputs."""
    required = [each.name for each in contract.inputs if not each.missing]
    strict = len(required) < len(contract.inputs)
    unknown = "Unknown fields are refused" if strict else "Unknown fields are ignored"
    schema = _object(
        "Measurements",
        {each.name: _input(each) for each in contract.inputs},
        required,
        f"The measurements of one {contract.row}. {unknown}. If a field is repeated, the last value wins.",
    )
    return {**schema, "additionalProperties": False} if strict else schema


def _input(each: Input) -> Schema:
    schema: Schema = {"type": each.kind}
    if each.kind == "category":
        schema = {"type": "string", "enum": list(each.categories)}
    bounds = {"minimum": each.minimum, "maximum": each.maximum, "description": each.description or None}
    schema |= {name: value for name, value in bounds.items() if value is not None}
    if each.missing:
        schema["type"] = [schema["type"], "null"]
        if each.categories:
            schema["enum"].append(None)
    if each.unit or each.typical:
        schema["x-unit"] = each.unit
    if each.typical:
        schema["x-typical"] = list(each.typical)
    if each.error:
        schema["x-measurement-error"] = each.error
    return {**schema, "examples": [each.sample]}


def prediction(contract: Contract, judged: Judged, *, p_values: bool = False) -> Schema:
    """Return the schema of the answer of POST /predict. `p_values` says whether a client can ask for p-values."""
    output = contract.output
    properties: Schema = {"prediction": _prediction(contract)}
    if output.classed:
        properties[output.label] = _class(contract)
    if output.kind == "classes":
        each = dict.fromkeys(output.classes, NUMBER)
        properties["probabilities"] = {"type": "object", "properties": each, "required": list(output.classes)}
    required = list(properties)
    if judged.sets:
        properties["prediction_set"] = {"type": "array", "items": _class(contract), "description": JUDGED_SET}
    if judged.half_widths:
        properties["interval"] = _interval(contract)
    if judged.distance:
        properties["in_distribution"] = {"type": "boolean", "description": INSIDE}
        properties["distance"] = {"type": ["number", "null"], "description": DISTANCE}
    if p_values:
        properties |= _likeness(contract)
    return _object("PredictionAnswer", properties, required, "The answer of the model.")


def _likeness(contract: Contract) -> Schema:
    """Return the properties that are made from p-values."""
    p_value: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    members: Schema = {"type": "array", "items": _class(contract)}
    levels = [f"{percent / 100:g}" for percent in PERCENTS]
    return {
        "p_values": {
            "type": "object",
            "description": P_VALUES,
            "properties": dict.fromkeys(contract.output.classes, p_value),
        },
        "p_value_sets": {
            "type": "object",
            "description": P_VALUE_SETS,
            "properties": dict.fromkeys(levels, members),
        },
    }


def _prediction(contract: Contract) -> Schema:
    output = contract.output
    if output.classed:
        return {"type": "integer", "description": f"The index of the answered class: {', '.join(output.classes[:9])}"}
    unit = {"x-unit": output.unit} if output.unit else {}
    if output.kind == "number":
        return {**NUMBER, **unit}
    return {"type": "object", "properties": {name: {**NUMBER, **unit} for name in output.names}}


def _class(contract: Contract) -> Schema:
    return {"enum": list(contract.output.classes)}


def _interval(contract: Contract) -> Schema:
    bounds: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2, "description": INTERVAL}
    names = contract.output.names
    return {"type": "object", "properties": dict.fromkeys(names, bounds)} if names else bounds


def explanation(contract: Contract, *, p_values: bool = False) -> Schema:
    """Return the schema of the answer of POST /explain."""
    output, classed = contract.output, contract.output.classed
    answered = {output.label: _class(contract)} if classed else {"prediction": _prediction(contract)}
    contribution = {
        "type": "object",
        "description": "The parts of a margin: `bias` and the sum of `features` equal `margin`",
        "properties": {"margin": NUMBER, "bias": NUMBER, "features": _numbers(contract.features)},
    }
    properties: Schema = {"prediction": _prediction(contract)}
    if classed:
        properties[output.label] = _class(contract)
        properties["survives_measurement_error"] = {
            "type": ["boolean", "null"],
            "description": (
                "The answer stays if all inputs are off by up to their errors at once; null if the search ended "
                "without a proof or a counterexample"
            ),
        }
    each = dict.fromkeys(contract.input_names, _sensitivity(answered))
    properties["measurements"] = {"type": "object", "properties": each, "required": list(each)}
    properties["contributions"] = {
        "type": ["object", "null"],
        "description": "What XGBoost calls pred_contribs; null if a feature is missing in a bundle of format 2",
        "additionalProperties": contribution,
    }
    if p_values:
        properties |= _likeness(contract)
    required = list(properties)
    properties["interactions"] = _interactions()
    return _object("ExplanationAnswer", properties, required, "The explanation of one answer.")


def _sensitivity(answered: Schema) -> Schema:
    """Return the schema of what an explanation says of one input. `answered` is that of another answer."""
    change = {
        "type": ["object", "null"],
        "description": (
            "The nearest value for which the answer is another one; null if there is none within the bounds. `change` "
            "is the difference, in the input's unit"
        ),
        "properties": {"value": {}, "change": {"type": ["number", "null"]}, **answered},
    }
    return {
        "type": "object",
        "properties": {
            "value": {},
            "measurement_error": NUMBER,
            "survives": {"type": "boolean", "description": "The answer stays within `measurement_error` of `value`"},
            "below": change,
            "above": change,
        },
    }


def asked(name: str, description: str) -> Schema:
    """Return the parameter of an option in the query."""
    return {"name": name, "in": "query", "description": description, "schema": {"type": "boolean", "default": False}}


def _interactions() -> Schema:
    """Return the schema of what `?interactions=true` adds to an explanation."""
    numbers = {"type": "object", "additionalProperties": NUMBER}
    matrix = {"type": "object", "additionalProperties": numbers}
    return {
        "type": ["object", "null"],
        "description": (
            "What XGBoost calls pred_interactions, by output, feature and feature: a symmetric matrix, each row of "
            "which sums to the contribution of its feature. What is absent is 0. Only with `interactions=true`; null "
            "if `contributions` is"
        ),
        "properties": {
            "note": {"type": ["string", "null"], "description": "Says so if no two features of the model interact"},
            "values": {"type": "object", "additionalProperties": matrix},
        },
        "required": ["note", "values"],
    }


def _numbers(names: tuple[str, ...]) -> Schema:
    return {"type": "object", "properties": dict.fromkeys(names, NUMBER)}


def _object(title: str, properties: Schema, required: list[str], description: str) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required,
    }


def example(contract: Contract) -> dict[str, Number | bool | str]:
    """Return a body that clients may send."""
    return {each.name: each.sample for each in contract.inputs}


def example_tensors(contract: Contract, protocol: Protocol) -> list[dict[str, Any]]:
    """Return the input tensors of one row that clients may send, as in an inference request."""
    if protocol.mixed:
        pairs = zip(protocol.inputs, contract.inputs, strict=True)
        return [{"name": t.name, "datatype": t.datatype, "shape": [1], "data": [each.sample]} for t, each in pairs]
    (tensor,) = protocol.inputs
    row = [int(number) if number.is_integer() else number for number in contract.sample_numbers]
    return [{"name": tensor.name, "datatype": tensor.datatype, "shape": [1, len(row)], "data": row}]
