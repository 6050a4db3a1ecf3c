"""The application: a visible list of routes. `uvicorn app.main:app` and `python -m app` serve it."""

import sys
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from app.batch.batches import batch_endpoint
from app.batch.inference import inferrer
from app.core.answer import Answer, Problem, json_answer, problem
from app.core.memory import SMALL_BYTES, Memory, batch_memory, give_back_large_blocks
from app.core.operation import BodyLimit, Handler, Operation
from app.core.protocol import MODEL_PATH, VERSION_PATH, ServerMetadata
from app.core.query import INTERACTIONS, P_VALUES
from app.core.settings import Settings, read_settings
from app.docs.openapi import VERSION, openapi
from app.http.context import HttpContext
from app.http.cross_origin import CrossOriginApplication
from app.http.endpoint import (
    changing_endpoint,
    choosing_endpoint,
    endpoint,
    http_problem,
    model_endpoint,
    operation_endpoint,
    unexpected_problem,
)
from app.http.in_turn import InTurn
from app.model.cards import PATHS, card_of
from app.model.health import HealthChecks
from app.model.loading import start_serving
from app.model.serving import Served, Serving
from app.page.cards import card_endpoint
from app.page.endpoints import STATIC_PATH, index_endpoint, page_endpoint, static_endpoint
from app.page.files import StaticFiles
from app.table.tables import TableEndpoint
from app.telemetry.choice import new_telemetry
from contract.refusal import USER_MISTAKE, Refusal

# How long a thread may keep the interpreter while another one waits. Python's default, 5 ms, would delay predictions.
SWITCH_SECONDS = 0.0005

HEALTH_BODY = BodyLimit(1_024)  # a health check needs no body; a client that sends one may send this much
UNKNOWN_BODY_BYTES = 1 << 20  # the largest body until the contract is known; all of them are answered with 503

NO_CHALLENGER = problem(Problem("Not Found", 404, "there is no challenger; set CHALLENGER_URI to have one"))


