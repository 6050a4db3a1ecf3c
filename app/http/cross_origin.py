"""The connection and the application of a service that pages of other origins may ask (ALLOWED_ORIGINS).

Without that setting none of this is used, so nothing costs more. With it, an answer to everyone (`*`) has the headers
among those that every answer has. In a list, only a request with an Origin gets others: it goes to the parser.
"""

import time
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config

from app.core.answer import ANSWER_EXTENSION, Answer, Headers
from app.http import refusals
from app.http.asgi import ApplicationQueue
from app.http.connection import Connection
from app.http.context import HttpContext
from app.http.deadlines import BODY
from app.http.endpoint import send_answer
from app.http.head import head_without_origin
from app.http.origins import Origins
from app.http.request import Request


class CrossOriginConnection(Connection):
    """A connection that answers preflights, and says which origins may read its answers."""

    def __init__(self, config: Config, **uvicorn: Any) -> None:
        super().__init__(config, **uvicorn)
        assert self.context.origins is not None
        self.origins: Origins = self.context.origins
        if self.origins.listed and self.plain:
            self.match = head_without_origin()  # type: ignore[assignment]  # only bytes are matched

    def read_head(self, request: Request) -> None:
        """Answer a preflight at once, under overload too. Leave all else to the base."""
        answer = None if self.unanswered else self.origins.preflight(request.method, request.headers)
        if answer is None:
            super().read_head(request)
            return
        self.requests += 1  # from here on as in the base, which has no call more without this setting
        request.received = time.monotonic()
        self.discarded = 0
        if self.context.draining or self.requests >= self.context.settings.max_requests_per_connection:
            request.keep_alive = False
        self._turn_away(request, answer)
        if not self.ended:
            self.enter(BODY)

    def respond(self, answer: Answer, keep_alive: bool, request: Request | None = None) -> None:
        """Write an answer with the headers for the origin that asks. A plain request is None: it has no Origin."""
        if request is not None:
            answer = self.origins.allow(answer, request.headers)
        super().respond(answer, keep_alive, request)

    def _ask_application(self, request: Request) -> None:
        if self.queue is None:
            self.queue = CrossOriginQueue(self, self.application, self.context, self.server_state.tasks)
        super()._ask_application(request)


class CrossOriginQueue(ApplicationQueue):
    """The requests that the application answers, with the headers for the origin that asks."""

    def _default_headers(self, request: Request) -> Headers:
        assert self._context.origins is not None
        return [*super()._default_headers(request), *self._context.origins.further(request.headers)]


class CrossOriginApplication(Starlette):
    """The application: it answers preflights itself, and under a server that is not ours adds the headers, too."""

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap everything, so that an answer about an exception has the headers as well."""
        application = super().build_middleware_stack()
        context: HttpContext = self.state.http
        assert context.origins is not None
        return _with_origins(application, context.origins)


def _with_origins(application: ASGIApp, origins: Origins) -> ASGIApp:
    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        fields: Headers = list(scope["headers"])

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *origins.always, *origins.further(fields)]
            await send(message)

        ours = ANSWER_EXTENSION in scope.get("extensions", {})  # then the connection adds them
        answer = origins.preflight(scope["method"].encode(), fields)
        if answer is None:
            await application(scope, receive, send if ours else add)
        else:
            answer = refusals.in_protocol_form(answer) if scope["path"].startswith("/v2") else answer
            await send_answer(scope, send if ours else add, answer)

    return asked
