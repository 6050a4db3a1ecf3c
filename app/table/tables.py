"""The ASGI endpoint of POST /score: within the memory budget, and computed off the event loop.

A thread makes one piece of an answer at a time, so several tables take turns, and a client that reads slowly keeps
nobody waiting. An answer of one piece has a length. A longer one is sent in chunks; if it fails midway, the connection
is cut before the last chunk, so the client knows that it is not complete.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.batch.batches import COPIES, INLINE_BYTES, PIECE_BYTES
from app.core.answer import CLOSE, Answer, Problem, problem
from app.core.memory import SMALL_BYTES, Claim, Memory
from app.core.operation import content_length
from app.http.endpoint import read_pieces, send_answer
from app.model.serving import Served, Serving
from app.table.asked import forms_of
from app.table.forms import Form

if TYPE_CHECKING:
    from app.table.scoring import Scoring

WORKERS = 1  # threads: tables use one core and leave the others to the event loop
SMALL_WORK_BYTES = 1 << 19  # for the rows of a small table, and a piece of its answer
LARGE_WORK_BYTES = 4 << 20  # the same of a large one
Made = TypeVar("Made")

OVERLOADED = problem(
    Problem("Service Unavailable", 503, "more tables than this server can hold; try again in a second"),
    [(b"retry-after", b"1"), CLOSE],
    "batches",
)


class NoMemory(Exception):
    """Raised if a table needs more memory than is free."""


def table_endpoint(
    serving: Serving, max_body_bytes: int, max_rows: int, memory: Memory, small: Memory | None = None
) -> ASGIApp:
    """Return the ASGI endpoint. `memory` is the budget of large tables and batches, `small` that of small ones."""
    least = small or Memory(SMALL_BYTES)
    most = min(max_body_bytes, max(INLINE_BYTES, (memory.total - LARGE_WORK_BYTES) // COPIES))
    too_large = problem(
        Problem("Content Too Large", 413, f"expected at most {most} bytes; send fewer rows a request"), [CLOSE]
    )
    executor = ThreadPoolExecutor(WORKERS, "score")  # its thread starts with the first table

    async def begin(headers: dict[bytes, bytes], receive: Receive, claim: Claim, size: int) -> "Scoring | Answer":
        """Return the answer that is begun, or the one that refuses the request."""
        served = serving.served
        if served is None:
            return serving.unavailable
        forms = forms_of(headers)
        if isinstance(forms, Answer):
            return forms
        if size > most:
            return too_large
        try:
            grow(claim, SMALL_WORK_BYTES if size <= INLINE_BYTES else LARGE_WORK_BYTES)
            pieces = await read_pieces(receive, most, lambda length: grow(claim, COPIES * length + PIECE_BYTES))
        except NoMemory:
            return OVERLOADED
        if pieces is None:
            return too_large
        return await in_thread(lambda: begun(served, forms, max_rows, pieces))

    def in_thread(work: Callable[[], Made]) -> "asyncio.Future[Made]":
        return asyncio.get_running_loop().run_in_executor(executor, work)

    async def stream(scoring: "Scoring", receive: Receive, send: Send) -> None:
        """Send an answer in chunks, as fast as the client reads, until it leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": scoring.headers})
        gone = asyncio.ensure_future(leaving(receive))
        try:
            while not gone.done():
                done = scoring.done
                await send({"type": "http.response.body", "body": scoring.piece, "more_body": not done})
                if done:
                    return
                await in_thread(scoring.go_on)
        finally:
            gone.cancel()

    async def respond(scope: Scope, receive: Receive, send: Send, claim: Claim, size: int) -> None:
        headers = dict(scope["headers"])
        headers[b"accept"] = b",".join([value for name, value in scope["headers"] if name == b"accept"])
        found = await begin(headers, receive, claim, size)
        if isinstance(found, Answer):
            await send_answer(scope, send, found)
        elif found.done:
            await send_answer(scope, send, Answer(200, found.headers, found.piece))
        elif scope["http_version"] == "1.0":
            await send_answer(scope, send, await whole(found, claim))
        else:
            scope["answer"] = Answer(200, found.headers, b"")
            await stream(found, receive, send)

    async def whole(scoring: "Scoring", claim: Claim) -> Answer:
        """Return a long answer as a whole: HTTP/1.0 has no chunks."""
        made = [scoring.piece]
        while not scoring.done and claim.grow(len(made[-1])):
            await in_thread(scoring.go_on)
            made.append(scoring.piece)
        return Answer(200, scoring.headers, b"", rest=tuple(made)) if scoring.done else too_large

    class TableEndpoint:
        """The endpoint. It is a class, so Starlette calls it as an ASGI application, without Request and Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            length = dict(scope["headers"]).get(b"content-length")
            size = most if length is None else content_length(length)  # a chunked body has no declared length
            with suppress(ClientDisconnect), Claim(memory if size > INLINE_BYTES else least) as claim:
                await respond(scope, receive, send, claim, size)

    return TableEndpoint()


def begun(served: Served, forms: tuple[Form, Form], max_rows: int, pieces: list[bytes]) -> "Scoring | Answer":
    """Return the answer to a body with its first piece, or the answer that refuses it."""
    from app.table.scoring import Scoring  # when the first table comes: a start need not wait for it

    scoring = Scoring(served, forms, max_rows)
    return scoring.begin(pieces) or scoring


async def leaving(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def grow(claim: Claim, size: int) -> None:
    """Claim memory. Raises NoMemory if too little is free."""
    if not claim.grow(size):
        raise NoMemory
