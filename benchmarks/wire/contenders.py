"""The servers that are compared through sockets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

OURS, PLAIN, ASGI, UVLOOP = "ours", "plain", "asgi_constant", "uvloop_constant"
SERVERS = "benchmarks.wire.servers"
UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")


class HttpContender(NamedTuple):
    """A server. `words` name it in tables; `module` runs it, `{port}` in it is its port, like PORT of its environment.

    Contenders that predict answer what is asked, the others always the same.
    """

    words: str
    module: tuple[str, ...]
    predicts: bool
    environment: Mapping[str, str] = MappingProxyType({})


CONTENDERS = {
    OURS: HttpContender("this app", ("app",), predicts=True),
    "starlette": HttpContender("this app, Starlette's route", ("app",), predicts=True, environment={"FAST_PATH": "0"}),
    PLAIN: HttpContender("FastAPI + XGBClassifier", (*UVICORN, f"{SERVERS}.plain:app"), predicts=True),
    ASGI: HttpContender("ASGI constant on uvicorn", (f"{SERVERS}.asgi_constant",), predicts=False),
    UVLOOP: HttpContender("uvloop constant", (f"{SERVERS}.uvloop_constant",), predicts=False),
}
