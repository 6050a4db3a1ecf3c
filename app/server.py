"""uvicorn's server, which says that it is not ready before it stops listening, and stops in time."""

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

from app.connection import Connection
from app.fast_path import FastConnection
from app.listening import DRAIN_SECONDS, address, stop_connecting
from app.settings import Settings
from app.wire import Wire

logger = logging.getLogger("uvicorn.error")
STOP_SECONDS = 8  # after SIGTERM, whatever happens


class Server(uvicorn.Server):
    """Serves the application until SIGTERM or SIGINT; a second one ends the process at once."""

    def __init__(
        self, application: Starlette, listener: socket.socket, settings: Settings, beat: int | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="uvloop",
                http=FastConnection if settings.fast_path else Connection,
                ws="none",
                lifespan="off",
                proxy_headers=False,  # TRUSTED_PROXIES says whom to believe
                log_config=None,  # app/log_setup.py
                log_level=settings.log_level,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.shutdown_seconds,
            )
        )
        self.settings = settings
        self.wire: Wire = application.state.wire
        self._stop_at = float("inf")
        self._listener = listener
        self._beat = beat  # where a supervisor hears from this worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where it listens once it does."""
        await super().on_tick(0)  # the first answer has a date, too
        await super().startup(sockets)
        if self._beat is None:
            await self.wire.telemetry.expose(self)
            logger.info("running on %s", address(self._listener))
        self.wire.telemetry.serves(self)

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        """First not ready, for load balancers to see; then, in `on_tick`, stop. Ctrl-C skips the first."""
        if self.wire.draining:
            os._exit(0)  # no handler of the interpreter's end may hold it up
        self.wire.draining = True
        self._stop_at = time.monotonic()
        if sig == signal.SIGTERM:
            self._stop_at += self.settings.not_ready_seconds
        if self._beat is not None:
            self._stop_at += DRAIN_SECONDS  # the supervisor, whose socket it is, sees to it that nobody connects
        faulthandler.dump_traceback_later(STOP_SECONDS, exit=True)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._beat is not None and counter % 10 == 0:
            os.write(self._beat, b".")
        self.wire.telemetry.tick(self)
        self.should_exit = self.should_exit or time.monotonic() >= self._stop_at
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept who has connected already, then stop listening, and answer all there is."""
        if self._beat is None:
            stop_connecting(self._listener)
        await asyncio.sleep(DRAIN_SECONDS)
        await super().shutdown(sockets)
