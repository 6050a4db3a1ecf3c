"""Large bodies in, large answers out: within bounds of memory, and computed off the event loop.

While a large batch is read, joined, decoded and predicted, single predictions go on: the loop only collects pieces.
What it takes is claimed before: its body at first, the tensors and the answer when their size is known. All of it is
given back when the client has read its answer. How long a body may take is the connection's business.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.answer import CLOSE, Answer
from app.http import noted, read_body, read_pieces, send_answer
from app.inference import OVERLOADED, InferenceHandler
from app.memory import Claim, Memory
from app.protocol import protocol_error

INLINE_BYTES = 65_536  # of a body, 4,096 rows in binary, that is answered at once: a thread would cost more
WORKERS = 1  # one core for batches leaves the others to the loop
SMALL_BYTES = 16 << 20  # for those, and their answers, whatever the large ones take
COPIES = 2  # of a body: its pieces and what they are joined to, later that and the numbers in its JSON

ENCODED = protocol_error(
    415, "expected a body without Content-Encoding: send it uncompressed", [(b"accept-encoding", b"identity")]
)


def batch_endpoint(handler: InferenceHandler, max_body_bytes: int, memory: Memory) -> ASGIApp:
    """An ASGI endpoint that answers with `handler(headers, body, claim)`: at once, or a large body in a thread."""
    most = min(max_body_bytes, max(INLINE_BYTES, memory.total // COPIES))
    too_large = protocol_error(413, f"expected at most {most} bytes; send fewer rows a request", [CLOSE])
    executor = ThreadPoolExecutor(WORKERS, "batch")  # its thread starts with the first large body

    small = Memory(SMALL_BYTES)

    async def respond(headers: dict[bytes, bytes], receive: Receive, claim: Claim, size: int) -> Answer:
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            return ENCODED
        if size > most:
            return too_large
        if size > INLINE_BYTES:
            return await respond_large(headers, receive, claim, size)
        body = await read_body(receive, most)
        return too_large if body is None else handler(headers, body, claim)

    async def respond_large(headers: dict[bytes, bytes], receive: Receive, claim: Claim, size: int) -> Answer:
        if not claim.grow(COPIES * size):
            return OVERLOADED
        pieces = await read_pieces(receive, most)
        if pieces is None:
            return too_large
        work = partial(_answer_pieces, handler, headers, pieces, claim)
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    class BatchEndpoint:
        """A class, so that Starlette calls it as an ASGI application, without a Request and a Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope["headers"])
            size = int(headers.get(b"content-length", most))  # a chunked body may be as long as it likes
            with suppress(ClientDisconnect), Claim(memory if size > INLINE_BYTES else small) as claim:
                await send_answer(send, noted(scope, await respond(headers, receive, claim, size)))

    return BatchEndpoint()


def _answer_pieces(handler: InferenceHandler, headers: dict[bytes, bytes], pieces: list[bytes], claim: Claim) -> Answer:
    body = b"".join(pieces)
    pieces.clear()  # one copy of a large body is enough
    return handler(headers, body, claim)
