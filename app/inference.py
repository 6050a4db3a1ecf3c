"""POST /v2/models/penguin/infer: many rows in, tensors out, by the Open Inference Protocol and its binary extension.

It is the raw model: the contract's bounds are not checked, and NaN in a binary tensor is XGBoost's missing value. Per
request: one decode of the JSON part, one native call on the body's own bytes, one join of the answer.
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, Raw, UnsetType

from app.answer import Answer
from app.library import Batch
from app.protocol import (
    LABEL,
    MARGIN,
    OUTPUTS,
    PROBABILITIES,
    InferenceRequest,
    InferenceResponse,
    InputParameters,
    RequestOutput,
    ResponseOutput,
    protocol_error,
)
from app.rows import HEADER_NAME, Unacceptable, json_length, read_rows
from app.serving import Served, Serving
from app.tensors import json_numbers, shown

InferenceHandler = Callable[[Mapping[bytes, bytes], bytes], Answer]

HEADER = HEADER_NAME.lower().encode()
BINARY = (b"content-type", b"application/octet-stream")
DEFAULT_OUTPUTS = [RequestOutput(PROBABILITIES.name), RequestOutput(LABEL.name)]
UNSUPPORTED = ("classification", "shared_memory_region")  # extensions that change what an output is

_decode = msgspec.json.Decoder(InferenceRequest).decode


def inferrer(serving: Serving, max_rows: int) -> InferenceHandler:
    """The handler, from headers with lower-case names and a body. Safe on any thread; it never raises."""

    def answer(headers: Mapping[bytes, bytes], body: bytes) -> Answer:
        served = serving.served  # it stays mapped, whatever is served in the meantime
        if served is None:
            return serving.protocol_unavailable
        try:
            offset = json_length(headers.get(HEADER), len(body))
            request = _decode_request(memoryview(body)[:offset])
            outputs = _requested(request.outputs)
            rows = read_rows(request.inputs, body, offset, max_rows)
        except Unacceptable as refusal:
            return served.name(protocol_error(refusal.status, str(refusal)))
        batch = served.library.predict_rows(*rows)
        if serving.offer_rows is not None:
            serving.offer_rows(*rows, batch)
        return _respond(served, request, outputs, batch, rows.rows)

    return answer


def _decode_request(data: memoryview) -> InferenceRequest:
    expected = "expected an inference request as a JSON object"
    try:
        return _decode(data)
    except RecursionError:
        raise Unacceptable(f"{expected}, found one that is nested too deeply") from None
    except UnicodeDecodeError:
        raise Unacceptable(f"{expected}, found text that is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise Unacceptable(f"{expected}: {error}") from None


def _requested(outputs: list[RequestOutput]) -> list[RequestOutput]:
    """The outputs to send. A repeated one is refused, so that rows alone bound the answer's size."""
    names = {output.name for output in outputs}
    if not names <= OUTPUTS.keys() or len(names) < len(outputs):
        found = shown(", ".join(output.name for output in outputs))
        raise Unacceptable(f"outputs: expected any of {', '.join(OUTPUTS)}, each once, found {found}")
    for output in outputs:
        for extension in UNSUPPORTED:
            if getattr(output.parameters, extension) is not UNSET:
                raise Unacceptable(f"output {output.name}: expected no {extension}: it is not supported")
    return outputs or DEFAULT_OUTPUTS


def _respond(
    served: Served, request: InferenceRequest, outputs: list[RequestOutput], batch: Batch, count: int
) -> Answer:
    """The JSON part, then the binary tensors in the order of the outputs."""
    buffers = {PROBABILITIES.name: batch.probabilities, LABEL.name: batch.labels, MARGIN.name: batch.margins}
    described: list[ResponseOutput] = []
    binary: list[bytearray] = []
    for output in outputs:
        wanted = output.parameters.binary_data
        if request.parameters.binary_data_output if wanted is UNSET else wanted:
            binary.append(buffers[output.name])
            described.append(_describe(output.name, count, parameters=InputParameters(len(binary[-1]))))
        else:
            numbers = json_numbers(buffers[output.name], OUTPUTS[output.name].datatype)
            described.append(_describe(output.name, count, data=Raw(numbers)))
    head = msgspec.json.encode(InferenceResponse(id=request.id, outputs=described))
    if not binary:
        return Answer(200, served.headers, head)
    return Answer(200, [BINARY, (HEADER, b"%d" % len(head)), served.named], b"".join([head, *binary]))


def _describe(
    name: str, count: int, parameters: InputParameters | UnsetType = UNSET, data: Raw | UnsetType = UNSET
) -> ResponseOutput:
    tensor = OUTPUTS[name]
    return ResponseOutput(name, tensor.datatype, (count, *tensor.shape[1:]), parameters, data)
