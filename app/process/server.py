"""uvicorn's server, with a stop in steps: first it is not ready, then it stops listening, then it ends in time."""

import asyncio
import faulthandler
import logging
import os
import signal
import socket
import time
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from app.core.settings import Settings
from app.http.connection import Connection
from app.http.context import HttpContext
from app.http.cross_origin import CrossOriginConnection
from app.process.listening import DRAIN_SECONDS, DRAINED_SECONDS, address, stop_connecting, waiting

logger = logging.getLogger("uvicorn.error")
STOP_SECONDS = 8  # after SIGTERM the process ends, even if it hangs


class Server(uvicorn.Server):
    """Serves the application until SIGTERM or SIGINT; a second one ends the process at once."""

    def __init__(
        self, application: Starlette, listener: socket.socket, settings: Settings, beat: int | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="uvloop",
                http=CrossOriginConnection if settings.allowed_origins else Connection,
                ws="none",
                lifespan="off",
                proxy_headers=False,  # TRUSTED_PROXIES does this
                log_config=None,  # app/telemetry/log_setup.py does this
                log_level=settings.log_level,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.shutdown_seconds,
            )
        )
        self.settings = settings
        self.context: HttpContext = application.state.http
        self._stop_at = float("inf")
        self._listener = listener
        self._beat = beat  # file descriptor: a byte a second tells the supervisor that this worker runs

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then log the address. A worker's metrics and address are its supervisor's to announce."""
        await super().on_tick(0)  # so that the first answer has a Date header too
        self.context.renew(self.server_state.default_headers)
        await super().startup(sockets)
        if self._beat is None:
            await self.context.telemetry.expose(self)
            logger.info("running on %s", address(self._listener))
        self.context.telemetry.serves(self)

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        """Stop in two steps: not ready at once, so that load balancers see it, and a stop in `on_tick` after a while.

        SIGINT (Ctrl-C) stops without this pause. A second signal ends the process at once.
        """
        if self.context.draining:
            os._exit(0)  # skips the interpreter's exit handlers, which could block
        self.context.drain()
        self._stop_at = time.monotonic()
        if sig == signal.SIGTERM:
            self._stop_at += self.settings.not_ready_seconds
        if self._beat is not None:
            self._stop_at += DRAIN_SECONDS  # until then the supervisor has stopped new connections
        faulthandler.dump_traceback_later(STOP_SECONDS, exit=True)

    async def on_tick(self, counter: int) -> bool:
        """Do the periodic work and return whether to stop. uvicorn calls this ten times a second."""
        if self._beat is not None and counter % 10 == 0:
            os.write(self._beat, b".")
        self.context.telemetry.tick(self)
        self.should_exit = self.should_exit or time.monotonic() >= self._stop_at
        stop = await super().on_tick(counter)
        self.context.renew(self.server_state.default_headers)
        return stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the connections that wait, then stop listening, and answer all requests in progress."""
        stop_connecting(self._listener)  # usually the supervisor has done it already
        await asyncio.sleep(DRAIN_SECONDS)
        latest = time.monotonic() + DRAINED_SECONDS
        while waiting(self._listener) and time.monotonic() < latest:
            await asyncio.sleep(DRAIN_SECONDS / 10)
        await super().shutdown(sockets)
