"""The least that an ASGI application can do, on uvicorn as ours is: two messages, always the same."""

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPResponseBodyEvent, HTTPResponseStartEvent, Scope

from benchmarks.wire.servers.constants import PORT, parts

headers, body = parts()
START: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": headers,
    "trailers": False,
}
BODY: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}


async def application(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer any request. The body is left unread: that is less work."""
    await send(START)
    await send(BODY)


if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=PORT,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
    )
