"""The ASGI endpoint for large bodies and answers: within the memory budget, and computed off the event loop.

The event loop only collects the pieces of a large body. A thread joins, decodes and predicts it, so single predictions
are not delayed. Memory is claimed before it is used: first for the body, then for the tensors and the answer, as soon
as their size is known. All of it is returned when the client has read its answer. The connection enforces how long a
body may take (app/http).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.batch.inference import OVERLOADED, InferenceHandler
from app.core.answer import CLOSE, Answer
from app.core.memory import SMALL_BYTES, Claim, Memory, NoMemory
from app.core.operation import content_length, encoded
from app.core.protocol import protocol_error
from app.http.endpoint import check_model, read_body, read_pieces, send_answer

INLINE_BYTES = 65_536  # a body up to this size is answered on the event loop, as a thread would cost more; 4,096 rows
WORKERS = 1  # threads: batches use one core and leave the others to the event loop
PIECE_BYTES = 64  # memory of a piece besides its bytes
COPIES = 2  # of a body at the same time: its pieces and the joined body, later the body and its packed numbers

ENCODED = protocol_error(
    415, "expected a body without Content-Encoding: send it uncompressed", [(b"accept-encoding", b"identity")]
)


def batch_endpoint(
    handler: InferenceHandler, max_body_bytes: int, memory: Memory, small: Memory | None = None
) -> ASGIApp:
    """Return an ASGI endpoint that answers with `handler(headers, body, claim)`.

    It calls the handler on the event loop for a small body, and on a thread for a large one.
    `memory` is the budget of large batches, `small` that of small ones, by default SMALL_BYTES.
    """
    least = small or Memory(SMALL_BYTES)
    most = min(max_body_bytes, max(INLINE_BYTES, memory.total // COPIES))
    too_large = protocol_error(413, f"expected at most {most} bytes; send fewer rows a request", [CLOSE])
    executor = ThreadPoolExecutor(WORKERS, "batch")  # its thread starts with the first large body

    async def respond(headers: dict[bytes, bytes], receive: Receive, claim: Claim, size: int) -> Answer:
        if encoded(headers.get(b"content-encoding")):
            return ENCODED
        if size > most:
            return too_large
        if size > INLINE_BYTES:
            return await respond_large(headers, receive, claim)
        body = await read_body(receive, most)
        return too_large if body is None else handler(headers, body, claim)

    async def respond_large(headers: dict[bytes, bytes], receive: Receive, claim: Claim) -> Answer:
        try:
            pieces = await read_claimed(receive, most, claim)
        except NoMemory:
            return OVERLOADED
        if pieces is None:
            return too_large
        work = partial(_answer_pieces, handler, headers, pieces, claim)
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    class BatchEndpoint:
        """The endpoint. It is a class, so Starlette calls it as an ASGI application, without Request and Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            check_model(scope["path_params"]["model"], scope["app"].state.http.model_name)
            headers = dict(scope["headers"])
            length = headers.get(b"content-length")
            size = most if length is None else content_length(length)  # a chunked body has no declared length
            with suppress(ClientDisconnect), Claim(memory if size > INLINE_BYTES else least) as claim:
                await send_answer(scope, send, await respond(headers, receive, claim, size))

    return BatchEndpoint()


async def read_claimed(receive: Receive, most: int, claim: Claim) -> list[bytes] | None:
    """Return a body in pieces, or None as soon as it is longer than `most` bytes.

    Memory for a piece is claimed when it arrives, so a slow client does not hold memory that others need. Raises
    NoMemory if too little is free, and ClientDisconnect.
    """
    return await read_pieces(receive, most, lambda size: claim.need(COPIES * size + PIECE_BYTES))


def _answer_pieces(handler: InferenceHandler, headers: dict[bytes, bytes], pieces: list[bytes], claim: Claim) -> Answer:
    body = b"".join(pieces)
    pieces.clear()  # frees the second copy of a large body
    return handler(headers, body, claim)
