"""POST /v2/models/penguin/infer: many rows in, tensors out, by the Open Inference Protocol and its binary extension.

It is the raw model: the contract's bounds are not checked, and NaN in a binary tensor is XGBoost's missing value. Per
request: one decode of the JSON part, one native call on the body's own bytes, one join of the answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod

import msgspec
from msgspec import UNSET, Raw, UnsetType

from app.answer import CLOSE, Answer, Headers
from app.library import FLOAT_BYTES, Batch
from app.memory import Claim
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
from app.tensors import COLUMNS, JSON_CHARACTERS, json_numbers, shown

InferenceHandler = Callable[[Mapping[bytes, bytes], bytes, Claim], Answer]

HEADER = HEADER_NAME.lower().encode()
BINARY = (b"content-type", b"application/octet-stream")
DEFAULT_OUTPUTS = [RequestOutput(PROBABILITIES.name), RequestOutput(LABEL.name)]
NO_NUMBERS = Raw(b"[]")
JOINED_BYTES = 262_144  # of an answer; beyond, its pieces are sent one by one
# Of one row: its measurements, where they came as JSON, and every output.
ROW_BYTES = FLOAT_BYTES * (COLUMNS + sum(prod(tensor.shape[1:]) for tensor in OUTPUTS.values()))
OVERLOADED = protocol_error(
    503, "more batches than this server can hold; try again in a second", [(b"retry-after", b"1"), CLOSE]
)
UNSUPPORTED = ("classification", "shared_memory_region")  # extensions that change what an output is

_decode = msgspec.json.Decoder(InferenceRequest).decode


def inferrer(serving: Serving, max_rows: int) -> InferenceHandler:
    """The handler, from headers with lower-case names and a body, whose claim grows by what the answer needs.

    Safe on any thread; it never raises.
    """

    def answer(headers: Mapping[bytes, bytes], body: bytes, claim: Claim) -> Answer:
        served = serving.served  # it stays mapped, whatever is served in the meantime
        if served is None:
            return serving.protocol_unavailable
        try:
            offset = json_length(headers.get(HEADER), len(body))
            request = _decode_request(memoryview(body)[:offset])
            outputs = _requested(request.outputs)
            rows = read_rows(request.inputs, body, offset, max_rows)
        except Unacceptable as fault:
            return served.name(protocol_error(fault.status, str(fault)))
        if refusal := _claimed(claim, rows.rows, request, outputs):
            return refusal
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


def _claimed(claim: Claim, rows: int, request: InferenceRequest, outputs: list[RequestOutput]) -> Answer | None:
    """What refuses an answer for which there is no memory; what it needs is claimed."""
    needed = rows * (ROW_BYTES + sum(_text_bytes(request, output) for output in outputs))
    if claim.size + needed > claim.total:
        detail = (
            f"{rows} rows answered so take {claim.size + needed >> 20} MiB, of the {claim.total >> 20} MiB that this "
            "server has for batches; send fewer rows, or ask for binary tensors: binary_data_output"
        )
        return protocol_error(413, detail)
    return None if claim.grow(needed) else OVERLOADED


def _text_bytes(request: InferenceRequest, output: RequestOutput) -> int:
    """Of one row of an output in JSON, at most."""
    tensor = OUTPUTS[output.name]
    return 0 if _binary(request, output) else prod(tensor.shape[1:]) * JSON_CHARACTERS[tensor.datatype]


def _binary(request: InferenceRequest, output: RequestOutput) -> bool:
    wanted = output.parameters.binary_data
    return bool(request.parameters.binary_data_output if wanted is UNSET else wanted)


def _respond(
    served: Served, request: InferenceRequest, outputs: list[RequestOutput], batch: Batch, count: int
) -> Answer:
    """The JSON part, then the binary tensors in the order of the outputs."""
    buffers = {PROBABILITIES.name: batch.probabilities, LABEL.name: batch.labels, MARGIN.name: batch.margins}
    described: list[ResponseOutput] = []
    numbers: list[Iterator[bytes]] = []
    binary: list[bytearray] = []
    for output in outputs:
        buffer = buffers[output.name]
        if _binary(request, output):
            binary.append(buffer)
            described.append(_describe(output.name, count, parameters=InputParameters(len(buffer))))
        else:
            numbers.append(json_numbers(buffer, OUTPUTS[output.name].datatype))
            described.append(_describe(output.name, count, data=NO_NUMBERS))
    head = _filled(msgspec.json.encode(InferenceResponse(id=request.id, outputs=described)), numbers)
    if not binary:
        return _in_pieces(served.headers, head)
    length = (HEADER, b"%d" % sum(map(len, head)))
    return _in_pieces([BINARY, length, served.named], [*head, *binary])


def _filled(head: bytes, numbers: list[Iterator[bytes]]) -> list[bytes]:
    """The response, in pieces, with numbers where it has none: not within a string, where quotes are escaped."""
    first, *others = head.split(b'"data":' + bytes(NO_NUMBERS))
    pieces = [first]
    for own, after in zip(numbers, others, strict=True):
        pieces += [b'"data":', *own, after]
    return pieces


def _in_pieces(headers: Headers, pieces: Sequence[bytes | bytearray]) -> Answer:
    """As one where it is small: sending costs more than joining then."""
    if sum(map(len, pieces)) <= JOINED_BYTES:
        return Answer(200, headers, b"".join(pieces))
    return Answer(200, headers, b"", rest=tuple(pieces))


def _describe(
    name: str, count: int, parameters: InputParameters | UnsetType = UNSET, data: Raw | UnsetType = UNSET
) -> ResponseOutput:
    tensor = OUTPUTS[name]
    return ResponseOutput(name, tensor.datatype, (count, *tensor.shape[1:]), parameters, data)