def create_app(serving: Serving, settings: Settings, counters: int = -1) -> Starlette:
    """Return the application that answers with the model in `serving`.

    Its `state.http` is the HttpContext for the server's connections. `counters` is the file descriptor of the shared
    memory in which a worker counts; -1 means memory of this process.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    give_back_large_blocks()
    telemetry = new_telemetry(settings, serving, counters)
    context = HttpContext(settings, telemetry)
    health = HealthChecks(serving, lambda: context.draining)

    limit = BodyLimit(settings.max_body_bytes or UNKNOWN_BODY_BYTES)
    prediction = prediction_operation(serving, limit)
    score, infer = many_row_endpoints(serving, settings)
    checks = health_operations(health)
    for operation in (prediction, *checks):
        context.offer(operation)
    application = (CrossOriginApplication if settings.allowed_origins else Starlette)(
        routes=[
            prediction_route(prediction, serving, settings),
            *[starlette_route(each, settings) for each in checks],
            Route("/explain", explanation_endpoint(serving, limit), methods=["POST"]),
            Route("/score", score, methods=["POST"]),
            Route("/model", changing_endpoint(lambda: model_answer(serving))),
            Route("/model/rows", changing_endpoint(lambda: rows_answer(serving))),
            Route("/challenger", changing_endpoint(lambda: challenger_answer(serving))),
            Route("/openapi.json", changing_endpoint(openapi_reader(serving))),
            *page_routes(StaticFiles(), serving),
            *protocol_routes(serving, infer, health),
        ],
        exception_handlers={HTTPException: http_problem, Exception: unexpected_problem},
    )
    application.router.redirect_slashes = False  # /predict/ is another path, and is answered with 404
    application.state.http = context
    paths = [route.path for route in application.routes if isinstance(route, Route)]
    telemetry.routes = frozenset(paths)

    def adopt(served: Served) -> None:
        """Use what belongs to a bundle: connections call its function directly, which saves a call a request."""
        context.offer(prediction._replace(handler=served.predict))
        context.model_name = served.name
        telemetry.routes = frozenset(path.replace("{model}", served.name) for path in paths)
        set_limit(limit, settings, served)

    serving.when_adopted(adopt)
    return application


def starlette_route(operation: Operation, settings: Settings) -> Route:
    """Return the route of an operation that connections also answer themselves."""
    call = operation_endpoint(operation, timed=settings.server_timing)
    return Route(operation.route, call, methods=[operation.method.decode()])


def prediction_route(prediction: Operation, serving: Serving, settings: Settings) -> Route:
    """Return the route of POST /predict. A query never takes the fast path, which therefore need not look for one."""

    def predict(body: bytes | bytearray) -> Answer:
        served = serving.served
        return serving.unavailable if served is None else served.answers.with_p_values.predict(body)

    def receipt(received: Callable[[], float]) -> Handler:
        def predict_timed(body: bytes | bytearray) -> Answer:
            served = serving.served
            return serving.unavailable if served is None else served.answers.with_p_values.receipt(received)(body)

        return predict_timed

    usual, asked = [
        operation_endpoint(each, timed=settings.server_timing)
        for each in (prediction, prediction._replace(handler=predict, receipt=receipt))
    ]
    return Route(prediction.route, choosing_endpoint(P_VALUES, usual, asked), methods=["POST"])


def set_limit(limit: BodyLimit, settings: Settings, served: Served) -> None:
    """Let bodies be as large as the setting says, or as a row of the contract needs."""
    limit.max_bytes = settings.max_body_bytes or served.answers.inputs.body_bytes
    limit.advice = f"; send one {served.contract.row} a request"


def health_operations(health: HealthChecks) -> list[Operation]:
    """Return the operations of the health checks. They are answered under overload, too."""
    checks = {
        "/health/live": health.live,
        "/health/ready": health.ready,
        "/v2/health/live": health.server_live,
        "/v2/health/ready": health.server_ready,
    }
    return [Operation(b"GET", check, HEALTH_BODY, always=True, route=path) for path, check in checks.items()]


def prediction_operation(serving: Serving, limit: BodyLimit) -> Operation:
    """Return the operation of POST /predict."""

    def predict(body: bytes | bytearray) -> Answer:
        served = serving.served
        return serving.unavailable if served is None else served.predict(body)

    def receipt(received: Callable[[], float]) -> Handler:
        def predict_timed(body: bytes | bytearray) -> Answer:
            served = serving.served
            return serving.unavailable if served is None else served.receipt(received)(body)

        return predict_timed

    return Operation(b"POST", predict, limit, json=True, receipt=receipt, route="/predict")


def explanation_endpoint(serving: Serving, limit: BodyLimit) -> ASGIApp:
    """Return the endpoint of POST /explain. It runs on a thread of its own, as an explanation takes milliseconds."""
    line = InTurn("explain")

    def explain(body: bytes | bytearray, *, interactions: bool = False) -> Answer:
        served = serving.served
        return serving.unavailable if served is None else served.explain(body, interactions=interactions)

    plain, asked = (
        operation_endpoint(Operation(b"POST", handler, limit, json=True), line=line)
        for handler in (explain, partial(explain, interactions=True))
    )
    return choosing_endpoint(INTERACTIONS, plain, asked)


def many_row_endpoints(serving: Serving, settings: Settings) -> tuple[ASGIApp, ASGIApp]:
    """Return the endpoints of tables and of inference requests. They share the memory budgets of this process."""
    memory = Memory(batch_memory(settings.max_batch_memory_bytes, settings.workers, settings.max_connections))
    small = Memory(SMALL_BYTES)
    handler = inferrer(serving, settings.max_batch_rows, settings.batch_threads)
    return (
        TableEndpoint(serving, settings.max_batch_bytes, settings.max_batch_rows, memory, small),
        batch_endpoint(handler, settings.max_batch_bytes, memory, small),
    )


def model_answer(serving: Serving) -> Answer:
    """Return the answer of GET /model."""
    served = serving.served
    return served.about if served else serving.unavailable


def rows_answer(serving: Serving) -> Answer:
    """Return the answer of GET /model/rows."""
    served = serving.served
    return served.known_rows() if served else serving.unavailable


def openapi_reader(serving: Serving) -> Callable[[], Answer]:
    """Return the function that makes the answer of GET /openapi.json. It is made once for each bundle."""
    made: dict[str, Answer] = {}  # by version; only the newest is kept

    def read() -> Answer:
        served = serving.served
        if served is None:
            return serving.unavailable
        if served.version not in made:
            made.clear()
            made[served.version] = json_answer(openapi(served))
        return made[served.version]

    return read


def challenger_answer(serving: Serving) -> Answer:
    """Return the answer of GET /challenger."""
    return json_answer(serving.comparison()) if serving.comparison else NO_CHALLENGER


def page_routes(files: StaticFiles, serving: Serving) -> list[Route]:
    """Return the routes of the pages for a browser, and of the files that they load."""
    return [
        *(Route(f"/model/{path}", card_endpoint(files, path, partial(card_of, serving, path))) for path in PATHS),
        Route("/docs", page_endpoint(files, "docs.html")),
        Route("/", index_endpoint(files)),
        Route(STATIC_PATH, static_endpoint(files)),
    ]


def protocol_routes(serving: Serving, infer: ASGIApp, health: HealthChecks) -> list[Route]:
    """Return the routes of the Open Inference Protocol. Those of the model exist without and with its version."""

    def metadata(_: str) -> Answer:
        served = serving.served
        return serving.protocol_unavailable if served is None else json_answer(served.protocol.metadata)

    routes = [Route("/v2", endpoint(lambda: json_answer(ServerMetadata(version=VERSION))))]
    for path in (MODEL_PATH, VERSION_PATH):
        routes += [Route(path, model_endpoint(metadata)), Route(f"{path}/ready", model_endpoint(health.model))]
        routes += [Route(f"{path}/infer", infer, methods=["POST"])]
    return routes


def load_app() -> Starlette:
    """Return the application that the environment variables configure. Raises Refusal if a setting is wrong."""
    settings = read_settings()
    return create_app(start_serving(settings), settings)


def __getattr__(name: str) -> Starlette:
    """Return `app`. It is made on first access, so that importing this module loads no model.

    If a setting is wrong, print the error and exit: an exception would make uvicorn print a traceback.
    """
    if name != "app":
        raise AttributeError(name)
    try:
        return globals().setdefault("app", load_app())  # type: ignore[no-any-return]  # globals hold anything
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(USER_MISTAKE)
