"""What can be compared through sockets, and how long."""

import importlib.util
import shutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

OURS, PLAIN, ASGI, UVLOOP, NGINX = "ours", "plain", "asgi_constant", "uvloop_constant", "nginx_constant"
SAME, UVLOOP_SAME = "same_head", "uvloop_same_head"
CONNECTIONS = (1, 16)
MANY = CONNECTIONS[-1]
SHARE = 0.5  # of capacity, for the open loop
SERVERS = "benchmarks.wire.servers"
UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")


class HttpContender(NamedTuple):
    """A server. `words` name it in tables; `module` runs it, `{port}` in it is its port, like PORT of its environment.

    Contenders that predict answer what is asked, the others always the same.
    """

    words: str
    module: tuple[str, ...]
    needs: tuple[str, ...] = ()  # packages and programs
    environment: Mapping[str, str] = MappingProxyType({})
    predicts: bool = False
    spins: bool = False  # it uses all of its core while nobody asks, so it is stopped when it is not its turn
    cloud: bool = True  # it is asked with Cloud Run's heads; otherwise with the same short head each time

    @property
    def missing(self) -> list[str]:
        """Return the packages and programs that are not installed."""
        return [name for name in self.needs if not (importlib.util.find_spec(name) or shutil.which(name))]


def _constant(words: str, name: str, *needs: str, spins: bool = False, cloud: bool = True) -> HttpContender:
    file, *mode = name.split()
    return HttpContender(words, (f"{SERVERS}.{file}_constant", *mode), needs, spins=spins, cloud=cloud)


CONTENDERS = {
    OURS: HttpContender("this app", ("app",), predicts=True),
    SAME: HttpContender("this app, the same head each time", ("app",), predicts=True, cloud=False),
    "starlette": HttpContender("this app, Starlette's route", ("app",), environment={"FAST_PATH": "0"}, predicts=True),
    PLAIN: HttpContender(
        "FastAPI + XGBClassifier", (*UVICORN, f"{SERVERS}.plain:app"), ("fastapi", "xgboost", "sklearn"), predicts=True
    ),
    ASGI: _constant("ASGI constant on uvicorn", "asgi"),
    "granian_constant": _constant("ASGI constant on granian", "granian", "granian"),
    "fastpysgi_asgi": _constant("ASGI constant on FastPySGI", "fastpysgi asgi", "fastpysgi", spins=True),
    "fastpysgi_wsgi": _constant("WSGI constant on FastPySGI", "fastpysgi wsgi", "fastpysgi"),
    NGINX: _constant("nginx constant", "nginx", "nginx"),
    UVLOOP: _constant("uvloop constant", "uvloop"),
    UVLOOP_SAME: _constant("uvloop constant, the same head each time", "uvloop", cloud=False),
}


class HttpPlan(NamedTuple):
    """What one run measures. A turn takes `seconds` for each number of connections, and again for the open loop."""

    contenders: tuple[str, ...] = tuple(CONTENDERS)
    rounds: int = 5
    seconds: int = 3  # wrk takes whole ones
    starts: int = 7  # of a fresh process
    worker_rounds: int = 5


QUICK = HttpPlan(rounds=2, seconds=1, starts=1, worker_rounds=1)
