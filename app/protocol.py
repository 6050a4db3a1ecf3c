"""The documents of the Open Inference Protocol, version 2, and what this service calls its model and tensors in them.

Unknown fields and parameters are ignored, as the protocol lets a server do; known ones must be right.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from app.answer import JSON, Answer, Headers
from contract.measurements import MEASUREMENTS
from contract.species import SPECIES

MODEL_NAME = "penguin"
MODEL_VERSION = "1"  # the only one: a server has one bundle, whose digest GET /model tells
MODEL_PATH = f"/v2/models/{MODEL_NAME}"
VERSION_PATH = f"{MODEL_PATH}/versions/{MODEL_VERSION}"

DataType = Literal["FP32", "INT32"]


class TensorMetadata(msgspec.Struct, frozen=True):
    """A tensor of the model, row major. -1 is any number of rows."""

    name: str
    datatype: DataType
    shape: tuple[int, ...]


INPUT = TensorMetadata("measurements", "FP32", (-1, len(MEASUREMENTS)))
PROBABILITIES = TensorMetadata("probabilities", "FP32", (-1, len(SPECIES)))
LABEL = TensorMetadata("label", "INT32", (-1,))
MARGIN = TensorMetadata("margin", "FP32", (-1, len(SPECIES)))
OUTPUTS = {tensor.name: tensor for tensor in (PROBABILITIES, LABEL, MARGIN)}


class InputParameters(msgspec.Struct, frozen=True):
    """`binary_data_size` is the length in bytes of a tensor that follows the JSON."""

    binary_data_size: int | UnsetType = UNSET


class RequestInput(msgspec.Struct, frozen=True):
    """A tensor that is sent: as `data`, flat or nested, or in binary after the JSON."""

    name: str
    shape: list[Annotated[int, Meta(ge=0)]]
    datatype: str
    parameters: InputParameters = InputParameters()
    data: Raw | UnsetType = UNSET


class OutputParameters(msgspec.Struct, frozen=True):
    """`binary_data` overrides the request's `binary_data_output`; the others are extensions that are refused."""

    binary_data: bool | UnsetType = UNSET
    classification: Any = UNSET
    shared_memory_region: Any = UNSET


class RequestOutput(msgspec.Struct, frozen=True):
    """A tensor that is asked for."""

    name: str
    parameters: OutputParameters = OutputParameters()


class RequestParameters(msgspec.Struct, frozen=True):
    """`binary_data_output`: send outputs in binary unless one says otherwise."""

    binary_data_output: bool = False


class InferenceRequest(msgspec.Struct, frozen=True):
    """Without `outputs`, probabilities and labels are sent."""

    inputs: list[RequestInput]
    id: str | UnsetType = UNSET
    parameters: RequestParameters = RequestParameters()
    outputs: list[RequestOutput] = []


class ResponseOutput(msgspec.Struct, frozen=True):
    """A tensor of the answer, flat: as `data`, or as `parameters.binary_data_size` bytes after the JSON."""

    name: str
    datatype: DataType
    shape: tuple[int, ...]
    parameters: InputParameters | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


class InferenceResponse(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the request's."""

    model_name: str = MODEL_NAME
    model_version: str = MODEL_VERSION
    id: str | UnsetType = UNSET
    outputs: list[ResponseOutput]


class ServerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What answers, and which extensions of the protocol it knows."""

    name: str = "penguins"
    version: str
    extensions: tuple[str, ...] = ("binary_tensor_data",)


class ModelMetadata(msgspec.Struct, frozen=True):
    """The model's tensors. `margin` is sent only when asked for by name."""

    name: str = MODEL_NAME
    versions: tuple[str, ...] = (MODEL_VERSION,)
    platform: str = "xgboost_native"
    inputs: tuple[TensorMetadata, ...] = (INPUT,)
    outputs: tuple[TensorMetadata, ...] = tuple(OUTPUTS.values())


class ServerLive(msgspec.Struct, frozen=True):
    """The process answers."""

    live: bool = True


class ServerReady(msgspec.Struct, frozen=True):
    """A model is loaded."""

    ready: bool = True


class ModelReady(msgspec.Struct, frozen=True):
    """This model is loaded."""

    name: str = MODEL_NAME
    ready: bool = True


class ProtocolError(msgspec.Struct, frozen=True):
    """The one form of every error: what was expected and what was found."""

    error: str


def protocol_error(status: int, detail: str, headers: Headers | None = None) -> Answer:
    """The answer that carries an error."""
    return Answer(status, JSON + (headers or []), msgspec.json.encode(ProtocolError(detail)))
