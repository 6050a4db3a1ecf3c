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
from starlette.types import Receive, Scope, Send

from app.batch.batches import COPIES, INLINE_BYTES, read_claimed
from app.core.answer import CLOSE, Answer, Problem, problem
from app.core.memory import Claim, Memory, NoMemory
from app.core.operation import content_length
from app.http.endpoint import send_answer
from app.model.serving import Served, Serving
from app.table.asked import forms_of, p_values_of
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


class TableEndpoint:
    """The endpoint. It is an object, so Starlette calls it as an ASGI application, without Request and Response.

    `memory` is the budget of large tables and batches, `small` that of small ones.
    """

    def __init__(self, serving: Serving, max_body_bytes: int, max_rows: int, memory: Memory, small: Memory) -> None:
        self._serving, self._max_rows, self._memory, self._small = serving, max_rows, memory, small
        self._most = min(max_body_bytes, max(INLINE_BYTES, (memory.total - LARGE_WORK_BYTES) // COPIES))
        detail = f"expected at most {self._most} bytes; send fewer rows a request"
        self._too_large = problem(Problem("Content Too Large", 413, detail), [CLOSE])
        self._executor = ThreadPoolExecutor(WORKERS, "score")  # its thread starts with the first table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        length = dict(scope["headers"]).get(b"content-length")
        size = self._most if length is None else content_length(length)  # a chunked body has no declared length
        with suppress(ClientDisconnect), Claim(self._memory if size > INLINE_BYTES else self._small) as claim:
            await self._respond(scope, receive, send, claim, size)

    async def _respond(self, scope: Scope, receive: Receive, send: Send, claim: Claim, size: int) -> None:
        found = await self._begin(scope, receive, claim, size)
        if isinstance(found, Answer):
            await send_answer(scope, send, found)
        elif found.done:
            await send_answer(scope, send, Answer(200, found.headers, found.piece))
        elif scope["http_version"] == "1.0":
            await send_answer(scope, send, await self._whole(found, claim))
        else:
            scope["answer"] = Answer(200, found.headers, b"")
            await self._stream(found, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, claim: Claim, size: int) -> "Scoring | Answer":
        """Return the answer that is begun, or the one that refuses the request."""
        served = self._serving.served
        if served is None:
            return self._serving.unavailable
        headers = dict(scope["headers"])
        headers[b"accept"] = b",".join([value for name, value in scope["headers"] if name == b"accept"])
        forms = forms_of(headers)
        if isinstance(forms, Answer):
            return forms
        p_values = p_values_of(scope["query_string"], served)
        if isinstance(p_values, Answer):
            return p_values
        if size > self._most:
            return self._too_large
        try:
            claim.need(SMALL_WORK_BYTES if size <= INLINE_BYTES else LARGE_WORK_BYTES)
            pieces = await read_claimed(receive, self._most, claim)
        except NoMemory:
            return OVERLOADED
        if pieces is None:
            return self._too_large
        return await self._in_thread(lambda: begun(served, forms, self._max_rows, pieces, p_values=p_values))

    def _in_thread(self, work: Callable[[], Made]) -> "asyncio.Future[Made]":
        return asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def _stream(self, scoring: "Scoring", receive: Receive, send: Send) -> None:
        """Send an answer in chunks, as fast as the client reads, until it leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": scoring.headers})
        gone = asyncio.ensure_future(leaving(receive))
        try:
            while not gone.done():
                done = scoring.done
                await send({"type": "http.response.body", "body": scoring.piece, "more_body": not done})
                if done:
                    return
                await self._in_thread(scoring.go_on)
        finally:
            gone.cancel()

    async def _whole(self, scoring: "Scoring", claim: Claim) -> Answer:
        """Return a long answer as a whole: HTTP/1.0 has no chunks."""
        made = [scoring.piece]
        while not scoring.done and claim.grow(len(made[-1])):
            await self._in_thread(scoring.go_on)
            made.append(scoring.piece)
        return Answer(200, scoring.headers, b"", rest=tuple(made)) if scoring.done else self._too_large


def begun(
    served: Served, forms: tuple[Form, Form], max_rows: int, pieces: list[bytes], *, p_values: bool
) -> "Scoring | Answer":
    """Return the answer to a body with its first piece, or the answer that refuses it."""
    from app.table.scoring import Scoring  # when the first table comes: a start need not wait for it

    scoring = Scoring(served, forms, max_rows, p_values=p_values)
    return scoring.begin(pieces) or scoring


async def leaving(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
