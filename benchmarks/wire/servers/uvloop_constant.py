"""The limit of Python on uvloop: whatever arrives is answered with the same bytes. HTTP is not even looked at."""

import asyncio
from typing import cast

import uvloop

from benchmarks.wire.servers.constants import PORT, whole

ANSWER = whole()


class Constant(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers."""
        self._write = cast(asyncio.WriteTransport, transport).write

    def data_received(self, _data: bytes) -> None:
        """Answer a request; no client here sends one in parts."""
        self._write(ANSWER)


async def serve() -> None:
    """Serve until it is killed."""
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", PORT)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
