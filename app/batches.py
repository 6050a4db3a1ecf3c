"""Large bodies in: read within bounds of memory, answered off the event loop.

While a large batch is read, joined, decoded and predicted, single predictions go on: the loop only collects pieces.
How long a body may take is the connection's business.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.answer import CLOSE, Answer
from app.http import noted, read_body, read_pieces, send_answer
from app.inference import InferenceHandler
from app.protocol import protocol_error

INLINE_BYTES = 65_536  # of a body, 4,096 rows in binary, that is answered at once: a thread would cost more
WORKERS = 1  # one core for batches leaves the others to the loop, and one batch's tensors at a time in memory
IN_FLIGHT = 4  # bodies of the largest size that may be in memory, read or waiting for the worker

ENCODED = protocol_error(
    415, "expected a body without Content-Encoding: send it uncompressed", [(b"accept-encoding", b"identity")]
)
OVERLOADED = protocol_error(
    503, "more batches than this server can hold; try again in a second", [(b"retry-after", b"1"), CLOSE]
)


def batch_endpoint(handler: InferenceHandler, max_body_bytes: int) -> ASGIApp:
    """An ASGI endpoint that answers with `handler(headers, body)`: at once, or a large body in a thread."""
    too_large = protocol_error(413, f"expected at most {max_body_bytes} bytes; send fewer rows a request", [CLOSE])
    executor = ThreadPoolExecutor(WORKERS, "batch")  # its thread starts with the first large body
    free = IN_FLIGHT * max_body_bytes  # bytes

    async def respond(headers: dict[bytes, bytes], receive: Receive) -> Answer:
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            return ENCODED
        declared = int(headers.get(b"content-length", max_body_bytes))  # a chunked body may be as long as it likes
        if declared > max_body_bytes:
            return too_large
        if declared > INLINE_BYTES:
            return await respond_large(headers, receive, declared)
        body = await read_body(receive, max_body_bytes)
        return too_large if body is None else handler(headers, body)

    async def respond_large(headers: dict[bytes, bytes], receive: Receive, size: int) -> Answer:
        nonlocal free
        if size > free:
            return OVERLOADED
        free -= size
        try:
            pieces = await read_pieces(receive, max_body_bytes)
            if pieces is None:
                return too_large
            work = partial(_answer_pieces, handler, headers, pieces)
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        finally:
            free += size

    class BatchEndpoint:
        """A class, so that Starlette calls it as an ASGI application, without a Request and a Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            with suppress(ClientDisconnect):
                await send_answer(send, noted(scope, await respond(dict(scope["headers"]), receive)))

    return BatchEndpoint()


def _answer_pieces(handler: InferenceHandler, headers: dict[bytes, bytes], pieces: list[bytes]) -> Answer:
    body = b"".join(pieces)
    pieces.clear()  # one copy of a large body is enough
    return handler(headers, body)
