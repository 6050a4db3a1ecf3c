"""The least that an ASGI application can do, on granian: HTTP in Rust, one worker, uvloop."""

from granian.constants import Interfaces, Loops
from granian.server import Server
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from benchmarks.wire.servers.asgi_constant import BODY, START
from benchmarks.wire.servers.constants import PORT


async def application(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer any request. The body is read: granian would end the connection."""
    await receive()
    await send(START)
    await send(BODY)


if __name__ == "__main__":
    Server(
        "benchmarks.wire.servers.granian_constant:application",
        address="127.0.0.1",
        port=PORT,
        interface=Interfaces.ASGINL,
        loop=Loops.uvloop,
        workers=1,
        websockets=False,
        log_access=False,
    ).serve()
