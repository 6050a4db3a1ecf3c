"""POST /v2/models/MODEL/infer: predict many rows, by the Open Inference Protocol and its binary tensor extension.

The model is used without checks: the contract's bounds do not apply, and NaN in a binary tensor is XGBoost's missing
value. Each request costs one decode of the JSON part, one native call on the bytes of the body, and one join of the
answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod

import msgspec
from msgspec import UNSET, Raw, UnsetType

from app.batch.columns import ColumnReader
from app.batch.rows import RowReader, Rows, Unacceptable, json_length
from app.batch.slices import Slices
from app.batch.tensors import JSON_CHARACTERS, excerpt, json_numbers
from app.core.answer import CLOSE, Answer, Headers, with_header
from app.core.memory import Claim
from app.core.protocol import (
    DISTANCE,
    HEADER_NAME,
    INSIDE,
    LABEL,
    MARGIN,
    P_VALUES,
    SET,
    VALUES,
    InferenceRequest,
    InferenceResponse,
    InputParameters,
    Protocol,
    RequestOutput,
    ResponseOutput,
    TensorMetadata,
    protocol_error,
)
from app.model.serving import Served, Serving
from binding.library import FLOAT_BYTES, Batch
from score.faults import what_is_wrong
from score.judged import no_p_values

InferenceHandler = Callable[[Mapping[bytes, bytes], bytes, Claim], Answer]

HEADER = HEADER_NAME.lower().encode()
BINARY = (b"content-type", b"application/octet-stream")
NO_NUMBERS = Raw(b"[]")
JOINED_BYTES = 262_144  # an answer up to this size is joined; the pieces of a larger one are sent one by one
OVERLOADED = protocol_error(
    503, "more batches than this server can hold; try again in a second", [(b"retry-after", b"1"), CLOSE], "batches"
)
JUDGED = frozenset((SET, INSIDE, DISTANCE))  # outputs that need a call of their own
UNSUPPORTED = ("classification", "shared_memory_region")  # parameters of extensions that would change an output

_decode = msgspec.json.Decoder(InferenceRequest).decode


def inferrer(serving: Serving, max_rows: int, threads: int = 1) -> InferenceHandler:
    """Return the handler of inference requests. Its arguments are headers with lower-case names, a body and a claim.

    A large batch uses up to `threads` threads. The handler adds to the claim the memory that the answer needs. It is
    safe on any thread and never raises.
    """

    slices = Slices(threads)
    reader: RowReader | ColumnReader | None = None  # for the tensors of one model; two threads may make two

    def answer(headers: Mapping[bytes, bytes], body: bytes, claim: Claim) -> Answer:
        nonlocal reader
        served = serving.served  # this reference keeps the library mapped, even if another model is swapped in
        if served is None:
            return serving.protocol_unavailable
        own = reader
        if own is None or own.protocol is not served.protocol:
            own = reader = _reader(served, max_rows)
        try:
            offset = json_length(headers.get(HEADER), len(body))
            request = _decode_request(memoryview(body)[:offset])
            outputs = _requested(served, request.outputs or [])
            rows = own.read(request.inputs, body, offset)
        except Unacceptable as fault:
            return with_header(protocol_error(fault.status, str(fault)), served.named)
        if refusal := _claim_answer(served.protocol, claim, rows.rows, request, outputs, threads):
            return refusal
        batch = slices.predict(served.library, rows)
        if served.offers.rows is not None:
            served.offers.rows(*rows, batch)
        return _respond(served, request, outputs, _buffers(served, outputs, rows, batch), rows.rows)

    return answer


def _reader(served: Served, max_rows: int) -> RowReader | ColumnReader:
    """Return the reader of a model's tensors."""
    if served.protocol.mixed:
        return ColumnReader(served.protocol, served.contract.inputs, max_rows)
    return RowReader(served.protocol, max_rows)


def _buffers(served: Served, outputs: list[RequestOutput], rows: Rows, batch: Batch) -> dict[str, bytearray]:
    """Return the bytes of all outputs by name. Rows are judged only if somebody asks for it."""
    values = VALUES.get(served.contract.output.kind, "")
    buffers = {values: batch.values, LABEL: batch.labels, MARGIN: batch.margins}
    if _is_judged(outputs):
        size = rows.rows * served.protocol.columns * FLOAT_BYTES
        data = rows.data[rows.offset : rows.offset + size]
        judgement = served.library.judge_rows(data, batch.values, rows.rows)
        inside = judgement.in_distribution[::FLOAT_BYTES]  # the low bytes of int32 values of 0 and 1
        buffers |= {SET: judgement.sets, INSIDE: inside, DISTANCE: judgement.distances}
    p_values = served.answers.parts.p_values
    if p_values and _has_p_values(outputs):
        buffers[P_VALUES] = p_values.rows(batch.values)
    return buffers


def _is_judged(outputs: list[RequestOutput]) -> bool:
    return not JUDGED.isdisjoint([output.name for output in outputs])


def _has_p_values(outputs: list[RequestOutput]) -> bool:
    return P_VALUES in [output.name for output in outputs]


