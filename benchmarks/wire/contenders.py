"""The servers that are compared through sockets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.wire.question import CLOUD, SHORT

OURS, PLAIN, ASGI, UVLOOP = "ours", "plain", "asgi_constant", "uvloop_constant"
SAME, UVLOOP_SAME = "same_head", "uvloop_same_head"
SERVERS = "benchmarks.wire.servers"
UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")


class HttpContender(NamedTuple):
    """A server. `words` name it in tables; `module` runs it, `{port}` in it is its port, like PORT of its environment.

    Contenders that predict answer what is asked, the others always the same. `request` is what it is asked, for
    `question.fill`. One that `spins` uses all of its core while nobody asks: it is stopped when it is not its turn.
    """

    words: str
    module: tuple[str, ...]
    predicts: bool = False
    environment: Mapping[str, str] = MappingProxyType({})
    request: str = CLOUD
    spins: bool = False


def _constant(words: str, name: str, *mode: str, request: str = CLOUD, spins: bool = False) -> HttpContender:
    return HttpContender(words, (f"{SERVERS}.{name}_constant", *mode), request=request, spins=spins)


CONTENDERS = {
    OURS: HttpContender("this app", ("app",), predicts=True),
    SAME: HttpContender("this app, the same head each time", ("app",), predicts=True, request=SHORT),
    "starlette": HttpContender("this app, Starlette's route", ("app",), predicts=True, environment={"FAST_PATH": "0"}),
    PLAIN: HttpContender("FastAPI + XGBClassifier", (*UVICORN, f"{SERVERS}.plain:app"), predicts=True),
    ASGI: _constant("ASGI constant on uvicorn", "asgi"),
    "granian": _constant("ASGI constant on granian", "granian"),
    "fastpysgi_asgi": _constant("ASGI constant on FastPySGI", "fastpysgi", "asgi", spins=True),
    "fastpysgi_wsgi": _constant("WSGI constant on FastPySGI", "fastpysgi", "wsgi"),
    "nginx": _constant("nginx constant", "nginx"),
    UVLOOP: _constant("uvloop constant", "uvloop"),
    UVLOOP_SAME: _constant("uvloop constant, the same head each time", "uvloop", request=SHORT),
}
