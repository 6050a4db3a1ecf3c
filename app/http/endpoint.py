"""ASGI endpoints for Starlette's routes: they read a body, call a handler and send its answer.

Errors are problem documents. Below /v2 they have the form of the Open Inference Protocol.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.answer import ANSWER_EXTENSION, Answer, Problem, problem
from app.core.operation import Operation, prepare, too_large
from app.core.protocol import MODEL_PATH, MODEL_VERSION, protocol_error
from app.core.query import option
from app.http.in_turn import InTurn


def operation_endpoint(operation: Operation, *, timed: bool = False, line: InTurn | None = None) -> ASGIApp:
    """Return an ASGI endpoint that calls the operation's handler, or answers 413 as soon as the body is too large.

    If `timed`, every answer carries a receipt. A slow handler waits for its turn in `line`, and other requests go on.
    """

    async def respond(scope: Scope, receive: Receive) -> Answer:
        received = partial(scope.get("state", {}).get, "received", 0.0)
        wanted, refusal = prepare(operation, dict(scope["headers"]), received, timed=timed)
        if refusal is not None:
            return refusal
        body = await read_body(receive, operation.body.max_bytes)
        if body is None:
            return too_large(operation)
        if line is not None:
            return await line.answer(partial(wanted.handler, body))
        return wanted.handler(body)

    class OperationEndpoint:
        """A class, so that Starlette calls it as an ASGI application, without a Request and a Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            with suppress(ClientDisconnect):
                await send_answer(scope, send, await respond(scope, receive))

    return OperationEndpoint()


def choosing_endpoint(name: str, usual: ASGIApp, asked: ASGIApp) -> ASGIApp:
    """Return an ASGI endpoint that calls `asked` if the query has the option of this name, and else the usual one."""

    class ChoosingEndpoint:
        """A class, for the same reason."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            found = option(scope["query_string"], name)
            if isinstance(found, Answer):
                await send_answer(scope, send, found)
            else:
                await (asked if found else usual)(scope, receive, send)

    return ChoosingEndpoint()


async def read_body(receive: Receive, most: int) -> bytes | None:
    """Return the whole body, or None if it is longer than `most` bytes."""
    pieces = await read_pieces(receive, most)
    return pieces if pieces is None else b"".join(pieces)


async def read_pieces(
    receive: Receive, most: int, claim: Callable[[int], None] = lambda size: None
) -> list[bytes] | None:
    """Return the body in pieces, or None as soon as it is longer than `most` bytes.

    `claim` is called with the size of each piece, in bytes, and may raise. Raises ClientDisconnect if the body ends
    early.
    """
    pieces: list[bytes] = []
    length = 0
    more = True
    while more and length <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        claim(len(piece))
        pieces.append(piece)
        length += len(piece)
        more = message.get("more_body", False)
    return pieces if length <= most else None


async def send_answer(scope: Scope, send: Send, answer: Answer) -> None:
    """Send an answer with its length. A large one is sent piece by piece, as fast as the client reads.

    Telemetry finds the answer in the scope, without the pieces of a large one: they would stay in memory until the next
    request. A server that takes whole answers (app/http/asgi.py) gets the answer as it is.
    """
    scope["answer"] = msgspec.structs.replace(answer, rest=()) if answer.rest else answer
    whole = scope.get("extensions", {}).get(ANSWER_EXTENSION)
    if whole is not None and not answer.rest and whole(answer):
        return
    length = (b"content-length", b"%d" % sum(map(len, (answer.body, *answer.rest))))
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
    if answer.rest:
        for piece in (answer.body, *answer.rest):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": answer.body})


def endpoint(make: Callable[[], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """Return a GET endpoint whose answer never changes. The first request makes it."""
    return changing_endpoint(cache(make))


def changing_endpoint(read: Callable[[], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """Return a GET endpoint that calls `read` for each request."""
    return model_endpoint(lambda _: read())


def model_endpoint(read: Callable[[str], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """Return a GET endpoint that calls `read` with the model's name in the path, or an empty string.

    Another name than that of the model that is served is answered with 404.
    """

    async def get(request: Request) -> Response:
        name = request.path_params.get("model", "")
        check_model(name, request.app.state.http.model_name)
        answer = read(name)
        return Response(answer.body, answer.status, {name.decode(): value.decode() for name, value in answer.headers})

    return get


def check_model(asked: str, served: str) -> None:
    """Raise HTTPException with 404 if the path names another model than the one that is served."""
    if _is_another(asked, served):
        raise HTTPException(404)


def _is_another(asked: str, served: str) -> bool:
    return bool(asked and served) and asked != served


async def http_problem(request: Request, error: Exception) -> Response:
    """Answer Starlette's own errors, such as 404 and 405."""
    assert isinstance(error, HTTPException)
    if _is_another(request.path_params.get("model", ""), request.app.state.http.model_name):
        error = HTTPException(404)  # whatever the method: the path does not exist
    detail = _DETAILS.get(error.status_code, error.detail)
    headers = error.headers
    if headers and "Allow" in headers:  # Starlette keeps methods in a set
        headers = {**headers, "Allow": ", ".join(sorted(headers["Allow"].split(", ")))}
    return _problem_response(request, error.status_code, detail, headers)


_DETAILS = {
    404: "no such path; GET /docs lists all there are",
    405: "this path does not know that method; the Allow header names those it does",
}


def no_such_model(name: str) -> str:
    """Return the detail of a 404 of the protocol. `name` is that of the model, empty if none is loaded yet."""
    if not name:
        return "no such path or version, and no model is loaded yet"
    path = MODEL_PATH.replace("{model}", name)
    return f"no such path, model or version; the model is {name}, its version {MODEL_VERSION}: GET {path}"


async def unexpected_problem(request: Request, error: Exception) -> Response:
    """Answer 500. The traceback goes to the log, not to the client."""
    return _problem_response(request, 500, "the service failed; the operator's log says why", None)


def _problem_response(request: Request, status: int, detail: str, headers: Mapping[str, str] | None) -> Response:
    if request.url.path == "/v2" or request.url.path.startswith("/v2/"):
        named = no_such_model(request.app.state.http.model_name) if status == HTTPStatus.NOT_FOUND else detail
        answer = protocol_error(status, named)
    else:
        answer = problem(Problem(HTTPStatus(status).phrase, status, detail))
    own = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, status, {**(headers or {}), **own})
