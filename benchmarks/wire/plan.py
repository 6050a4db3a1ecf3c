"""What can be asked for on the command line."""

import importlib.util
from pathlib import Path

import msgspec

ARTIFACTS = Path("artifacts")
OURS, NEW_HEADS, PLAIN, ASGI, UVLOOP = "ours", "new_heads", "plain", "asgi_constant", "uvloop_constant"
CONNECTIONS = (1, 16)
MANY = CONNECTIONS[-1]
SHARE = 0.5  # of capacity, for the open loop

_APP = ("app",)
_UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")


class Contender(msgspec.Struct, frozen=True):
    """A server. `words` name it in tables, `module` runs it, where `{port}` is its port, as PORT of the environment.

    Predictors answer what is asked, the others always the same.
    """

    words: str
    module: tuple[str, ...]
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    predicts: bool = True
    new_heads: bool = False  # every request has a header that none had before

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]


CONTENDERS = {
    OURS: Contender("this app", _APP),
    NEW_HEADS: Contender("this app, every head new", _APP, new_heads=True),
    "starlette": Contender("this app, Starlette's route", _APP, environment={"FAST_PATH": "0"}),
    PLAIN: Contender(
        "FastAPI + XGBClassifier",
        (*_UVICORN, "benchmarks.wire.servers.plain:app"),
        packages=("fastapi", "xgboost", "sklearn"),
    ),
    ASGI: Contender("ASGI constant on uvicorn", ("benchmarks.wire.servers.asgi_constant",), predicts=False),
    UVLOOP: Contender("uvloop constant", ("benchmarks.wire.servers.uvloop_constant",), predicts=False),
}
NAMES = tuple(CONTENDERS)


class Effort(msgspec.Struct, frozen=True):
    """How long it takes. A turn is `seconds` for each number of connections, and again for the open loop."""

    rounds: int
    seconds: int  # wrk takes whole ones
    starts: int  # of a fresh process
    worker_rounds: int


FULL = Effort(rounds=7, seconds=3, starts=15, worker_rounds=7)
QUICK = Effort(rounds=2, seconds=1, starts=1, worker_rounds=1)


class Plan(msgspec.Struct, frozen=True):
    """What one run measures."""

    contenders: tuple[str, ...] = NAMES
    effort: Effort = FULL
    artifacts: Path = ARTIFACTS  # as `make compile` leaves it

    @property
    def complete(self) -> bool:
        """All there is, long enough to publish."""
        return set(self.contenders) == set(NAMES) and self.effort == FULL
