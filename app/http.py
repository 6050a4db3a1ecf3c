"""Between Starlette and the handlers: bodies in, answers out, every error a problem document."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.answer import Answer, Problem, problem

Handler = Callable[[bytes], Answer]


def body_endpoint(handler: Handler, max_body_bytes: int) -> ASGIApp:
    """An ASGI endpoint that answers with `handler(body)`, or with 413 as soon as a body is longer than allowed."""
    too_large = problem(
        Problem("Content Too Large", 413, f"the body is larger than {max_body_bytes} bytes; send one bird a request")
    )

    class BodyEndpoint:
        """A class, so that Starlette calls it as an ASGI application, without a Request and a Response."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            body = await _read_body(receive, max_body_bytes)
            await _send(send, too_large if body is None else handler(body))

    return BodyEndpoint()


async def _read_body(receive: Receive, most: int) -> bytes | None:
    """The whole body, or None where it is longer than `most` bytes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
    return body if len(body) <= most else None


async def _send(send: Send, answer: Answer) -> None:
    length = (b"content-length", b"%d" % len(answer.body))
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
    await send({"type": "http.response.body", "body": answer.body})


def endpoint(make: Callable[[], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """A GET endpoint whose answer is always the same. It is made once, when it is first asked for."""
    made: list[Answer] = []

    async def get(request: Request) -> Response:
        if not made:
            made.append(make())
        answer = made[0]
        return Response(answer.body, answer.status, {name.decode(): value.decode() for name, value in answer.headers})

    return get


async def http_problem(request: Request, error: Exception) -> Response:
    """Starlette's own errors, 404 and 405 among them, as problem documents."""
    assert isinstance(error, HTTPException)
    return _problem_response(error.status_code, _DETAILS.get(error.status_code, error.detail), error.headers)


_DETAILS = {
    404: "no such path; GET /docs lists all there are",
    405: "this path does not know that method; the Allow header names those it does",
}


async def unexpected_problem(request: Request, error: Exception) -> Response:
    """A fault of ours. The traceback goes to the log, not to the client."""
    return _problem_response(500, "the service failed; the operator's log says why", None)


def _problem_response(status: int, detail: str, headers: Mapping[str, str] | None) -> Response:
    answer = problem(Problem(HTTPStatus(status).phrase, status, detail))
    return Response(answer.body, status, headers, media_type="application/problem+json")
