"""Large bodies in: read within bounds of memory and time, answered off the event loop.

While a large batch is read, joined, decoded and predicted, single predictions go on: the loop only collects pieces.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from app.answer import Answer
from app.http import read_body, read_pieces, send_answer
from app.inference import InferenceHandler
from app.protocol import protocol_error

INLINE_BYTES = 65_536  # of a body, 4,096 rows in binary, that is answered at once: a thread would cost more
WORKERS = 1  # one core for batches leaves the others to the loop, and one batch's tensors at a time in memory
IN_FLIGHT = 4  # large bodies in memory, read or waiting for the worker; others wait unread
UPLOAD_SECONDS = 60  # for a large body to arrive: a client that vanished must not keep its place

ENCODED = protocol_error(
    415, "expected a body without Content-Encoding: send it uncompressed", [(b"accept-encoding", b"identity")]
)
TOO_SLOW = protocol_error(
    408, f"expected the whole body within {UPLOAD_SECONDS} seconds; send fewer rows", [(b"connection", b"close")]
)


def batch_endpoint(handler: InferenceHandler, max_body_bytes: int) -> ASGIApp:
    """An ASGI endpoint that answers with `handler(headers, body)`: at once, or a large body in a thread."""
    too_large = protocol_error(413, f"expected at most {max_body_bytes} bytes; send fewer rows a request")
    executor = ThreadPoolExecutor(WORKERS, "batch")  # its thread starts with the first large body
    places = asyncio.Semaphore(IN_FLIGHT)

    async def respond(headers: dict[bytes, bytes], receive: Receive) -> Answer:
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            return ENCODED
        declared = int(headers.get(b"content-length", max_body_bytes))  # a chunked body may be as long as it likes
        if declared > max_body_bytes:
            return too_large
        if declared > INLINE_BYTES:
            return await respond_large(headers, receive)
        body = await read_body(receive, max_body_bytes)
        return too_large if body is None else handler(headers, body)

    async def respond_large(headers: dict[bytes, bytes], receive: Receive) -> Answer:
        async with places:
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    pieces = await read_pieces(receive, max_body_bytes)
            except TimeoutError:
                return TOO_SLOW
            if pieces is None:
                return too_large
            work = partial(_answer_pieces, handler, headers, pieces)
            return await asyncio.get_running_loop().run_in_executor(executor, work)

    class BatchEndpoint:
        """A class, so that Starlette calls it as an ASGI application, without a Request and a Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send_answer(send, await respond(dict(scope["headers"]), receive))

    return BatchEndpoint()


def _answer_pieces(handler: InferenceHandler, headers: dict[bytes, bytes], pieces: list[bytes]) -> Answer:
    body = b"".join(pieces)
    pieces.clear()  # one copy of a large body is enough
    return handler(headers, body)
