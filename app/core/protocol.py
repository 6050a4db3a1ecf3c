"""The documents of the Open Inference Protocol, version 2, and the names of a model's tensors.

Unknown fields and parameters are ignored, as the protocol allows; known ones are checked.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from app.core.answer import JSON, Answer, Headers
from contract.schema import Contract, Input

MODEL_VERSION = "1"  # the only version: a server has one bundle, and GET /model returns its digest
MODEL_PATH = "/v2/models/{model}"  # the name in the contract; Starlette's form of a path with a parameter
VERSION_PATH = f"{MODEL_PATH}/versions/{MODEL_VERSION}"

DataType = Literal["FP32", "FP64", "INT32", "INT64", "BOOL", "BYTES"]
HEADER_NAME = "Inference-Header-Content-Length"  # its value: bytes of JSON before the binary tensors


class TensorMetadata(msgspec.Struct, frozen=True):
    """A tensor of the model, in row-major order. In `shape`, -1 means any number of rows."""

    name: str
    datatype: DataType
    shape: tuple[int, ...]


INPUT = "measurements"  # the name of the only input tensor of a model without categories
TYPES: dict[str, DataType] = {"number": "FP32", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}  # by kind
VALUES = {"classes": "probabilities", "number": "prediction", "numbers": "prediction"}  # by the kind of the answer
LABEL, MARGIN, SET, INSIDE, DISTANCE = "label", "margin", "prediction_set", "in_distribution", "distance"
P_VALUES = "p_values"


class Protocol:
    """One model in terms of the protocol. Made once for it.

    `inputs` is one tensor of numbers, or one for each input if some of them are categories. `outputs` are all tensors
    by name, `default` the names of those that are sent if a request names none.
    """

    def __init__(
        self, name: str, contract: Contract, margins: int, *, sets: bool, distance: bool, p_values: bool = False
    ) -> None:
        """`name` is that of the model in paths, `margins` the number of margins a row.

        `sets`, `distance` and `p_values` say by what answers can be judged.
        """
        output, values = contract.output, len(contract.output.values)
        self.name = name
        self.nullable = any(each.missing for each in contract.inputs)
        self.columns = len(contract.inputs)  # a row
        self.inputs: tuple[TensorMetadata, ...] = (TensorMetadata(INPUT, "FP32", (-1, self.columns)),)
        self.mixed = any(each.kind == "category" for each in contract.inputs)
        if self.mixed:
            self.inputs = tuple(TensorMetadata(each.name, _datatype(each), (-1,)) for each in contract.inputs)
        tensors = []
        if output.kind in VALUES:
            shape = (-1,) if output.kind == "number" else (-1, values)
            tensors.append(TensorMetadata(VALUES[output.kind], "FP32", shape))
        if output.classed:
            tensors.append(TensorMetadata(LABEL, "INT32", (-1,)))
        self.default = tuple(tensor.name for tensor in tensors)
        tensors.append(TensorMetadata(MARGIN, "FP32", (-1, margins)))
        if sets:
            tensors.append(TensorMetadata(SET, "BOOL", (-1, values)))
        if distance:
            tensors += [TensorMetadata(INSIDE, "BOOL", (-1,)), TensorMetadata(DISTANCE, "FP32", (-1,))]
        if p_values:
            tensors.append(TensorMetadata(P_VALUES, "FP64", (-1, values)))
        self.outputs = {tensor.name: tensor for tensor in tensors}
        self.metadata = ModelMetadata(self.name, inputs=self.inputs, outputs=tuple(tensors))
        self.path = MODEL_PATH.replace("{model}", self.name)


def _datatype(each: Input) -> DataType:
    """Return the data type of a tensor that has this input alone."""
    texts = bool(each.categories) and isinstance(each.categories[0], str)
    return TYPES["integer" if each.kind == "category" and not texts else each.kind]


class InputParameters(msgspec.Struct, frozen=True):
    """Parameters of a tensor. `binary_data_size` is its length in bytes if it follows the JSON in binary."""

    binary_data_size: int | UnsetType = UNSET


class RequestInput(msgspec.Struct, frozen=True):
    """A tensor of the request: its numbers are in `data`, flat or nested, or in binary after the JSON."""

    name: str
    shape: list[Annotated[int, Meta(ge=0)]]
    datatype: str
    parameters: InputParameters = InputParameters()
    data: Raw | UnsetType = UNSET


class OutputParameters(msgspec.Struct, frozen=True):
    """Parameters of an output. `binary_data` overrides the request's `binary_data_output`.

    `classification` and `shared_memory_region` belong to extensions that this server does not support: it refuses them.
    """

    binary_data: bool | UnsetType = UNSET
    classification: Any = UNSET
    shared_memory_region: Any = UNSET


class RequestOutput(msgspec.Struct, frozen=True):
    """An output tensor that the client asks for."""

    name: str
    parameters: OutputParameters = OutputParameters()


class RequestParameters(msgspec.Struct, frozen=True):
    """Parameters of a request. `binary_data_output` asks for all outputs in binary; an output can override it."""

    binary_data_output: bool = False


class InferenceRequest(msgspec.Struct, frozen=True):
    """An inference request. Without `outputs`, the server sends `probabilities` and `label`.

    An optional field may be null or absent: both mean the same.
    """

    inputs: list[RequestInput]
    id: str | UnsetType | None = UNSET
    parameters: RequestParameters | None = None
    outputs: list[RequestOutput] | None = None


class ResponseOutput(msgspec.Struct, frozen=True):
    """A tensor of the response: its numbers are in `data`, flat, or `parameters.binary_data_size` bytes in binary."""

    name: str
    datatype: DataType
    shape: tuple[int, ...]
    parameters: InputParameters | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


class InferenceResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An inference response. `id` is the `id` of the request, and absent if the request has none."""

    model_name: str
    model_version: str = MODEL_VERSION
    id: str | UnsetType = UNSET
    outputs: list[ResponseOutput]


class ServerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The server's name and version, and the extensions of the protocol that it supports."""

    name: str = "penguins"
    version: str
    extensions: tuple[str, ...] = ("binary_tensor_data",)


class ModelMetadata(msgspec.Struct, frozen=True):
    """The model's input and output tensors.

    The outputs `margin`, `prediction_set`, `in_distribution`, `distance` and `p_values` are sent only if a request
    names them.
    """

    name: str
    versions: tuple[str, ...] = (MODEL_VERSION,)
    platform: str = "xgboost_native"
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()


class ServerLive(msgspec.Struct, frozen=True):
    """Whether the server is live: it is, if it answers at all."""

    live: bool = True


class ServerReady(msgspec.Struct, frozen=True):
    """Whether the server is ready: a model is loaded and the server is not stopping."""

    ready: bool = True


class ModelReady(msgspec.Struct, frozen=True):
    """Whether this model is loaded."""

    name: str
    ready: bool = True


class ProtocolError(msgspec.Struct, frozen=True):
    """An error of the protocol: `error` says what was expected and what was found."""

    error: str


def protocol_error(status: int, detail: str, headers: Headers | None = None, reason: str = "") -> Answer:
    """Return an answer with this status and `detail` as the protocol's error."""
    return Answer(status, JSON + (headers or []), msgspec.json.encode(ProtocolError(detail)), reason=reason)
