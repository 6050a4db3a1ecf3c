"""Options in the query of a request, such as `?interactions=true`. Unknown ones are ignored, as unknown fields are."""

from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.answer import Answer, Problem, problem
from app.http.endpoint import send_answer

MOST_OPTIONS = 100
SHOWN = 40  # characters of a wrong value


def option(query: bytes, name: str) -> bool | Answer:
    """Return whether the option is `true`, or the answer that refuses its value. If it is repeated, the last one wins.

    `query` is what follows the question mark.
    """
    try:
        given = dict(parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_OPTIONS))
    except ValueError:
        return problem(Problem("Bad Request", 400, f"the query has more than {MOST_OPTIONS} options; send fewer"))
    value = given.get(name, "false")
    if value in ("true", "false"):
        return value == "true"
    return problem(Problem("Bad Request", 400, f"expected {name}=true or {name}=false, found {value[:SHOWN]!r}"))


def with_option(name: str, plain: ASGIApp, asked: ASGIApp) -> ASGIApp:
    """Return an endpoint that calls `asked` for requests with this option, and `plain` for all others."""

    class OptionEndpoint:
        """A class, so that Starlette calls it as an ASGI application."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            found = option(scope["query_string"], name)
            if isinstance(found, Answer):
                await send_answer(scope, send, found)
            else:
                await (asked if found else plain)(scope, receive, send)

    return OptionEndpoint()
