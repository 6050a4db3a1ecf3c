"""The least that an ASGI application can do: two messages, always the same. Several servers serve it."""

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPResponseBodyEvent, HTTPResponseStartEvent, Scope

from benchmarks.wire.servers.constants import parts

headers, body = parts()
START: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": headers,
    "trailers": False,
}
BODY: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}


async def unread(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer any request. The body is left unread: that is less work."""
    await send(START)
    await send(BODY)


async def read(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer any request. The body is read: granian would end the connection."""
    await receive()
    await send(START)
    await send(BODY)
