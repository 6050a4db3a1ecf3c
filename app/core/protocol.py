"""The documents of the Open Inference Protocol, version 2, and the names of this service's model and tensors.

Unknown fields and parameters are ignored, as the protocol allows; known ones are checked.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from app.core.answer import JSON, Answer, Headers
from contract.measurements import MEASUREMENTS
from contract.species import SPECIES

MODEL_NAME = "penguin"
MODEL_VERSION = "1"  # the only version: a server has one bundle, and GET /model returns its digest
MODEL_PATH = f"/v2/models/{MODEL_NAME}"
VERSION_PATH = f"{MODEL_PATH}/versions/{MODEL_VERSION}"

DataType = Literal["FP32", "INT32"]
HEADER_NAME = "Inference-Header-Content-Length"  # its value: bytes of JSON before the binary tensors


class TensorMetadata(msgspec.Struct, frozen=True):
    """A tensor of the model, in row-major order. In `shape`, -1 means any number of rows."""

    name: str
    datatype: DataType
    shape: tuple[int, ...]


INPUT = TensorMetadata("measurements", "FP32", (-1, len(MEASUREMENTS)))
PROBABILITIES = TensorMetadata("probabilities", "FP32", (-1, len(SPECIES)))
LABEL = TensorMetadata("label", "INT32", (-1,))
MARGIN = TensorMetadata("margin", "FP32", (-1, len(SPECIES)))
OUTPUTS = {tensor.name: tensor for tensor in (PROBABILITIES, LABEL, MARGIN)}


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

    model_name: str = MODEL_NAME
    model_version: str = MODEL_VERSION
    id: str | UnsetType = UNSET
    outputs: list[ResponseOutput]


class ServerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The server's name and version, and the extensions of the protocol that it supports."""

    name: str = "penguins"
    version: str
    extensions: tuple[str, ...] = ("binary_tensor_data",)


class ModelMetadata(msgspec.Struct, frozen=True):
    """The model's input and output tensors. The output `margin` is sent only if a request names it."""

    name: str = MODEL_NAME
    versions: tuple[str, ...] = (MODEL_VERSION,)
    platform: str = "xgboost_native"
    inputs: tuple[TensorMetadata, ...] = (INPUT,)
    outputs: tuple[TensorMetadata, ...] = tuple(OUTPUTS.values())


class ServerLive(msgspec.Struct, frozen=True):
    """Whether the server is live: it is, if it answers at all."""

    live: bool = True


class ServerReady(msgspec.Struct, frozen=True):
    """Whether the server is ready: a model is loaded and the server is not stopping."""

    ready: bool = True


class ModelReady(msgspec.Struct, frozen=True):
    """Whether this model is loaded."""

    name: str = MODEL_NAME
    ready: bool = True


class ProtocolError(msgspec.Struct, frozen=True):
    """An error of the protocol: `error` says what was expected and what was found."""

    error: str


def protocol_error(status: int, detail: str, headers: Headers | None = None, reason: str = "") -> Answer:
    """Return an answer with this status and `detail` as the protocol's error."""
    return Answer(status, JSON + (headers or []), msgspec.json.encode(ProtocolError(detail)), reason=reason)
