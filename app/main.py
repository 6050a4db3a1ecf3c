"""The application: a visible list of routes. `uvicorn app.main:app` and `python -m app` serve it."""

import sys
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from app.answer import Answer, Problem, json_answer, problem
from app.batches import batch_endpoint
from app.docs import docs_page, index
from app.explain import explaining
from app.health import HealthChecks
from app.http import changing_endpoint, endpoint, http_problem, operation_endpoint, unexpected_problem
from app.inference import inferrer
from app.loading import start_serving
from app.memory import Memory, batch_memory, give_back_large_blocks
from app.openapi import VERSION, openapi
from app.operation import Operation
from app.predict import predictor, predictor_with_receipt
from app.protocol import (
    MODEL_PATH,
    VERSION_PATH,
    ModelMetadata,
    ServerMetadata,
)
from app.serving import Serving
from app.settings import Settings, read_settings
from app.telemetry import new_telemetry
from app.wire import Wire
from contract.refusal import USER_MISTAKE, Refusal

# A thread may keep the interpreter for so long while another wants it; Python's own 5 ms would be felt as a pause.
SWITCH_SECONDS = 0.0005

NO_CHALLENGER = problem(Problem("Not Found", 404, "there is no challenger; set CHALLENGER_URI to have one"))


def create_app(serving: Serving, settings: Settings, counters: int = -1) -> Starlette:
    """The application that answers with what `serving` has. Its `state.wire` is for the server's connections.

    `counters` is the descriptor of the memory in which a worker counts.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    give_back_large_blocks()
    telemetry = new_telemetry(settings, serving, counters)
    wire = Wire(settings, telemetry)
    health = HealthChecks(serving, wire)

    def model() -> Answer:
        served = serving.served
        return served.about if served else serving.unavailable

    def challenger() -> Answer:
        return serving.challenger.answer() if serving.challenger else NO_CHALLENGER

    def operation_route(path: str, operation: Operation) -> Route:
        """An operation by both doors: the fast path and Starlette."""
        wire.operations[path.encode()] = operation._replace(route=path)
        return Route(
            path, operation_endpoint(operation, timed=settings.server_timing), methods=[operation.method.decode()]
        )

    most = settings.max_body_bytes
    prediction = Operation(b"POST", predictor(serving), most, json=True, receipt=predictor_with_receipt(serving))
    explanation = Operation(b"POST", explaining(serving), most, json=True)
    explain = operation_endpoint(explanation, executor=ThreadPoolExecutor(1, "explain"))
    memory = Memory(batch_memory(settings.max_batch_memory_bytes, settings.workers))
    infer = batch_endpoint(inferrer(serving, settings.max_batch_rows), settings.max_batch_bytes, memory)
    application = Starlette(
        routes=[
            operation_route("/predict", prediction),
            operation_route("/health/live", Operation(b"GET", health.live, most, always=True)),
            operation_route("/health/ready", Operation(b"GET", health.ready, most, always=True)),
            Route("/explain", explain, methods=["POST"]),
            Route("/model", changing_endpoint(model)),
            Route("/challenger", changing_endpoint(challenger)),
            Route("/openapi.json", endpoint(lambda: json_answer(openapi()))),
            Route("/docs", endpoint(docs_page)),
            Route("/", endpoint(index)),
            *protocol_routes(infer, health),
            operation_route("/v2/health/live", Operation(b"GET", health.server_live, most, always=True)),
            operation_route("/v2/health/ready", Operation(b"GET", health.server_ready, most, always=True)),
        ],
        exception_handlers={HTTPException: http_problem, Exception: unexpected_problem},
    )
    application.router.redirect_slashes = False  # /predict/ is another path: 404
    application.state.wire = wire
    telemetry.routes = frozenset(route.path for route in application.routes if isinstance(route, Route))
    return application


def protocol_routes(infer: ASGIApp, health: HealthChecks) -> list[Route]:
    """The Open Inference Protocol's; those of its model once more with the version in them."""
    metadata, readiness = endpoint(lambda: json_answer(ModelMetadata())), changing_endpoint(health.model)
    routes = [Route("/v2", endpoint(lambda: json_answer(ServerMetadata(version=VERSION))))]
    for path in (MODEL_PATH, VERSION_PATH):
        routes += [Route(path, metadata), Route(f"{path}/ready", readiness)]
        routes += [Route(f"{path}/infer", infer, methods=["POST"])]
    return routes


def load_app() -> Starlette:
    """The application as the environment configures it. Raises Refusal."""
    settings = read_settings()
    return create_app(start_serving(settings), settings)


def __getattr__(name: str) -> Starlette:
    """`app`, made when a server first asks for it, so that importing this module loads nothing."""
    if name != "app":
        raise AttributeError(name)
    try:
        return globals().setdefault("app", load_app())  # type: ignore[no-any-return]  # globals hold anything
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(USER_MISTAKE)
