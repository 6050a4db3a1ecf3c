"""The application: a visible list of routes. `uvicorn app.main:app` and `python -m app` serve it."""

import sys

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from app.about import about
from app.answer import Health, json_answer
from app.batches import batch_endpoint
from app.bundle import Bundle, load_bundle
from app.docs import docs_page, index
from app.http import body_endpoint, endpoint, http_problem, unexpected_problem
from app.inference import inferrer
from app.openapi import VERSION, openapi
from app.predict import predictor
from app.protocol import (
    MODEL_PATH,
    VERSION_PATH,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from app.settings import Settings, read_settings
from contract.refusal import USER_MISTAKE, Refusal


def create_app(bundle: Bundle, settings: Settings) -> Starlette:
    """The application that serves one loaded bundle."""
    infer = batch_endpoint(inferrer(bundle.library, settings.max_batch_rows), settings.max_batch_bytes)
    model_metadata = endpoint(lambda: json_answer(ModelMetadata()))
    model_ready = endpoint(lambda: json_answer(ModelReady()))
    application = Starlette(
        routes=[
            Route("/predict", body_endpoint(predictor(bundle.library), settings.max_body_bytes), methods=["POST"]),
            Route("/health/live", endpoint(lambda: json_answer(Health("live")))),
            Route("/health/ready", endpoint(lambda: json_answer(Health("ready")))),
            Route("/model", endpoint(lambda: json_answer(about(bundle)))),
            Route("/openapi.json", endpoint(lambda: json_answer(openapi()))),
            Route("/docs", endpoint(docs_page)),
            Route("/", endpoint(index)),
            # The Open Inference Protocol
            Route(f"{MODEL_PATH}/infer", infer, methods=["POST"]),
            Route(f"{VERSION_PATH}/infer", infer, methods=["POST"]),
            Route(f"{MODEL_PATH}/ready", model_ready),
            Route(f"{VERSION_PATH}/ready", model_ready),
            Route(MODEL_PATH, model_metadata),
            Route(VERSION_PATH, model_metadata),
            Route("/v2/health/live", endpoint(lambda: json_answer(ServerLive()))),
            Route("/v2/health/ready", endpoint(lambda: json_answer(ServerReady()))),
            Route("/v2", endpoint(lambda: json_answer(ServerMetadata(version=VERSION)))),
        ],
        exception_handlers={HTTPException: http_problem, Exception: unexpected_problem},
    )
    application.router.redirect_slashes = False  # /predict/ is another path: 404
    return application


def load_app() -> Starlette:
    """The application as the environment configures it. Raises Refusal."""
    settings = read_settings()
    return create_app(load_bundle(settings.bundle_path), settings)


def __getattr__(name: str) -> Starlette:
    """`app`, made when a server first asks for it, so that importing this module loads nothing."""
    if name != "app":
        raise AttributeError(name)
    try:
        return globals().setdefault("app", load_app())  # type: ignore[no-any-return]  # globals hold anything
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(USER_MISTAKE)
