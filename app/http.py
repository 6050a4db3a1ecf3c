"""Between Starlette and the handlers: bodies in, answers out.

Every error is a problem document, but below /v2, where it has the form of the Open Inference Protocol.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import cache
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.answer import Answer, Problem, problem
from app.operation import Operation, too_large, unsupported
from app.protocol import MODEL_NAME, MODEL_PATH, MODEL_VERSION, protocol_error
from app.receipt import asked


def operation_endpoint(operation: Operation, *, timed: bool = False, executor: Executor | None = None) -> ASGIApp:
    """An ASGI endpoint that answers with the operation's handler, or with 413 as soon as a body is too large.

    `timed`: every answer has a receipt. `executor`: where a handler runs that would keep others waiting.
    """
    refusal = too_large(operation.max_body_bytes)

    async def respond(scope: Scope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        if operation.json and (answer := unsupported(headers.get(b"content-type"), headers.get(b"content-encoding"))):
            return answer
        if int(headers.get(b"content-length", 0)) > operation.max_body_bytes:
            return refusal
        body = await read_body(receive, operation.max_body_bytes)
        if body is None:
            return refusal
        handler = operation.handler
        if operation.receipt is not None and (timed or asked(headers)):
            handler = operation.receipt(lambda: scope.get("state", {}).get("received", 0.0))
        if executor is not None:
            return await asyncio.get_running_loop().run_in_executor(executor, handler, body)
        return handler(body)

    class OperationEndpoint:
        """A class, so that Starlette calls it as an ASGI application, without a Request and a Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            with suppress(ClientDisconnect):
                await send_answer(send, noted(scope, await respond(scope, receive)))

    return OperationEndpoint()


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The whole body, or None where it is longer than `most` bytes."""
    pieces = await read_pieces(receive, most)
    return pieces if pieces is None else b"".join(pieces)


async def read_pieces(receive: Receive, most: int) -> list[bytes] | None:
    """The body as it came, for who joins it elsewhere, or None as soon as it is longer than `most` bytes.

    Raises ClientDisconnect where it ended early.
    """
    pieces: list[bytes] = []
    length = 0
    more = True
    while more and length <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        length += len(pieces[-1])
        more = message.get("more_body", False)
    return pieces if length <= most else None


def noted(scope: Scope, answer: Answer) -> Answer:
    """Leave the answer where telemetry looks for it; not a large one, which would stay until the next request."""
    scope["answer"] = msgspec.structs.replace(answer, rest=()) if answer.rest else answer
    return answer


async def send_answer(send: Send, answer: Answer) -> None:
    """The whole answer, with its length. Of a large one a piece is sent when the client has read those before."""
    length = (b"content-length", b"%d" % sum(map(len, (answer.body, *answer.rest))))
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
    if answer.rest:
        for piece in (answer.body, *answer.rest):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": answer.body})


def endpoint(make: Callable[[], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """A GET endpoint whose answer is always the same. It is made once, when it is first asked for."""
    return changing_endpoint(cache(make))


def changing_endpoint(read: Callable[[], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """A GET endpoint whose answer is asked for each time."""

    async def get(request: Request) -> Response:
        answer = read()
        return Response(answer.body, answer.status, {name.decode(): value.decode() for name, value in answer.headers})

    return get


async def http_problem(request: Request, error: Exception) -> Response:
    """Starlette's own errors, 404 and 405 among them."""
    assert isinstance(error, HTTPException)
    detail = _DETAILS.get(error.status_code, error.detail)
    return _problem_response(request, error.status_code, detail, error.headers)


_DETAILS = {
    404: "no such path; GET /docs lists all there are",
    405: "this path does not know that method; the Allow header names those it does",
}

_PROTOCOL_DETAILS = {
    404: f"no such path, model or version; the model is {MODEL_NAME}, its version {MODEL_VERSION}: GET {MODEL_PATH}"
}


async def unexpected_problem(request: Request, error: Exception) -> Response:
    """A fault of ours. The traceback goes to the log, not to the client."""
    return _problem_response(request, 500, "the service failed; the operator's log says why", None)


def _problem_response(request: Request, status: int, detail: str, headers: Mapping[str, str] | None) -> Response:
    if request.url.path == "/v2" or request.url.path.startswith("/v2/"):
        answer = protocol_error(status, _PROTOCOL_DETAILS.get(status, detail))
    else:
        answer = problem(Problem(HTTPStatus(status).phrase, status, detail))
    named = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, status, {**(headers or {}), **named})