def _decode_request(data: memoryview) -> InferenceRequest:
    expected = "expected an inference request as a JSON object"
    try:
        return _decode(data)
    except RecursionError:
        raise Unacceptable(f"{expected}, found one that is nested too deeply") from None
    except UnicodeDecodeError:
        raise Unacceptable(f"{expected}, found text that is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise Unacceptable(f"{expected}: {what_is_wrong(error, data)}") from None


def _requested(served: Served, outputs: list[RequestOutput]) -> list[RequestOutput]:
    """Return the outputs to send. Raises Unacceptable if one is unknown, unsupported or repeated.

    Because no output is repeated, the number of rows bounds the size of the answer.
    """
    names, protocol = {output.name for output in outputs}, served.protocol
    if P_VALUES in names and P_VALUES not in protocol.outputs:
        raise Unacceptable(f"outputs: {no_p_values(served.contract)}")
    if not names <= protocol.outputs.keys() or len(names) < len(outputs):
        found = excerpt(", ".join(output.name for output in outputs))
        raise Unacceptable(f"outputs: expected any of {', '.join(protocol.outputs)}, each once, found {found}")
    for output in outputs:
        for extension in UNSUPPORTED:
            if getattr(output.parameters, extension) is not UNSET:
                raise Unacceptable(f"output {output.name}: expected no {extension}: it is not supported")
    return outputs or [RequestOutput(name) for name in protocol.default]


def _claim_answer(
    protocol: Protocol, claim: Claim, rows: int, request: InferenceRequest, outputs: list[RequestOutput], threads: int
) -> Answer | None:
    """Claim the memory that the answer needs. Return an answer that refuses the request if there is not enough."""
    # A row takes its inputs, packed if they came as JSON, all outputs in binary, and those that are sent as text.
    judged = [protocol.outputs[name] for name in JUDGED if name in protocol.outputs]
    known = [tensor for name, tensor in protocol.outputs.items() if name not in (*JUDGED, P_VALUES)]
    binary = FLOAT_BYTES * (protocol.columns + sum(map(_row_values, known)))
    if threads > 1:  # the answers of slices, until they are joined
        binary += FLOAT_BYTES * sum(map(_row_values, known))
    if _is_judged(outputs):  # which also takes a copy of its inputs and of its values
        binary += FLOAT_BYTES * (protocol.columns + sum(map(_row_values, [*judged, *known])))
    if _has_p_values(outputs):  # float64, and a column of them that is copied into its place
        binary += 2 * FLOAT_BYTES * (_row_values(protocol.outputs[P_VALUES]) + 2)
    text = sum(_text_bytes(request, output, protocol.outputs[output.name]) for output in outputs)
    needed = rows * (binary + text)
    if claim.size + needed > claim.total:
        detail = (
            f"{rows} rows with these outputs need {claim.size + needed >> 20} MiB; this server has {claim.total >> 20} "
            "MiB for batches; send fewer rows, or ask for binary tensors: binary_data_output"
        )
        return protocol_error(413, detail)
    return None if claim.grow(needed) else OVERLOADED


def _row_values(tensor: TensorMetadata) -> int:
    return prod(tensor.shape[1:])


def _text_bytes(request: InferenceRequest, output: RequestOutput, tensor: TensorMetadata) -> int:
    """Return the most bytes that one row of this output needs as JSON; 0 if it is sent in binary."""
    return 0 if _binary(request, output) else _row_values(tensor) * JSON_CHARACTERS[tensor.datatype]


def _binary(request: InferenceRequest, output: RequestOutput) -> bool:
    wanted = output.parameters.binary_data
    if wanted is UNSET:
        return request.parameters is not None and request.parameters.binary_data_output
    return bool(wanted)


def _respond(
    served: Served, request: InferenceRequest, outputs: list[RequestOutput], buffers: dict[str, bytearray], count: int
) -> Answer:
    """Return the answer: the JSON part, then the binary tensors in the order of the outputs."""
    described: list[ResponseOutput] = []
    numbers: list[Iterator[bytes]] = []
    binary: list[bytearray] = []
    for output in outputs:
        buffer, tensor = buffers[output.name], served.protocol.outputs[output.name]
        if _binary(request, output):
            binary.append(buffer)
            described.append(_describe(tensor, count, parameters=InputParameters(len(buffer))))
        else:
            numbers.append(json_numbers(buffer, tensor.datatype))
            described.append(_describe(tensor, count, data=NO_NUMBERS))
    identity = UNSET if request.id is None else request.id
    response = InferenceResponse(model_name=served.protocol.name, id=identity, outputs=described)
    head = _filled(msgspec.json.encode(response), numbers)
    if not binary:
        return _in_pieces(served.headers, head)
    length = (HEADER, b"%d" % sum(map(len, head)))
    return _in_pieces([BINARY, length, served.named], [*head, *binary])


def _filled(head: bytes, numbers: list[Iterator[bytes]]) -> list[bytes]:
    """Return the pieces of the JSON response, with the numbers in place of each empty `data`.

    The text that is replaced cannot occur inside a JSON string, where quotes are escaped.
    """
    first, *others = head.split(b'"data":' + bytes(NO_NUMBERS))
    pieces = [first]
    for own, after in zip(numbers, others, strict=True):
        pieces += [b'"data":', *own, after]
    return pieces


def _in_pieces(headers: Headers, pieces: Sequence[bytes | bytearray]) -> Answer:
    """Return an answer with these pieces as its body. They are joined if they are small, as a send costs more then."""
    if sum(map(len, pieces)) <= JOINED_BYTES:
        return Answer(200, headers, b"".join(pieces))
    return Answer(200, headers, b"", rest=tuple(pieces))


def _describe(
    tensor: TensorMetadata, count: int, parameters: InputParameters | UnsetType = UNSET, data: Raw | UnsetType = UNSET
) -> ResponseOutput:
    return ResponseOutput(tensor.name, tensor.datatype, (count, *tensor.shape[1:]), parameters, data)
