"""The servers that are compared through sockets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.wire.question import CLOUD, SHORT

OURS, PLAIN, ASGI, UVLOOP = "ours", "plain", "asgi_constant", "uvloop_constant"
SAME, UVLOOP_SAME = "same_head", "uvloop_same_head"
SERVERS = "benchmarks.wire.servers"
LISTENING = ("--host", "127.0.0.1", "--port", "{port}")
UVICORN = ("uvicorn", *LISTENING)
GRANIAN = ("granian", *LISTENING, "--interface", "asginl", "--loop", "uvloop", "--no-ws")
FASTPYSGI = (f"{SERVERS}.fastpysgi_constant",)
UVLOOP_SERVER = (f"{SERVERS}.uvloop_constant",)
BARE = ("--ws", "none", "--lifespan", "off", "--no-access-log", "--no-server-header")


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


CONTENDERS = {
    OURS: HttpContender("this app", ("app",), predicts=True),
    SAME: HttpContender("this app, the same head each time", ("app",), predicts=True, request=SHORT),
    "starlette": HttpContender("this app, Starlette's route", ("app",), predicts=True, environment={"FAST_PATH": "0"}),
    PLAIN: HttpContender("FastAPI + XGBClassifier", (*UVICORN, f"{SERVERS}.plain:app"), predicts=True),
    ASGI: HttpContender("ASGI constant on uvicorn", (*UVICORN, *BARE, f"{SERVERS}.asgi_constant:unread")),
    "granian": HttpContender("ASGI constant on granian", (*GRANIAN, f"{SERVERS}.asgi_constant:read")),
    "fastpysgi_asgi": HttpContender("ASGI constant on FastPySGI", (*FASTPYSGI, "asgi"), spins=True),
    "fastpysgi_wsgi": HttpContender("WSGI constant on FastPySGI", (*FASTPYSGI, "wsgi")),
    "nginx": HttpContender("nginx constant", (f"{SERVERS}.nginx_constant",)),
    UVLOOP: HttpContender("uvloop constant", UVLOOP_SERVER),
    UVLOOP_SAME: HttpContender("uvloop constant, the same head each time", UVLOOP_SERVER, request=SHORT),
}
